"""What an agent says of its own accord: by its settings, else as its language has it."""

from __future__ import annotations

from dataclasses import replace

from ari_bridge.dialogue.languages.registry import language
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.settings import AgentSettings, SayingSettings


def wording(agent: AgentSettings, tag: str) -> Sayings:
    """In the language `tag` (BCP 47). The phrases in the agent's table are in its own one; those of each
    other one stand in that language's table."""
    return _over(language(tag).says, _own(agent, tag))


def _own(agent: AgentSettings, tag: str) -> SayingSettings:
    if tag in agent.languages:
        return agent.languages[tag].says
    if language(tag) is not language(agent.language):
        return SayingSettings()
    patience = agent.patience
    return SayingSettings(
        apology=agent.apology,
        goodbye=agent.goodbye,
        resumption=agent.resumption,
        no_answer=patience.no_answer,
        fillers=patience.fillers,
        check_ins=patience.check_ins,
        farewell=patience.farewell,
    )


def _over(says: Sayings, own: SayingSettings) -> Sayings:
    return replace(says, **{name: text for name, text in own if text is not None})
