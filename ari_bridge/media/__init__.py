"""Row 2: the audio plane. Cores without I/O: rtp, codecs, jitter, resample, vad, rows, engine.
Shells: udp, shared, process, port."""
