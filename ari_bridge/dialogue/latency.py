"""The latency of one answer: stamps on one monotonic clock, counted from the caller's last voiced frame.

    last voiced frame ▶ end_of_turn ▶ transcript ▶ first_token ▶ first_sentence ▶ first_audio ▶ first_packet
                                        model_asked ┘

The names of the delays between them are those of the field (LiveKit and Pipecat report the same):

    end_of_utterance_delay   last voiced frame ▶ end_of_turn: the silence it took to be sure
    transcription_delay      last voiced frame ▶ transcript: the final one; at least the delay above
    ttft                     model_asked ▶ first_token: the language model
    ttfb                     first_sentence ▶ first_audio: the voice engine
    e2e                      last voiced frame ▶ first_packet: what the caller waits

`first_packet` is the moment at which the media process sent it. The model may have been asked before the
turn was over (eager end of turn): then model_asked and first_token can lie before end_of_turn. Fillers ("one
moment, please") are no answer and set no stamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Stamp(Enum):
    END_OF_TURN = "end_of_turn"
    TRANSCRIPT = "transcript"
    MODEL_ASKED = "model_asked"
    FIRST_TOKEN = "first_token"
    FIRST_SENTENCE = "first_sentence"
    FIRST_AUDIO = "first_audio"
    FIRST_PACKET = "first_packet"


LAST_VOICED = None
"""Where a delay begins that counts from the caller's last voiced frame."""

METRICS: Mapping[str, tuple[Stamp | None, Stamp]] = {
    "end_of_utterance_delay": (LAST_VOICED, Stamp.END_OF_TURN),
    "transcription_delay": (LAST_VOICED, Stamp.TRANSCRIPT),
    "ttft": (Stamp.MODEL_ASKED, Stamp.FIRST_TOKEN),
    "ttfb": (Stamp.FIRST_SENTENCE, Stamp.FIRST_AUDIO),
    "e2e": (LAST_VOICED, Stamp.FIRST_PACKET),
}


class Waterfall:
    """The stamps of one answer. The first of each kind counts."""

    def __init__(self, last_voiced_s: float | None = None) -> None:
        """`last_voiced_s`: None for words that answer nothing (the greeting)."""
        self._origin_s = last_voiced_s
        self._at_s: dict[Stamp, float] = {}

    def mark(self, stamp: Stamp, now: float) -> None:
        self._at_s.setdefault(stamp, now)

    def latency_ms(self) -> dict[str, float]:
        """Milliseconds since the last voiced frame, by the stamp's name, in the order above."""
        if self._origin_s is None:
            return {}
        return {
            stamp.value: round((self._at_s[stamp] - self._origin_s) * 1000, 1)
            for stamp in Stamp
            if stamp in self._at_s
        }

    def metrics_ms(self) -> dict[str, float]:
        """The delays that have names, ms."""
        return metrics_ms(self.latency_ms())


def metrics_ms(latency_ms: Mapping[str, float]) -> dict[str, float]:
    """Of a waterfall's latencies: the delays whose both ends are known, ms."""
    return {
        name: round(latency_ms[end.value] - (0.0 if begin is None else latency_ms[begin.value]), 1)
        for name, (begin, end) in METRICS.items()
        if end.value in latency_ms and (begin is None or begin.value in latency_ms)
    }


def timing(metrics_ms: Mapping[str, float]) -> str:
    """One line for people: "e2e 812 ms (end_of_utterance_delay 500, ttft 210, ttfb 80)"."""
    parts = ", ".join(f"{name} {value:.0f}" for name, value in metrics_ms.items() if name != "e2e")
    whole = f"e2e {metrics_ms['e2e']:.0f} ms" if "e2e" in metrics_ms else "e2e unknown"
    return f"{whole} ({parts})" if parts else whole
