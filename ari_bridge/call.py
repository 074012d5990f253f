"""One call, from bridged to its outcome: its conversation, and the record that is kept of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ari_bridge.actions.base import Action, ActionContext
from ari_bridge.conversation.line import Brief, Conversation, Costs
from ari_bridge.core.clock import Clock, monotonic_s
from ari_bridge.dialogue.latency import timing
from ari_bridge.dialogue.live import LiveEvent, LiveKind, Observer
from ari_bridge.pbx.call import CallInfo, Outcome, PbxCall, Status
from ari_bridge.pbx.causes import Cause
from ari_bridge.pbx.outbound import PlacedCall
from ari_bridge.settings import AgentSettings
from ari_bridge.store import record as records
from ari_bridge.store.database import CallStore
from ari_bridge.store.journal import NoJournal
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
    converse: Callable[[Brief], Conversation]
    """With its engines."""
    actions: Sequence[Action]
    action_context: ActionContext
    tools: AgentTools


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
    costs = Costs()
    brief = Brief(
        call,
        agent.settings,
        agent.actions,
        agent.action_context,
        observer,
        start_s,
        clock,
        agent.max_duration_s - before_s,
        NoJournal() if journal is None else journal,
        past,
        agent.tools,
        costs.count,
    )
    conversation = agent.converse(brief)
    line = conversation.line
    outcome: Outcome | None = None
    try:
        with switchboard.connected(info, line):
            outcome = await conversation.run()
        return outcome
    finally:
        end_s = clock()
        record.duration_ms = (end_s - start_s) * 1000
        record.turns = line.turns
        record.digits = line.digits
        audio = call.port.stats()
        record.media = audio.to_dict()
        record.usage = costs.records()
        if outcome is not None:
            record.variables = outcome.dialplan_variables(info.call_id)
            ending = f"{outcome.status.value} {outcome.cause}".rstrip()
        else:
            ending = "FAILED"
        status, _, cause = ending.partition(" ")
        switchboard.ended(info.call_id, status, cause)
        if journal is not None:
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


async def keep_unreached(
    call: PlacedCall,
    cause: Cause,
    *,
    switchboard: Switchboard,
    record_directory: Path | None = None,
    store: CallStore | None = None,
    clock: Clock = monotonic_s,
) -> None:
    """Leave a record of a call that we placed and that no agent ever had: without turns or audio."""
    outcome = Outcome(Status.NOT_REACHED, cause)
    passed_s = (datetime.now(UTC) - call.placed_at).total_seconds()
    switchboard.ended(call.call_id, outcome.status.value, cause)
    if store is not None:
        info = CallInfo(call.call_id, "", call.agent, "", call.number, "")
        store.begin(info, call.placed_at).ended(outcome.status.value, cause)
    if record_directory is not None:
        record = CallRecord(
            call_id=call.call_id,
            agent=call.agent,
            did="",
            caller_number=call.number,
            started_at=call.placed_at.isoformat(timespec="milliseconds"),
            start_monotonic_s=clock() - passed_s,
            duration_ms=passed_s * 1000,
            variables=outcome.dialplan_variables(call.call_id),
        )
        await _keep(record, record_directory)


async def _keep(record: CallRecord, directory: Path) -> None:
    try:
        await asyncio.to_thread(records.write, record, directory)
    except OSError as error:
        log.error("records.directory: cannot write to %s: %s", directory, error.strerror)
