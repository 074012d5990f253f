"""A voice for the real package piper-tts, made here: no model weights, a tone.

The network takes what Piper's take (input: phonemes, shape (1, n); input_lengths; scales) and gives what they
give (audio, shape (1, 1, n * HOP)): every phoneme is HOP samples of a saw tooth, as many more as length_scale
says. "Phonemes" are characters (phoneme_type "text").
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

RATE_HZ = 22_050
HOP = 256


def make_voice(folder: Path) -> Path:
    """The .onnx file, with its .json beside it."""
    model = folder / "tone.onnx"
    ids = {chr(code): [code % 200 + 3] for code in range(32, 0x250)}
    config = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "text",
        "num_symbols": 256,
        "num_speakers": 1,
        "inference": {"noise_scale": 0.0, "length_scale": 1.0, "noise_w": 0.0},
        "phoneme_id_map": {"_": [0], "^": [1], "$": [2], **ids},
    }
    Path(f"{model}.json").write_text(json.dumps(config))
    save(_network(), str(model))
    return model


def _network() -> object:
    """audio = frac(range(n * HOP * length_scale) / 50) - 0.5, n being the number of phonemes."""
    constants = [
        numpy_helper.from_array(np.array(value, dtype), name)
        for name, value, dtype in (
            ("one", 1, np.int64),
            ("zero", 0, np.int64),
            ("hop", HOP, np.float32),
            ("period", 50.0, np.float32),
            ("unit", 1.0, np.float32),
            ("half", 0.5, np.float32),
            ("shape", [1, 1, -1], np.int64),
        )
    ]
    nodes = [
        helper.make_node("Shape", ["input"], ["ids_shape"]),
        helper.make_node("Gather", ["ids_shape", "one"], ["count"]),
        helper.make_node("Cast", ["count"], ["count_f"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["scales", "one"], ["stretch"]),
        helper.make_node("Mul", ["count_f", "hop"], ["plain"]),
        helper.make_node("Mul", ["plain", "stretch"], ["stretched"]),
        helper.make_node("Cast", ["stretched"], ["samples"], to=TensorProto.INT64),
        helper.make_node("Range", ["zero", "samples", "one"], ["time"]),
        helper.make_node("Cast", ["time"], ["time_f"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["time_f", "period"], ["turns"]),
        helper.make_node("Mod", ["turns", "unit"], ["phase"], fmod=1),
        helper.make_node("Sub", ["phase", "half"], ["wave"]),
        helper.make_node("Reshape", ["wave", "shape"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tone",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "samples"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    checker.check_model(model)
    return model
