"""The ONNX reader, on files written by hand, field by field."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.media.analysis.onnx import float_tensors


def varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(values: np.ndarray, name: str = "") -> bytes:
    kind = {np.dtype("f4"): 1, np.dtype("i8"): 7}[values.dtype]
    shape = b"".join(number(1, size) for size in values.shape)
    return shape + number(2, kind) + message(8, name.encode()) + message(9, values.tobytes())


def constant(name: str, values: np.ndarray) -> bytes:
    return message(2, name.encode()) + message(5, message(1, b"value") + message(5, tensor(values)))


WEIGHTS = np.arange(6, dtype="f4").reshape(2, 3) - 2.5
BIAS = np.array([0.25], dtype="f4")
BRANCH = message(1, constant("else_weights", WEIGHTS * 2)) + message(1, constant("shape", np.arange(2)))
GRAPH = (
    message(5, tensor(BIAS, "bias"))
    + message(1, constant("weights", WEIGHTS))
    + message(1, message(2, b"out") + message(5, message(6, BRANCH)))
)
# With fields that are of no interest: a version, a producer, a 64-bit and a 32-bit number.
MODEL = number(1, 8) + message(2, b"somebody") + b"\x51" + bytes(8) + b"\x5d" + bytes(4) + message(7, GRAPH)


def test_initializers_constants_and_those_of_branches_are_found() -> None:
    found = float_tensors(MODEL)
    assert sorted(found) == ["bias", "else_weights", "weights"]
    assert found["bias"].tolist() == [0.25]
    assert found["weights"].tolist() == WEIGHTS.tolist()
    assert found["else_weights"].tolist() == (WEIGHTS * 2).tolist()


def test_packed_shapes_and_float_data_are_understood() -> None:
    packed = (
        message(1, varint(2) + varint(3)) + number(2, 1) + message(8, b"w") + message(4, WEIGHTS.tobytes())
    )
    assert float_tensors(message(7, message(5, packed)))["w"].tolist() == WEIGHTS.tolist()


@given(st.integers(0, len(MODEL) - 1))
def test_a_file_that_was_cut_off_is_refused_or_holds_less(length: int) -> None:
    try:
        found = float_tensors(MODEL[:length])
    except ValueError:
        return
    assert len(found) < 3


@given(st.binary(max_size=200))
def test_any_bytes_are_a_model_or_a_value_error(data: bytes) -> None:
    try:
        float_tensors(data)
        float_tensors(message(7, data))
    except ValueError:
        pass


def test_a_number_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        float_tensors(b"\xff" * 20)
