"""`ari-bridge bench trace`: recorded packets, played into the jitter buffer again by a turned clock.

CSV or pcap ──▶ Trace ──▶ replay (the product's own Receiver) ──▶ late, delay, concealed, MOS; a picture
generated paths ──┘
"""
