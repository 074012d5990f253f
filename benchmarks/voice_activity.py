"""What the voice detectors find and what they cost: python benchmarks/voice_activity.py [--cpu | --quality]

Three are compared: the plain level (plain_energy.py), the product's detector without a model of the voice,
and the same with Silero VAD. Calls are made up from synthetic voices (espeak-ng for the agent, flite and
espeak-ng for the callers), noises and echo, and go through µ-law (8 kHz), the rings and the analysis as in
the product, without a network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from plain_energy import PlainEnergy

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.analysis.models import load_models, packaged_model
from ari_bridge.media.analysis.silero import Silero
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.vad import VoiceStarted, VoiceStopped
from ari_bridge.media.voice_activity import VoiceDetector
from ari_bridge.sandbox.audio_bench import AudioBench, Detector, Told, detect
from ari_bridge.sandbox.scenario import Voice
from ari_bridge.sandbox.voices import speak

AGENT = (
    "Hello and welcome to the service desk of the northern water company. What can I do for you today?",
    "Your appointment is on Tuesday the fourteenth at half past nine. A technician will call you about "
    "thirty minutes before he arrives.",
    "The balance of your account is two hundred and forty three pounds and twelve pence, and the next "
    "payment is due on the first of March.",
)
CALLERS = (
    "No wait, that is not what I asked for.",
    "Stop please, I want to speak to somebody.",
    "Sorry, can you repeat that?",
    "Yes, I would like to change the date.",
)
QUIET_DBFS = -65.0
SPEECH_DBFS = -24.0
PAUSE_S = 1.5

Wave = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    sent: Wave
    received: Wave
    speech_s: tuple[tuple[float, float], ...] = ()
    """When the caller speaks, from and to."""


# ---------------------------------------------------------------------- what lines sound like


def gain(db: float) -> float:
    return float(10 ** (db / 20))


def at_level(wave: Wave, dbfs: float) -> Wave:
    """With that level where it is not silent."""
    loud = wave[np.abs(wave) > 0.02 * np.abs(wave).max()]
    return wave * (32768 * gain(dbfs) / np.sqrt(np.mean(loud**2)))


def filtered(
    white: Wave, rate_hz: int, response: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Wave:
    """Noise whose spectrum has that amplitude at each frequency in Hz."""
    spectrum = np.fft.rfft(white)
    return np.fft.irfft(spectrum * response(np.fft.rfftfreq(len(white), 1 / rate_hz)), len(white))


class Sounds:
    """Backgrounds of any length, the same ones each time."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._rng = np.random.default_rng(7)

    def white(self, seconds: float) -> Wave:
        return self._rng.normal(0, 1, round(seconds * self.rate_hz))

    def hiss(self, seconds: float) -> Wave:
        """Flat line noise that breathes by 2 dB."""
        t = np.arange(round(seconds * self.rate_hz)) / self.rate_hz
        return self.white(seconds) * (1 + 0.25 * np.sin(2 * np.pi * 0.3 * t))

    def car(self, seconds: float) -> Wave:
        """Rumble below 300 Hz with a tail of wind and tyres, in gusts."""
        wave = filtered(self.white(seconds), self.rate_hz, lambda f: 1 / (1 + (f / 150) ** 1.5))
        slow = filtered(self.white(seconds), self.rate_hz, lambda f: 1.0 * (f < 1.5))
        return wave * (1 + 0.3 * slow / np.std(slow))

    def babble(self, seconds: float, voices: list[Wave]) -> Wave:
        """Eight people at once, somewhere else."""
        length = round(seconds * self.rate_hz)
        crowd = np.zeros(length)
        for _ in range(8):
            many = np.concatenate([voices[i] for i in self._rng.permutation(len(voices))] * 9)
            start = int(self._rng.integers(len(many) // 2))
            crowd += np.resize(many[start:], length)
        return crowd

    def music(self, seconds: float) -> Wave:
        """Music on hold: plucked chords at 100 beats a minute over a bass."""
        beat = round(0.3 * self.rate_hz)
        t = np.arange(2 * beat) / self.rate_hz
        chords = ((220, 277, 330), (196, 247, 294), (175, 220, 262), (165, 208, 247))
        wave = np.zeros(round(seconds * self.rate_hz) + 2 * beat)
        for number, start in enumerate(range(0, len(wave) - 2 * beat, beat)):
            chord = chords[number // 8 % 4]
            notes = (*chord, chord[number % 3] * 4, chord[0] / 2)
            pluck = sum(np.sin(2 * np.pi * f * k * t) / k**1.5 for f in notes for k in range(1, 6))
            wave[start : start + 2 * beat] += pluck * np.exp(-t / 0.25)
        return wave[: round(seconds * self.rate_hz)]

    def clicks(self, seconds: float) -> Wave:
        """Coughs of the line: bursts of 5 to 30 ms, one or two a second."""
        wave = 1e-3 * self.white(seconds)
        at = 0.5
        while at < seconds - 0.1:
            length = round(float(self._rng.uniform(0.005, 0.03)) * self.rate_hz)
            start = round(at * self.rate_hz)
            wave[start : start + length] += self._rng.normal(0, 1, length)
            at += float(self._rng.uniform(0.4, 1.0))
        return wave


def echo_of(sent: Wave, rate_hz: int, level_db: float, delay_ms: float) -> Wave:
    """As a handset in a room gives it back: the delay, and 40 ms of a decaying tail."""
    rng = np.random.default_rng(round(delay_ms))
    tail = rng.normal(0, 0.15, round(0.04 * rate_hz)) * np.exp(
        -np.arange(round(0.04 * rate_hz)) / (0.008 * rate_hz)
    )
    tail[0] = 1
    heard = np.convolve(sent, tail / np.sqrt(np.sum(tail**2)))[: len(sent)] * gain(level_db)
    delay = round(delay_ms * rate_hz / 1000)
    return np.concatenate([np.zeros(delay), heard[: len(heard) - delay]])


# ---------------------------------------------------------------------- the calls


class Scenes:
    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.sounds = Sounds(rate_hz)
        self.agent = [speak(line, Voice.ESPEAK, rate_hz).astype(np.float64) for line in AGENT]
        self.callers = [
            at_level(speak(line, voice, rate_hz).astype(np.float64), SPEECH_DBFS)
            for voice in (Voice.FLITE, Voice.ESPEAK)
            for line in CALLERS
        ]

    def silent(self) -> Iterator[Call]:
        """Nobody speaks; each a minute."""
        for name, wave in (
            ("digital silence", None),
            ("line noise -50 dBFS", at_level(self.sounds.hiss(60), -50)),
            ("line noise -35 dBFS", at_level(self.sounds.hiss(60), -35)),
            ("car -35 dBFS", at_level(self.sounds.car(60), -35)),
            ("babble -40 dBFS", at_level(self.sounds.babble(60, self.callers), -40)),
            ("music on hold -28 dBFS", at_level(self.sounds.music(60), -28)),
            ("clicks -20 dBFS", at_level(self.sounds.clicks(60), -20)),
        ):
            received = np.zeros(60 * self.rate_hz) if wave is None else self.quiet(60) + wave
            yield Call(name, np.zeros(len(received)), received)

    def echo(self, level_db: float) -> Iterator[Call]:
        for delay_ms in (20, 55, 90, 130, 170, 210, 250):
            sent = self.monologue()
            received = echo_of(sent, self.rate_hz, level_db, delay_ms) + self.quiet(len(sent) / self.rate_hz)
            yield Call(f"echo {level_db:.0f} dB", sent, received)

    def double_talk(self, level_db: float) -> Iterator[Call]:
        """As echo(), and the caller interrupts once, at different places."""
        for number, call in enumerate((*self.echo(level_db), *self.echo(level_db))):
            line = self.callers[number % len(self.callers)]
            start = round((1.2 + number * 1.3) * self.rate_hz)
            received = call.received.copy()
            received[start : start + len(line)] += line
            spoken = start / self.rate_hz, (start + len(line)) / self.rate_hz
            yield Call(f"interruption in echo {level_db:.0f} dB", call.sent, received, (spoken,))

    def speech(self, noise: str, snr_db: float) -> Call:
        """The callers' sentences, with pauses, over noise."""
        pause = np.zeros(round(PAUSE_S * self.rate_hz))
        parts, spoken, at = [np.zeros(2 * self.rate_hz)], [], 2.0
        for line in self.callers:
            parts += [line, pause]
            spoken.append((at, at + len(line) / self.rate_hz))
            at = spoken[-1][1] + PAUSE_S
        clean = np.concatenate(parts)
        seconds = len(clean) / self.rate_hz
        under = {"line": self.sounds.hiss, "car": self.sounds.car}[noise](seconds)
        received = clean + at_level(under[: len(clean)], SPEECH_DBFS - snr_db)
        return Call(
            f"speech over {noise} noise, {snr_db:.0f} dB", np.zeros(len(clean)), received, tuple(spoken)
        )

    def monologue(self) -> Wave:
        pause = np.zeros(self.rate_hz // 2)
        return np.concatenate([pause, *(part for line in self.agent for part in (line * 0.6, pause))])

    def quiet(self, seconds: float) -> Wave:
        return self.sounds.white(seconds) * 32768 * gain(QUIET_DBFS)


# ---------------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True)
class Found:
    false_starts: int
    voiced_s: float
    """Of a call in which nobody speaks."""
    minutes: float
    onsets_ms: tuple[float, ...]
    """How long after each utterance's first sample voice was told."""
    missed: int


def judged(call: Call, told: list[Told], rate_hz: int) -> Found:
    """An onset belongs to an utterance that it was told in, or 0.3 s after; any other is false."""
    starts = [one.at_s for one in told if isinstance(one.event, VoiceStarted)]
    onsets, missed, ours = [], 0, set()
    for begin, end in call.speech_s:
        within = [at for at in starts if begin <= at <= end + 0.3]
        ours |= set(within)
        if within:
            onsets.append((within[0] - begin) * 1000)
        else:
            missed += 1
    silent_s = len(call.received) / rate_hz - sum(end - begin for begin, end in call.speech_s)
    return Found(len(set(starts) - ours), voiced_s(call, told, rate_hz), silent_s / 60, tuple(onsets), missed)


def voiced_s(call: Call, told: list[Told], rate_hz: int) -> float:
    """How long voice was on in all."""
    total, since = 0.0, None
    for one in told:
        if isinstance(one.event, VoiceStarted):
            since = one.event.at_s
        elif isinstance(one.event, VoiceStopped) and since is not None:
            total += one.event.at_s - since
            since = None
    return total + (0.0 if since is None else len(call.received) / rate_hz - since)


def quality(rate_hz: int, models: Mapping[int, Silero]) -> None:
    scenes = Scenes(rate_hz)
    calls = [*scenes.silent()]
    for level_db in (-20.0, -12.0):
        calls += [*scenes.echo(level_db), *scenes.double_talk(level_db)]
    calls += [scenes.speech(noise, snr_db) for noise in ("line", "car") for snr_db in (40.0, 20.0, 10.0, 5.0)]
    detectors: list[tuple[str, Callable[[], Detector], Mapping[int, Silero]]] = [
        ("plain level", PlainEnergy, {}),
        ("without a model", VoiceDetector, {}),
    ]
    if models:
        detectors.append(("with Silero VAD", VoiceDetector, models))
    results: dict[str, list[list[Found]]] = {}
    for column, (_, detector, known) in enumerate(detectors):
        for call in calls:
            sent, received = over_the_line(call, rate_hz)
            (told,) = detect([sent], [received], rate_hz, known, detector)
            columns = results.setdefault(call.name, [[] for _ in detectors])
            columns[column].append(judged(call, told, rate_hz))
    print(f"\n{rate_hz} Hz: false starts a minute (how much of the time is taken for voice); misses;")
    print("onset told after, ms: median / 90 % / most\n")
    print(f"| {'':38} | " + " | ".join(f"{name:>28}" for name, *_ in detectors) + " |")
    print("|---|" + "---|" * len(detectors))
    for name, columns in results.items():
        print(f"| {name:38} | " + " | ".join(f"{cell(found):>28}" for found in columns) + " |")


def cell(found: list[Found]) -> str:
    a_minute = sum(one.false_starts for one in found) / sum(one.minutes for one in found)
    onsets = [onset for one in found for onset in one.onsets_ms]
    missed = sum(one.missed for one in found)
    if not onsets and not missed:
        voiced = sum(one.voiced_s for one in found) / sum(one.minutes for one in found) / 60
        return f"{a_minute:.1f} ({voiced:.0%})"
    if not onsets:
        return f"{a_minute:.1f}; {missed}"
    middle, late = np.quantile(onsets, (0.5, 0.9))
    return f"{a_minute:.1f}; {missed}; {middle:.0f} / {late:.0f} / {max(onsets):.0f}"


def over_the_line(call: Call, rate_hz: int) -> tuple[Pcm16, Pcm16]:
    """Both directions as samples; through µ-law where that is the codec."""
    sent, received = (
        np.clip(np.rint(wave), -32768, 32767).astype(np.int16) for wave in (call.sent, call.received)
    )
    if rate_hz == 8000:
        ulaw = find_codec("ulaw")
        received = ulaw.decode(ulaw.encode(received))
    return sent, received


def cpu(rate_hz: int, models: Mapping[int, Silero]) -> None:
    """Of the analysis, by turns of 10 ms in which the rows of half of the phases have a new frame."""
    voice = np.tile(speak(AGENT[0], Voice.ESPEAK, rate_hz), 2)
    print(f"\n{rate_hz} Hz: CPU µs per call-second of the analysis\n")
    print("| calls | agent silent | agent speaks |\n|---|---|---|")
    for rows in (1, 50, 500):
        costs = []
        for speaks in (False, True):
            half = max(1, rows // 2)
            bench = AudioBench(half, rate_hz, models)
            n = bench.frame_samples
            frames = 150 if rows > 1 else 400
            spent = 0.0
            for frame in range(frames):
                pcm = np.tile(voice[frame * n % (len(voice) - n) :][:n], (half, 1))
                bench.tick(pcm if speaks else np.zeros_like(pcm), pcm)
                start = time.process_time()
                bench.analyst.step()
                spent += time.process_time() - start
            costs.append(spent / half / (frames * 0.02) * 1e6)
        print(f"| {rows} | {costs[0]:.0f} | {costs[1]:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the voice detectors find, and what they cost.")
    parser.add_argument("--rate", type=int, choices=(8000, 16000), default=8000)
    parser.add_argument("--cpu", action="store_true", help="only what they cost")
    parser.add_argument("--quality", action="store_true", help="only what they find")
    arguments = parser.parse_args()
    file = packaged_model()
    models = load_models(file) if file is not None else {}
    if not models:
        print("Without Silero VAD (pip install --no-deps silero-vad)")
    if not arguments.cpu:
        quality(arguments.rate, models)
    if not arguments.quality:
        cpu(arguments.rate, models)


if __name__ == "__main__":
    main()
