from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.cli.dialogue import DialogueLines, DialogueView, from_json, to_json
from ari_bridge.cli.terminal import Progress
from ari_bridge.core.errors import InternalError
from ari_bridge.dialogue.live import LiveEvent, LiveKind


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(*events: LiveEvent) -> list[str]:
    stream = io.StringIO()
    view = DialogueView(stream)
    for event in events:
        view(event)
    return stream.getvalue().splitlines()


def test_a_dialogue_reads_as_times_and_lines() -> None:
    assert shown(
        LiveEvent(100.0, "c-1", LiveKind.CALL_STARTED, "reception"),
        LiveEvent(100.4, "c-1", LiveKind.AGENT_SAYS, "Hello."),
        LiveEvent(165.25, "c-1", LiveKind.CALLER_SAID, "good morning"),
        LiveEvent(166.0, "c-1", LiveKind.CALLER_SAID, ""),
        LiveEvent(170.0, "c-1", LiveKind.AGENT_INTERRUPTED, "We are"),
        LiveEvent(171.0, "c-1", LiveKind.DIGIT, "1"),
        LiveEvent(172.0, "c-1", LiveKind.CALL_ENDED, "TRANSFER human"),
    ) == [
        "  0:00.0  call   answered by reception",
        "  0:00.4  agent  Hello.",
        "  1:05.2  caller good morning",
        "  1:06.0  caller (not understood)",
        "  1:10.0  agent  ✗ interrupted; the caller heard: “We are”",
        "  1:11.0  caller presses [1]",
        "  1:12.0  call   ended: TRANSFER human",
    ]


def test_calls_at_the_same_time_are_told_apart() -> None:
    lines = shown(
        LiveEvent(1.0, "20260101T000000-aaaaaa", LiveKind.CALL_STARTED, "sales"),
        LiveEvent(2.0, "20260101T000001-bbbbbb", LiveKind.CALL_STARTED, "sales"),
        LiveEvent(3.0, "20260101T000000-aaaaaa", LiveKind.CALLER_SAID, "one"),
        LiveEvent(3.0, "20260101T000001-bbbbbb", LiveKind.CALLER_SAID, "two"),
    )
    assert "aaaaaa caller" in lines[2]
    assert "0:02.0" in lines[2]
    assert "bbbbbb caller" in lines[3]
    assert "0:01.0" in lines[3]


@pytest.mark.parametrize("kind", list(LiveKind))
def test_every_kind_of_event_can_be_shown(kind: LiveKind) -> None:
    assert len(shown(LiveEvent(1.0, "c", kind, "words"))) == 1


def test_colour_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    event = LiveEvent(1.0, "c", LiveKind.AGENT_SAYS, "Hello.")
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        DialogueView(stream)(event)
    assert "\033[32m" in terminal.getvalue()
    assert "\033" not in file.getvalue()


def test_words_cannot_steer_the_terminal() -> None:
    (line,) = shown(LiveEvent(1.0, "c", LiveKind.CALLER_SAID, "a\033[2Jb\nc"))
    assert "\033" not in line
    assert "c" in line


class Unread(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("observer", [DialogueView, DialogueLines])
def test_a_call_goes_on_when_nobody_watches_any_more(observer: type[DialogueView | DialogueLines]) -> None:
    view = observer(Unread())
    for at_s in (1.0, 2.0):
        view(LiveEvent(at_s, "c", LiveKind.AGENT_SAYS, "Hello."))


@given(
    st.builds(
        LiveEvent,
        st.floats(0, 1e9),
        st.text(max_size=20),
        st.sampled_from(LiveKind),
        st.text(st.characters(exclude_categories=("Cs",))),
    )
)
def test_json_lines_come_back(event: LiveEvent) -> None:
    stream = io.StringIO()
    DialogueLines(stream)(event)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert from_json(text) == event == from_json(to_json(event))


@pytest.mark.parametrize("line", ["{", "[]", '{"kind": "NOPE", "at_s": 1, "call_id": "", "text": ""}'])
def test_a_line_that_is_no_event_is_named(line: str) -> None:
    with pytest.raises(InternalError, match="not a live event"):
        from_json(line)


def test_progress_is_a_line_a_step_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    for line in ("getting it [#   ]  25 %", "getting it [##  ]  50 %", "starting"):
        progress(line)
    progress.end()
    assert stream.getvalue() == "getting it [#   ]  25 %\nstarting\n"


def test_progress_overwrites_its_bar_on_a_terminal() -> None:
    stream = Terminal()
    progress = Progress(stream)
    for line in ("getting it [#   ]  25 %", "getting it [##  ]  50 %", "starting"):
        progress(line)
    progress.end()
    assert stream.getvalue() == ("getting it [#   ]  25 %\r\033[Kgetting it [##  ]  50 %\nstarting\n")
