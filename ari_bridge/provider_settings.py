"""The settings of engines: which there are, and who stands in for whom.

    [providers.NAME]        a provider's options; `use` names the provider where NAME is not its own name
    [providers.fallback]    who is asked after an agent's own engines, when, and how long each may take

A provider checks its own options (providers/registry.py).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ari_bridge.core.errors import Fault


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
"""Of providers, the first being asked first; a single name may stand without brackets."""


class FallbackSettings(BaseModel):
    """When an engine is given up in the middle of a turn, and who takes over from it; where nobody is left,
    the agent apologises and the call goes on in the dialplan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stt: Names = ()
    """Asked after those that an agent lists itself; so are llm and tts."""
    llm: Names = ()
    tts: Names = ()
    when: tuple[Fault, ...] = tuple(Fault)
    """Other faults end the turn with an apology, as if nobody were in reserve."""
    llm_first_s: float = Field(default=4.0, gt=0)
    """How long a model's first word may take,"""
    llm_last_s: float = Field(default=10.0, gt=0)
    """and that of the last one, or the only one: waiting for it is better than giving up."""
    tts_first_s: float = Field(default=2.0, gt=0)
    """And a voice's first sound."""
    next_s: float = Field(default=3.0, gt=0)
    """And what follows."""
    stt_final_s: float = Field(default=3.0, gt=0)
    """How long after the caller's last word the final transcript may take."""
    failures_max: int = Field(default=3, ge=1)
    """In a row; the engine is asked last then,"""
    rest_s: float = Field(default=30.0, gt=0)
    """for so long."""


class ProviderTables(BaseModel):
    """[providers]: a table each, but for `fallback`."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, dict[str, Any]] = Field(init=False)

    fallback: FallbackSettings = FallbackSettings()

    def table(self, name: str) -> dict[str, Any]:
        """A copy of [providers.NAME]; empty where there is none."""
        return dict(self.__pydantic_extra__.get(name, {}))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the tables."""
        return tuple(self.__pydantic_extra__)
