"""Reads the tensors out of an ONNX file: as much of its format as that takes, and no more.

An ONNX file is one protobuf message; a field is a varint key (number << 3 | wire type), then its value
(protobuf.dev, "Encoding"). Of onnx.proto only these are followed:

    ModelProto.graph = 7 ─▶ GraphProto.initializer = 5 ──────────────────▶ TensorProto
                                      .node = 1 ─▶ NodeProto.output = 2 (its name)
                                                     .attribute = 5 ─▶ AttributeProto.t = 5 ─▶ TensorProto
                                                                                     .g = 6 ─▶ GraphProto
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Tensor = NDArray[np.float32]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_OCTETS = {_FIXED64: 8, _FIXED32: 4}
_FLOAT = 1
"""TensorProto.DataType"""


def float_tensors(model: bytes) -> dict[str, Tensor]:
    """All float32 tensors of a model, constants in branches too, by name. Raises ValueError."""
    tensors: dict[str, Tensor] = {}
    try:
        for number, value in _fields(memoryview(model)):
            if number == 7:
                tensors.update(_of_graph(_message(value)))
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"not an ONNX file: {error}") from None
    return tensors


def _of_graph(graph: memoryview) -> Iterator[tuple[str, Tensor]]:
    for number, value in _fields(graph):
        if number == 5:
            yield from _tensor(_message(value), None)
        elif number == 1:
            yield from _of_node(_message(value))


def _of_node(node: memoryview) -> Iterator[tuple[str, Tensor]]:
    output = ""
    attributes = []
    for number, value in _fields(node):
        if number == 2:
            output = bytes(_message(value)).decode()
        elif number == 5:
            attributes.append(_message(value))
    for attribute in attributes:
        for number, value in _fields(attribute):
            if number == 5:
                yield from _tensor(_message(value), output)
            elif number == 6:
                yield from _of_graph(_message(value))


def _tensor(tensor: memoryview, output: str | None) -> Iterator[tuple[str, Tensor]]:
    """The tensor by the name of the `output` it is given out by, or by its own; nothing if it is not of
    floats."""
    name = ""
    shape: list[int] = []
    kind = 0
    data = memoryview(b"")
    for number, value in _fields(tensor):
        if number == 1:
            shape += [value] if isinstance(value, int) else _varints(value)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 8:
            name = bytes(_message(value)).decode()
        elif number in (4, 9):  # float_data, raw_data: both are little-endian float32
            data = _message(value)
    if kind == _FLOAT:
        yield name if output is None else output, np.frombuffer(data, "<f4").reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in _FIXED_OCTETS:
            length = _FIXED_OCTETS[kind]
        else:
            raise ValueError(f"not an ONNX file: there is no wire type {kind}")
        if at + length > len(message):
            raise ValueError("not an ONNX file: it ends in the middle of a field")
        yield key >> 3, message[at : at + length]
        at += length


def _varints(packed: memoryview) -> list[int]:
    values = []
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        values.append(value)
    return values


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value = shift = 0
    while True:
        octet = message[at]
        at += 1
        value |= (octet & 0x7F) << shift
        if octet < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("not an ONNX file: a number of more than 64 bits")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("not an ONNX file: a number where a message belongs")
    return value
