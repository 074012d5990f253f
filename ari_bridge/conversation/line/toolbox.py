"""What may be done in one call besides talking: by its agent, and by people from outside.

    model's call ─▶ offered? ─▶ repeated? ─▶ policy ─▶ caller's yes ─▶ ledger ─▶ run ─▶ ledger ─▶ model
                        │           │           │            │
                        no      its result      └─ a sentence ┘

The ledger's entry is on the disk before anything happens, so a process that takes the call over knows of it:
what is not known to have ended is not run again, unless twice is as once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ari_bridge.actions.base import Action, ActionResult, Desk
from ari_bridge.conversation.line.jobs import Actions, Did, Job, tool_job
from ari_bridge.core.errors import StoreError
from ari_bridge.core.messages import UNKNOWN_RESULT, Message, Standing, ToolCall, ToolSpec
from ari_bridge.store.journal import Journal, NoJournal, ToolRecord
from ari_bridge.tools.arguments import canonical, without_secrets
from ari_bridge.tools.consent import Consent, Keys, question
from ari_bridge.tools.once import Entry, Once
from ari_bridge.tools.workshop import AgentTools

log = logging.getLogger(__name__)

NOT_NOW = "Not done: this cannot be done at the moment."


class Toolbox:
    """Runs them, and keeps the outcome that the first of them decided."""

    def __init__(
        self,
        actions: Sequence[Action],
        desk: Desk,
        *,
        agent_may: Collection[str],
        tools: AgentTools | None = None,
        call_id: str = "",
        language: str = "en",
        journal: Journal | None = None,
        past: Iterable[ToolRecord] = (),
    ) -> None:
        """`agent_may`: names of the actions that are offered to the model. `past`: what an earlier process
        wrote into the ledger of this call."""
        fit = [(action, spec) for action in actions if (spec := action.spec(desk.context)) is not None]
        self._desk = desk
        self._actions = {spec.name: action for action, spec in fit}
        self._doing = Actions(desk)
        kit = AgentTools() if tools is None else tools
        self._policy = kit.policy
        self._see_through = kit.see_through
        turn = asyncio.Lock()
        jobs = [self._doing.job(action, spec) for action, spec in fit if spec.name in agent_may]
        jobs += [tool_job(tool, turn) for tool in kit.tools]
        self._jobs = {job.spec.name: job for job in jobs}
        self._call_id = call_id
        self._journal = NoJournal() if journal is None else journal
        self._once = Once(_recovered(past))
        control = desk.context.control
        self._consent = Consent(language, Keys(control.accept_digit, control.decline_digit))
        self._runs: dict[Entry, asyncio.Future[ActionResult]] = {}
        self.specs: tuple[ToolSpec, ...] = tuple(job.spec for job in jobs)
        self.harmless = frozenset(name for name, job in self._jobs.items() if self._is_harmless(job))
        """What a model may use before it is sure that the caller's turn has ended: it only looks things
        up, and nobody counts how often."""
        self.outcome: ActionResult | None = None
        self.refused: set[str] = set()
        """Calls, by their ids, that were not run: nobody has such a tool, or not like that."""

    # -------------------------------------------------------------- for people

    @property
    def names(self) -> Collection[str]:
        """The actions that can be taken in this call."""
        return self._actions.keys()

    async def run(self, name: str, arguments: Mapping[str, Any]) -> ActionResult:
        """What cannot be done is said in the result. `name` is one of `names`."""
        return (await self._doing.run(self._actions[name], arguments)).result

    # -------------------------------------------------------------- for the model

    def asked(self, messages: Sequence[Message]) -> None:
        """The model is asked with these: what the caller heard of results, and has said to questions."""
        self._consent.asked(messages)
        settled = self._once.asked(messages)
        if settled:
            self._journal.tools_settled(settled)

    def early(self, call: ToolCall) -> Callable[[], Awaitable[Did]] | None:
        """How to run it for a turn that is not surely over, without a trace; None where it must wait."""
        job = self._jobs.get(call.name)
        if job is None or call.name not in self.harmless:
            return None
        if self._policy.obstacle(call.name, 0, call.arguments, job.spec.parameters):
            return None
        return partial(job.run, call.arguments, f"{self._call_id}-early")

    async def run_for_agent(
        self, call: ToolCall, after_turn: int = 0, early: asyncio.Future[Did] | None = None
    ) -> ActionResult:
        """`after_turn`: how many turns are finished. `early`: what an early run of it finds. What may not or
        cannot be done is said in the result."""
        job = self._jobs.get(call.name)
        if job is None:
            log.warning("%s: refused: the agent is not offered it", call.name)
            self.refused.add(call.call_id)
            return ActionResult(f"There is no tool {call.name!r}.")
        kept = self._policy.kept(call.name, call.arguments)
        repeated = None if job.fresh else self._once.repeated(call.name, call.arguments, kept)
        if repeated is not None and not (repeated.standing is Standing.UNKNOWN and job.may_repeat):
            log.info("%s: called again: it is not run again", call.name)
            return await self._result_of(repeated)
        refusal = self._refusal(job, call, kept)
        if refusal:
            self.refused.add(call.call_id)
            return ActionResult(refusal)
        if early is not None:
            job = replace(job, run=lambda arguments, key: early)
        result = await self._run(job, call, kept, after_turn, repeated)
        if self.outcome is None and result.outcome is not None:
            self.outcome = result
        return result

    def _is_harmless(self, job: Job) -> bool:
        rules = self._policy.of(job.spec.name)
        is_counted = rules.max_per_call is not None or rules.max_per_day is not None
        return not (job.effects or rules.confirm or is_counted)

    async def _result_of(self, entry: Entry) -> ActionResult:
        if entry in self._runs:
            return await asyncio.shield(self._runs[entry])
        return ActionResult(entry.result or UNKNOWN_RESULT)

    def _refusal(self, job: Job, call: ToolCall, kept: Mapping[str, Any]) -> str:
        name, arguments = call.name, call.arguments
        refusal = self._policy.obstacle(name, self._once.count(name), arguments, job.spec.parameters)
        if refusal:
            log.warning("%s: refused: %s", name, refusal)
            return refusal
        rules = self._policy.of(name)
        if rules.confirm:
            asked = question(rules.question, name, kept)
            refusal = self._consent.obstacle(name, asked)
            if refusal:
                log.warning("%s: refused: the caller has not agreed", name)
        return refusal

    async def _run(
        self, job: Job, call: ToolCall, kept: Mapping[str, Any], after_turn: int, repeated: Entry | None
    ) -> ActionResult:
        entry = self._once.begin(call.name, call.arguments, call.call_id)
        done: asyncio.Future[ActionResult] = asyncio.get_running_loop().create_future()
        self._runs[entry] = done

        async def work() -> None:
            did = Did(ActionResult(UNKNOWN_RESULT), Standing.UNKNOWN)
            try:
                did = await self._recorded(job, call, kept, after_turn, entry, repeated)
            finally:
                entry.standing, entry.result = did.standing, did.result.result
                done.set_result(did.result)

        await (self._see_through(work()) if job.outlives_call else work())
        return await done

    async def _recorded(
        self,
        job: Job,
        call: ToolCall,
        kept: Mapping[str, Any],
        after_turn: int,
        entry: Entry,
        repeated: Entry | None,
    ) -> Did:
        """Run it, between two lines of the ledger."""
        name = call.name
        try:
            number = await self._journal.tool_called(
                ToolCall(call.call_id, name, kept),
                after_turn,
                most_today=self._policy.of(name).max_per_day,
            )
        except StoreError as error:
            log.error("%s: %s", name, error)
            if not job.may_repeat:
                return Did(ActionResult(NOT_NOW), Standing.NOT_DONE)
            return await job.run(call.arguments, f"{self._call_id}-unwritten")
        if number is None:
            refusal = self._policy.day_is_full(name)
            log.warning("%s: refused: %s", name, refusal)
            return Did(ActionResult(refusal), Standing.NOT_DONE)
        entry.number = number
        first = number if repeated is None or repeated.number is None else repeated.number
        did = await job.run(call.arguments, f"{self._call_id}-{first}")
        secret = self._policy.of(name).secret
        self._journal.tool_answered(
            number, without_secrets(did.result.result, call.arguments, secret), did.standing
        )
        return did


def _recovered(past: Iterable[ToolRecord]) -> list[Entry]:
    return [
        Entry(
            record.number,
            record.call.name,
            canonical(record.call.arguments),
            record.standing,
            record.result or "",
            record.call.call_id,
            recovered=True,
            settled=record.settled,
        )
        for record in past
    ]
