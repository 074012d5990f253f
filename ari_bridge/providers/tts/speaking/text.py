"""A sentence as engines take it: without control characters, in parts that are not too long. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ari_bridge.dialogue.sentences import has_words

PART_CHARS = 1000
"""Below every vendor's limit for one request (Deepgram 2000, OpenAI 4096 characters, Azure 64 KB of SSML)."""
_MARKS = (". ", "! ", "? ", "; ", ": ", ", ", "\n")
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What is no character in JSON's or XML's sense, or a vendor may choke on."""


def parts(text: str, chars: int = PART_CHARS) -> Iterator[tuple[int, str]]:
    """(offset, part) of at most `chars` characters, cut after punctuation or at a space; none is blank."""
    start = 0
    while start < len(text):
        end = min(len(text), start + chars)
        if end < len(text):
            window = text[start:end]
            cut = max(window.rfind(mark) for mark in _MARKS)
            cut = cut if cut > chars // 3 else window.rfind(" ")
            end = start + cut + 1 if cut > 0 else end
        if text[start:end].strip():
            yield start, text[start:end]
        start = end


def speakable_parts(sentence: str) -> Iterator[tuple[int, str]]:
    """The parts worth a request: with words in them, and with a space for each character that is none."""
    for offset, part in parts(_UNSPEAKABLE.sub(" ", sentence)):
        if has_words(part):
            yield offset, part
