"""What rows send: their own frames, silence for the others."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.codecs.registry import known_codecs
from ari_bridge.media.payloads import Payloads

CODECS = [codec for codec in known_codecs().values() if not codec.send_as and codec.memory is None]


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("speaking", [[], [1], [0, 1, 2]])
def test_rows_that_speak_and_rows_that_are_silent(codec: Codec, speaking: list[int]) -> None:
    payloads = Payloads(codec, codec.coders(5), 5)
    slots = np.array([0, 2, 4])
    pcm = (
        np.random.default_rng(1).integers(-9000, 9000, (len(speaking), codec.frame_samples)).astype(np.int16)
    )
    payload = np.full((3, codec.frame_octets), 0x55, dtype=np.uint8)
    payloads.write(payload, slots, pcm, np.array(speaking, dtype=np.intp))
    frames = np.zeros((3, codec.frame_samples), dtype=np.int16)
    frames[speaking] = pcm
    assert np.array_equal(payload, codec.encode(frames))
