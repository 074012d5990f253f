"""Row 4: one call's conversation: `Conversation` in `shell`, and what it carries commands out with."""

from ari_bridge.conversation.shell import Conversation

__all__ = ["Conversation"]
