"""Row 3: what a language model may call: Python functions, HTTP requests, MCP servers, the knowledge folder.

A module of tools imports `tool` and `NotDone` from here.
"""

from ari_bridge.tools.python_functions import NotDone, tool

__all__ = ["NotDone", "tool"]
