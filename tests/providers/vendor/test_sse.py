import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.providers.vendor.sse import LONGEST_LINE, EventParser, ServerSentEvent, StreamTooLong

STREAM = (
    b"\xef\xbb\xbfevent: greeting\r\ndata: one\r\ndata: two\r\n\r\n: a comment\n\ndata:three\nid: 7\n\n"
    b"event: nothing\n\ndata: gr\xc3\xbc\xc3\x9fe\r\rdata: never finished\n"
)
EVENTS = [
    ServerSentEvent("greeting", "one\ntwo"),
    ServerSentEvent("message", "three"),
    ServerSentEvent("message", "grüße"),
]


@given(st.lists(st.integers(1, 12), min_size=1))
def test_pieces_of_any_size_give_the_same_events(sizes: list[int]) -> None:
    parser, events, at, turn = EventParser(), [], 0, 0
    while at < len(STREAM):
        size = sizes[turn % len(sizes)]
        events += parser.feed(STREAM[at : at + size])
        at, turn = at + size, turn + 1
    assert events == EVENTS


@given(st.binary())
def test_nothing_that_comes_raises(junk: bytes) -> None:
    list(EventParser().feed(junk))


def test_a_line_without_end_is_refused() -> None:
    parser = EventParser()
    assert list(parser.feed(b"x" * LONGEST_LINE)) == []
    with pytest.raises(StreamTooLong):
        list(parser.feed(b"x"))
