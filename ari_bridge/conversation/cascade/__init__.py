"""The conversation of three engines: speech to text, language model, text to speech."""

from ari_bridge.conversation.cascade.conversation import CascadedConversation
from ari_bridge.conversation.cascade.engines import CascadeEngines, Tongue

__all__ = ["CascadeEngines", "CascadedConversation", "Tongue"]
