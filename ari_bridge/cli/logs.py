"""Log lines as an administrator of Asterisk knows them: `[date] LEVEL[call-id] module: text`."""

from __future__ import annotations

import logging
import sys

from ari_bridge.core.logs import log_call_id

FORMAT = "[%(asctime)s.%(msecs)03d] %(levelname)s[%(call_id)s] %(name)s: %(message)s"
DATE = "%Y-%m-%d %H:%M:%S"


def set_up(level: str) -> None:
    """Log to stderr from `level` on. Libraries only from WARNING on: what they log is of no use to an
    operator, and an HTTP library's debug lines hold what nobody should read."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_add_call_id)
    handler.setFormatter(logging.Formatter(FORMAT, DATE))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("ari_bridge").setLevel(level)


def _add_call_id(record: logging.LogRecord) -> bool:
    record.call_id = log_call_id.get()
    return True
