"""Which call a log line belongs to: set once in a call's task, seen by everything the task starts."""

from __future__ import annotations

from contextvars import ContextVar

log_call_id: ContextVar[str] = ContextVar("log_call_id", default="-")
