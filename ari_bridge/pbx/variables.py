"""Channel variables: which are read when a call comes in, and which the dialplan finds when it leaves."""

from __future__ import annotations

import re

from ari_bridge.pbx.call import Outcome, Status

READ = ("AI_AGENT", "AI_GREETING", "AI_CONTEXT", "AI_LANG")
"""Set in the dialplan before Stasis()."""

STATUS = "ARIBRIDGESTATUS"
"""Set on every call that we answer, and on no other."""

NATIVE_FORMAT = "CHANNEL(audionativeformat)"

_SETTABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|CDR\([A-Za-z0-9_]+\)")
"""Plain variables and CDR fields. Other dialplan functions write files and run programs."""


def on_entry(call_id: str, agent: str) -> dict[str, str]:
    """Set before answering: what the dialplan's `h` extension reads when the caller hangs up on us, since
    nothing can be set then any more."""
    return {
        STATUS: Status.HANGUP.value,
        "ARIBRIDGECAUSE": "CALLER",
        "ARIBRIDGECALLID": call_id,
        "ARIBRIDGEAGENT": agent,
    }


def on_leaving(call_id: str, outcome: Outcome) -> dict[str, str]:
    """Set before the channel goes on in the dialplan; what is neither variable nor CDR field is left out."""
    wanted = outcome.dialplan_variables(call_id)
    return {name: value for name, value in wanted.items() if _SETTABLE.fullmatch(name)}
