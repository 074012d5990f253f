"""What is said of people who were rung."""

from __future__ import annotations

from ari_bridge.pbx.control import Lost

_SENTENCES = {
    Lost.BUSY: "{} is busy at the moment.",
    Lost.DECLINED: "{} cannot take the call at the moment.",
    Lost.NO_ANSWER: "{} does not answer.",
    Lost.HUNG_UP: "{} has hung up.",
}


def lost(name: str, why: Lost) -> str:
    """A sentence that an agent, or a script, can say as it is."""
    return _SENTENCES[why].format(name.replace("_", " ").replace("-", " ").capitalize())
