"""What a conversation is given for its call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ari_bridge.actions.base import Action, ActionContext
from ari_bridge.core.clock import Clock, monotonic_s
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.live import Observer
from ari_bridge.dialogue.wording import wording
from ari_bridge.pbx.call import PbxCall
from ari_bridge.providers.base import Meter, unmetered
from ari_bridge.settings import AgentSettings
from ari_bridge.store.journal import Journal, NoJournal, Past
from ari_bridge.tools.workshop import AgentTools


@dataclass(frozen=True, slots=True)
class Brief:
    call: PbxCall
    agent: AgentSettings
    actions: Sequence[Action]
    action_context: ActionContext
    observer: Observer
    start_s: float
    """The instant from which the records count, on `clock`."""
    clock: Clock = monotonic_s
    max_duration_s: float = math.inf
    """After which the agent says goodbye."""
    journal: Journal = field(default_factory=NoJournal)
    past: Past | None = None
    """What there was before, where the call is taken over."""
    tools: AgentTools | None = None
    meter: Meter = unmetered

    @property
    def language(self) -> str:
        """A BCP 47 tag: the dialplan's word comes before the agent's."""
        info = self.call.info
        return info.args.get("lang") or info.variables.get("AI_LANG") or self.agent.language

    @property
    def says(self) -> Sayings:
        """What the agent says of its own accord, in that language."""
        return wording(self.agent, self.language)

    @property
    def first_words(self) -> str:
        """The agent's; "" where the caller is to speak first."""
        if self.past is not None:
            return self.says.resumption
        return self.call.info.variables.get("AI_GREETING") or self.agent.greeting

    @property
    def system(self) -> str:
        """The system message for the model; "" for none."""
        return "\n\n".join(filter(None, (self.agent.prompt, self.call.info.variables.get("AI_CONTEXT"))))
