from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.providers.tts.speaking.text import parts, speakable_parts


@given(st.text(alphabet=st.sampled_from("ab ,.!?\n😀"), max_size=1500), st.integers(20, 400))
def test_parts_are_the_text_in_order_and_short(text: str, chars: int) -> None:
    position = 0
    for offset, piece in parts(text, chars):
        assert text[offset : offset + len(piece)] == piece
        assert 0 < len(piece) <= chars
        assert not text[position:offset].strip()
        position = offset + len(piece)
    assert not text[position:].strip()


@given(st.text(max_size=100))
def test_what_is_spoken_has_words_and_no_control_characters(text: str) -> None:
    for offset, piece in speakable_parts(text):
        assert any(c.isalnum() or c == "_" for c in piece)
        assert all(c >= " " and not "\x7f" <= c <= "\x9f" and not "\ud800" <= c <= "\udfff" for c in piece)
        assert len(piece) == len(text[offset : offset + len(piece)])
        piece.encode()
