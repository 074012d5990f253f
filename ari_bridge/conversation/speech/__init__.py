"""The conversation of an engine that hears and speaks itself: a speech-to-speech model, or a bot."""

from ari_bridge.conversation.speech.conversation import SpeechConversation, SpeechEngines

__all__ = ["SpeechConversation", "SpeechEngines"]
