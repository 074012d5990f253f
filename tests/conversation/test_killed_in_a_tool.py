"""A process that is really killed in the middle of a tool, and the one that takes its call over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ari_bridge.core.messages import UNKNOWN_RESULT

PROCESS = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path

from ari_bridge.actions.base import ActionContext
from ari_bridge.conversation.line.toolbox import Toolbox
from ari_bridge.core.messages import ToolCall
from ari_bridge.pbx.call import CallInfo
from ari_bridge.store.database import CallStore
from ari_bridge.tools.workshop import AgentTools
from tests.actions.desk import desk
from tests.tools.helpers import tool

file, orders, idempotent, dies = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "True", sys.argv[4]


async def order(arguments, key):
    with orders.open("a") as effect:
        effect.write(key + "\\n")
    if dies == "in the tool":
        os.kill(os.getpid(), signal.SIGKILL)
    return "Ordered."


async def main():
    store = await CallStore.open(file, "voice")
    past = await store.past("call-1")
    toolbox = Toolbox(
        [], desk(ActionContext({})), agent_may=(), call_id="call-1",
        tools=AgentTools([tool(order, idempotent=idempotent)]),
        journal=store.begin(CallInfo("call-1", "170.1", "sales", "", "", ""), datetime.now(UTC)),
        past=() if past is None else past.tools,
    )
    result = await toolbox.run_for_agent(ToolCall("a new id each time", "book", {"people": 2}))
    print(result.result, flush=True)
    if dies == "after the result":
        await store._database.ask(lambda database: None)  # what was written before it is on the disk
        os.kill(os.getpid(), signal.SIGKILL)
    await store.close()


asyncio.run(main())
"""


def serve(directory: Path, *, idempotent: bool, dies: str) -> str:
    """What the model was told by a process."""
    command = [sys.executable, "-c", PROCESS, str(directory / "calls.sqlite"), str(directory / "orders")]
    done = subprocess.run(
        [*command, str(idempotent), dies],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == (-9 if dies else 0), done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("dies", "idempotent", "told", "times"),
    [
        ("in the tool", False, UNKNOWN_RESULT, 1),
        ("in the tool", True, "Ordered.", 2),
        ("after the result", False, "Ordered.", 1),
    ],
)
def test_the_next_process_does_not_do_it_again(
    tmp_path: Path, dies: str, idempotent: bool, told: str, times: int
) -> None:
    serve(tmp_path, idempotent=idempotent, dies=dies)
    assert serve(tmp_path, idempotent=idempotent, dies="") == told
    assert (tmp_path / "orders").read_text() == "call-1-0\n" * times
