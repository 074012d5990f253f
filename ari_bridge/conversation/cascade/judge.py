"""Has a model judge the caller's pauses, where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ari_bridge.conversation.cascade.ears import Ears
from ari_bridge.conversation.cascade.verdict import verdict
from ari_bridge.conversation.cascade.voice import Voice
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.dialogue import signals as s
from ari_bridge.providers.base import CallerPause, TurnDetector


class Judge:
    """One pause at a time: the model's work on a pause that is over is cancelled."""

    def __init__(
        self,
        detector: TurnDetector | None,
        timeout_ms: float,
        ears: Ears,
        voice: Voice,
        rate_hz: int,
        tasks: Tasks,
        handle: Callable[[s.Event], None],
    ) -> None:
        self._detector, self._timeout_ms = detector, timeout_ms
        self._ears, self._voice, self._rate_hz = ears, voice, rate_hz
        self._tasks = tasks
        self._handle = handle
        self._task: asyncio.Task[None] | None = None

    def judge(self, pause: s.JudgePause) -> None:
        self.pause_ended()
        if self._detector is not None:
            self._task = self._tasks.start(self._judge, self._detector, pause)

    def pause_ended(self) -> None:
        """The caller goes on, or the turn is over."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():  # its verdict may end the turn
            task.cancel()

    async def _judge(self, detector: TurnDetector, pause: s.JudgePause) -> None:
        audio = self._ears.since(pause.from_s)
        heard = CallerPause(audio, self._rate_hz, self._voice.language, pause.text or None, pause.agent_text)
        ends = await verdict(detector, heard, self._timeout_ms)
        if ends is not None:
            self._handle(s.PauseJudged(pause.pause, ends))
