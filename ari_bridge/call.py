"""One call, from bridged to its outcome: its conversation, and the record that is kept of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ari_bridge.actions.base import Action, ActionContext
from ari_bridge.conversation import Conversation
from ari_bridge.conversation.languages import Tongue
from ari_bridge.core.clock import Clock, monotonic_s
from ari_bridge.dialogue.latency import timing
from ari_bridge.dialogue.live import LiveEvent, LiveKind, Observer
from ari_bridge.pbx.call import Outcome, PbxCall
from ari_bridge.providers.base import LanguageModel, SpeechToText, TextToSpeech, TurnDetector
from ari_bridge.settings import AgentSettings
from ari_bridge.store import record as records
from ari_bridge.store.database import CallStore
from ari_bridge.store.record import CallRecord
from ari_bridge.switchboard import Switchboard
from ari_bridge.tools.workshop import AgentTools

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with its engines, ready to answer; shared by all its calls."""

    name: str
    settings: AgentSettings
    max_duration_s: float
    """Of a call, before the agent says goodbye."""
    stt: SpeechToText
    llm: LanguageModel
    tts: TextToSpeech
    actions: Sequence[Action]
    action_context: ActionContext
    tools: AgentTools
    languages: Mapping[str, Tongue]
    detector: TurnDetector | None


async def run_call(
    call: PbxCall,
    agent: Agent,
    *,
    observer: Observer,
    switchboard: Switchboard,
    record_directory: Path | None = None,
    store: CallStore | None = None,
    clock: Clock = monotonic_s,
) -> Outcome:
    """Hold the conversation; whatever ends it, leave a record.

    Raises what the conversation raises (AriBridgeError), after the record is written.
    """
    info = call.info
    past = await store.past(info.call_id) if store is not None and info.life > 1 else None
    now = datetime.now(UTC)
    started_at = now if past is None else past.started_at
    before_s = (now - started_at).total_seconds()
    start_s = clock() - before_s
    journal = None if store is None else store.begin(info, started_at)
    record = CallRecord(
        call_id=info.call_id,
        agent=agent.name,
        did=info.did,
        caller_number=info.caller_number,
        started_at=started_at.isoformat(timespec="milliseconds"),
        start_monotonic_s=start_s,
    )
    observer = _logging(observer)
    observer(LiveEvent(clock(), info.call_id, LiveKind.CALL_STARTED, agent.name))
    conversation = Conversation(
        call,
        agent.settings,
        agent.stt,
        agent.llm,
        agent.tts,
        agent.actions,
        agent.action_context,
        observer,
        clock,
        max_duration_s=agent.max_duration_s - before_s,
        start_s=start_s,
        journal=journal,
        past=past,
        tools=agent.tools,
        languages=agent.languages,
        detector=agent.detector,
    )
    outcome: Outcome | None = None
    try:
        with switchboard.connected(info, conversation):
            outcome = await conversation.run()
        return outcome
    finally:
        end_s = clock()
        record.duration_ms = (end_s - start_s) * 1000
        record.turns = conversation.turns
        record.digits = conversation.digits
        audio = call.port.stats()
        record.media = audio.to_dict()
        if outcome is not None:
            record.variables = outcome.dialplan_variables(info.call_id)
            ending = f"{outcome.status.value} {outcome.cause}".rstrip()
        else:
            ending = "FAILED"
        if journal is not None:
            status, _, cause = ending.partition(" ")
            journal.ended(status, cause)
        observer(LiveEvent(end_s, info.call_id, LiveKind.CALL_ENDED, ending))
        log.info("call ended: %s after %.1f s; %s", ending, end_s - start_s, audio.summary())
        if record_directory is not None:
            await _keep(record, record_directory)


def _logging(observer: Observer) -> Observer:
    """Each answer's delays are a log line; its `figures` hold them for who logs in a structured form."""

    def observe(event: LiveEvent) -> None:
        if event.kind is LiveKind.ANSWER_TIMED:
            figures = dict(event.figures)
            log.info("answered: %s", timing(figures), extra={"figures": figures})
        observer(event)

    return observe


async def _keep(record: CallRecord, directory: Path) -> None:
    try:
        await asyncio.to_thread(records.write, record, directory)
    except OSError as error:
        log.error("records.directory: cannot write to %s: %s", directory, error.strerror)
