"""ari_bridge: AI voice agents for an existing Asterisk."""

__version__ = "0.1.0"
