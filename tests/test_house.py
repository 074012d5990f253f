"""The house: each folder imports only from rows below it, and nothing goes round in a circle.

The rows are those of docs/architecture.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ari_bridge"

ROW = {
    "core": 1,
    "settings": 1,
    "tool_settings": 1,
    "provider_settings": 1,
    "media": 2,
    "dialogue": 2,
    "pbx": 3,
    "actions": 3,
    "providers": 3,
    "tools": 3,
    "store": 3,
    "conversation": 4,
    "agents": 4,
    "call": 4,
    "switchboard": 4,
    "service": 5,
    "scenario": 5,
    "cli": 6,
    "web": 6,
}
SIDEWAYS = {
    ("agents", "call"),
    ("agents", "conversation"),
    ("settings", "core"),
    ("settings", "tool_settings"),
    ("settings", "provider_settings"),
    ("provider_settings", "core"),
    ("tool_settings", "core"),
    ("actions", "pbx"),
    ("store", "pbx"),
    ("call", "conversation"),
    ("call", "switchboard"),
    ("cli", "web"),
    ("store", "pbx"),
}
# The sandbox stands beside the house: it may use rows 1 to 3, and only rehearsals and faces use it.
SANDBOX_USES = {room for room, row in ROW.items() if row <= 3}
USES_SANDBOX = {"cli", "sandbox", "scenario"}

FREE_OF_IO = {
    "asyncio",
    "socket",
    "time",
    "selectors",
    "threading",
    "subprocess",
    "aiohttp",
}
CORES = [
    *sorted((PACKAGE / "dialogue").rglob("*.py")),
    *sorted((PACKAGE / "media" / "codecs").rglob("*.py")),
    *(PACKAGE / "media" / f"{name}.py" for name in ("rtp", "jitter", "resample", "vad", "rows", "engine")),
    PACKAGE / "media" / "voice_activity.py",
    *(
        PACKAGE / "media" / "analysis" / f"{name}.py"
        for name in ("analyst", "bands", "echo", "silero", "voice_rows")
    ),
    PACKAGE / "pbx" / "session.py",
    *(
        PACKAGE / "conversation" / "speech" / f"{name}.py"
        for name in ("core", "agent_side", "agent_turn", "caller_side", "caller_turn", "outbox", "signals")
    ),
    *(
        PACKAGE / "conversation" / "speech" / f"{name}.py"
        for name in ("story", "tool_calls", "turns", "silence", "engine_side", "weighing")
    ),
    PACKAGE / "conversation" / "speech" / "utterance.py",
    *(
        PACKAGE / "providers" / "speech" / f"{name}.py"
        for name in ("gemini_live_dialect", "openai_realtime_dialect", "openai_realtime_items", "sound")
    ),
]


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(path: Path, *, everywhere: bool = True) -> Iterator[str]:
    """The modules that the file at `path` imports; `everywhere` counts those inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


EDGES = [
    (name, target)
    for name, path in MODULES.items()
    for target in imports(path)
    if target == "ari_bridge" or target.startswith("ari_bridge.")
]


def test_every_room_has_a_row() -> None:
    rooms = {room(name) for name in MODULES} - {"", "sandbox", "__main__"}
    assert rooms <= ROW.keys(), f"rooms without a row: {rooms - ROW.keys()}"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_down(name: str) -> None:
    own = room(name)
    for source, target in EDGES:
        if source != name or room(target) in ("", own):
            continue
        other = room(target)
        if other == "sandbox":
            assert own in USES_SANDBOX, f"{name} imports {target}"
        elif own == "sandbox":
            assert other in SANDBOX_USES, f"{name} imports {target}"
        else:
            assert ROW[other] < ROW[own] or (own, other) in SIDEWAYS, f"{name} imports {target}"


def part_of_conversation(module: str) -> str:
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["conversation"] and len(parts) > 2 else ""


@pytest.mark.parametrize("name", [name for name in sorted(MODULES) if part_of_conversation(name)])
def test_kinds_of_conversation_share_only_the_line(name: str) -> None:
    own = part_of_conversation(name)
    others = {part_of_conversation(target) for source, target in EDGES if source == name} - {"", own}
    assert others <= ({"line"} if own != "line" else set())


def test_no_cycles() -> None:
    """Depth-first search; a module met again on its own path is a cycle."""
    below: dict[str, set[str]] = {name: set() for name in MODULES}
    for source, target in EDGES:
        # A package's __init__ runs before its modules; importing the package is no cycle of theirs.
        if target in MODULES and target != source and not source.startswith(f"{target}."):
            below[source].add(target)
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for target in sorted(below[name]):
                visit(target, (*path, name))
            done.add(name)

    for name in sorted(MODULES):
        visit(name, ())


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_import_hides_in_a_function(name: str) -> None:
    path = MODULES[name]
    lazy = set(imports(path)) - set(imports(path, everywhere=False))
    assert not [target for target in lazy if target.startswith("ari_bridge")]


@pytest.mark.parametrize("path", CORES, ids=lambda path: name_of(path))
def test_cores_are_free_of_io(path: Path) -> None:
    assert not FREE_OF_IO & {target.split(".")[0] for target in imports(path)}
