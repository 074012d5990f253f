"""One call, as any kind of conversation holds it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from ari_bridge.actions.base import Desk
from ari_bridge.conversation.line.brief import Brief
from ari_bridge.conversation.line.dialogue import Dialogue
from ari_bridge.conversation.line.ending import Ending
from ari_bridge.conversation.line.errands import Errands
from ari_bridge.conversation.line.minutes import Minutes
from ari_bridge.conversation.line.talk import TAIL_S, CallTalk, KeyUse
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.conversation.line.toolbox import Toolbox
from ari_bridge.core.errors import MediaError
from ari_bridge.core.messages import Message, ToolCall, ToolSpec
from ari_bridge.dialogue.live import LiveEvent, LiveKind
from ari_bridge.dialogue.signals import Leave
from ari_bridge.pbx.call import CallerBack, CallerGone, CallerHeld, CallerReplaced, Digit, Outcome, Status
from ari_bridge.pbx.causes import Cause
from ari_bridge.store.record import DigitRecord, TurnRecord

log = logging.getLogger(__name__)


class Line:
    """Made for one call; `run` it once."""

    def __init__(self, brief: Brief, dialogue: Dialogue) -> None:
        """`dialogue`: what is talked, with the turns of `brief.past` restored."""
        self._call, self._journal = brief.call, brief.journal
        self._observer, self._clock = brief.observer, brief.clock
        self._dialogue = dialogue
        self._call.port.set_gain_db(brief.agent.gain_db)
        self.tasks = Tasks(self._audio_ended)
        """Whatever is started in them ends with the call."""
        self._ending = Ending()
        self._minutes = Minutes(brief.journal, brief.start_s, dialogue.finished)
        self._talk = CallTalk(dialogue, self._call.port, self.tasks)
        self._toolbox = Toolbox(
            brief.actions,
            Desk(brief.action_context, self._call.control, self._talk),
            agent_may=brief.agent.actions,
            tools=brief.tools,
            call_id=self._call.info.call_id,
            language=brief.language,
            journal=brief.journal,
            past=() if brief.past is None else brief.past.tools,
        )
        self._errands = Errands(
            self._toolbox, self._talk, self.tasks, dialogue.tool_returned, self._ending.give
        )

    async def run(self, *work: Callable[[], Coroutine[Any, Any, None]]) -> Outcome:
        """`work` and the PBX's events, until the call has its outcome. What cannot be mended (a bug of ours)
        comes out as an exception group; failing engines and media are outcomes."""
        try:
            async with self.tasks as tasks:
                for each in (*work, self._follow_pbx):
                    tasks.start(each)
                return await self._ending.outcome()
        finally:
            self._dialogue.end()
            self.keep_minutes()

    # -------------------------------------------------------------- for the dialogue

    @property
    def is_over(self) -> bool:
        return self._ending.is_there

    @property
    def is_aside(self) -> bool:
        """The dialogue stands still: nobody is listened to."""
        return self._talk.aside

    async def agent_may_speak(self) -> None:
        """Until there is somebody to hear what the agent says next."""
        await self._talk.agent_may_speak()

    @property
    def tools(self) -> Sequence[ToolSpec]:
        """What the model is offered, actions and tools alike."""
        return self._toolbox.specs

    def model_asked(self, messages: Sequence[Message]) -> None:
        """The model is asked with these, for sure: what the caller heard of results, and has said to
        questions."""
        self._toolbox.asked(messages)

    def run_tool(self, call: ToolCall) -> None:
        """Answered by one `Dialogue.tool_returned`."""
        self._errands.run_tool(call, after_turn=len(self._dialogue.finished))

    def refused(self, call: ToolCall) -> bool:
        """Whether it returned without having been run."""
        return call.call_id in self._toolbox.refused

    def run_early(self, call: ToolCall) -> None:
        """Of a reply that may yet be given up: run it now if it has no effects. The same call in `run_tool`
        gets what it finds."""
        self._errands.run_early(call)

    def forget_early(self) -> None:
        """The reply was given up: what was run for it is of no use."""
        self._errands.forget_early()

    def tell(self, kind: LiveKind, text: str, figures: Mapping[str, float]) -> None:
        """Whoever follows the call live."""
        self._observer(LiveEvent(self._clock(), self._call.info.call_id, kind, text, figures))

    def keep_minutes(self) -> None:
        """Turns may have been finished: write them down."""
        self._minutes.write(self._dialogue.finished)

    def leave(self, leave: Leave) -> None:
        """The dialogue is over, and its last words have left us."""
        self.tasks.start(self._end_after_tail, self._outcome(leave))

    # -------------------------------------------------------------- for everybody else

    @property
    def turns(self) -> list[TurnRecord]:
        """The finished turns so far; all of them once `run` has ended, however it ended."""
        return self._minutes.record(self._dialogue.finished)

    @property
    def digits(self) -> list[DigitRecord]:
        return self._minutes.digits

    @property
    def verbs(self) -> Collection[str]:
        """The actions that `act` knows in this call."""
        return self._errands.verbs

    async def act(self, verb: str, arguments: Mapping[str, Any]) -> str:
        """Do what somebody besides the agent wants done. Returns what came of it, in a sentence."""
        if self.is_over:
            return "The call has ended."
        return await self._errands.act(verb, arguments)

    # -------------------------------------------------------------- what comes from the PBX, and the end

    async def _follow_pbx(self) -> None:
        while True:
            event = await self._call.next_event()
            match event:
                case Digit(digit, _, at_s):
                    use = self._talk.take_key(digit)
                    if use is not KeyUse.SECRET:
                        self._minutes.pressed(digit, at_s)
                    if use is KeyUse.FREE:
                        self._dialogue.key_pressed(digit, at_s)
                case CallerHeld():
                    self._talk.caller_held()
                case CallerBack():
                    self._talk.caller_back()
                case CallerReplaced():
                    self._journal.caller_is_now(self._call.info)
                case CallerGone():
                    self._ending.give(Outcome(Status.HANGUP, Cause.CALLER))
                    return

    def _outcome(self, leave: Leave) -> Outcome:
        if leave.time_up:
            return Outcome(Status.TIMEOUT, Cause.MAX_DURATION)
        if leave.nobody_there:
            return Outcome(Status.TIMEOUT, Cause.NO_INPUT)
        if self._errands.decided is not None:
            return self._errands.decided
        if leave.failed is not None:
            return Outcome(Status.FAILED, Cause(leave.failed.value))
        return Outcome(Status.COMPLETED)

    async def _end_after_tail(self, outcome: Outcome) -> None:
        await asyncio.sleep(TAIL_S)
        self._ending.give(outcome)

    def _audio_ended(self, error: MediaError) -> None:
        log.warning("the call's audio ended: %s", error)
        self._ending.give(Outcome(Status.FAILED, Cause.MEDIA_FAILED))


class Conversation(Protocol):
    """Of any kind, as whoever serves the call sees it."""

    @property
    def line(self) -> Line: ...

    async def run(self) -> Outcome:
        """From the greeting to the outcome, once. Raises what Line.run raises."""
        ...
