"""The actions there are: each module of this folder that defines ACTION."""

from __future__ import annotations

import ari_bridge.actions
from ari_bridge.actions.base import Action
from ari_bridge.core.registry import discover


def actions() -> dict[str, Action]:
    """All actions by name. Raises InternalError where a module's ACTION is no Action."""
    return discover(ari_bridge.actions, "ACTION", Action)
