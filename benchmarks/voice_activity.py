"""What the voice detectors find and what they cost: python benchmarks/voice_activity.py [--rate HZ] [--cpu]

Three are compared: the level alone (EnergyVad), the level without our echo, and that with Silero VAD. Calls
are made up from synthetic voices (espeak-ng speaks for the agent, flite for the callers), noises and echo, and
go through the rings and the analysis as in the product, without a network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.analysis.models import Models, find_models
from ari_bridge.media.codecs.g711 import round_trip
from ari_bridge.media.vad import EnergyVad, VoiceStarted
from ari_bridge.media.voice_activity import VoiceDetector
from ari_bridge.sandbox.audio_bench import AudioBench, Detector, Told, detect
from ari_bridge.sandbox.scenario import Voice
from ari_bridge.sandbox.voices import speak
