"""The knowledge folder: how documents are cut, found, and read again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.core.errors import SettingsError
from ari_bridge.tool_settings import KnowledgeSettings
from ari_bridge.tools.knowledge.chunks import CHUNK_MAX, Chunk, cut
from ari_bridge.tools.knowledge.index import Index
from ari_bridge.tools.knowledge.look_up import NOTHING, Knowledge

HOURS = """\
We repair bicycles.

# Opening hours
Monday to Friday, nine to six.

## Holidays
Closed on Christmas Day.

```
# no heading
```

# Prices #
A new tube costs twelve euros.
"""


def test_documents_are_cut_at_their_headings() -> None:
    assert cut(HOURS, markdown=True) == [
        Chunk("", "We repair bicycles."),
        Chunk("Opening hours", "Monday to Friday, nine to six."),
        Chunk("Opening hours › Holidays", "Closed on Christmas Day.\n\n```\n# no heading\n```"),
        Chunk("Prices", "A new tube costs twelve euros."),
    ]
    assert cut("# a\n\n\n### c\ntext", markdown=True) == [Chunk("a › c", "text")]
    assert cut("# stays text\n\nmore", markdown=False) == [Chunk("", "# stays text\n\nmore")]
    assert cut("", markdown=True) == []


def test_long_sections_are_cut_between_paragraphs_and_words() -> None:
    text = "\n\n".join(["word " * 150] * 4) + "\n\n" + "x" * (CHUNK_MAX * 2)
    pieces = cut(text, markdown=False)
    assert all(0 < len(piece.text) <= CHUNK_MAX + 2 for piece in pieces)
    assert "".join("".join(piece.text for piece in pieces).split()) == "".join(text.split())


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    (tmp_path / "hours.md").write_text(HOURS)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "delivery.txt").write_text(
        "Deliveries take three days. Crème brûlée is not delivered."
    )
    (tmp_path / "picture.png").write_bytes(b"\x89PNG holidays")
    found = Index(tmp_path)
    found.refresh()
    yield found
    found.close()


def test_the_best_is_first_with_file_and_heading(index: Index) -> None:
    assert index.files == ["below/delivery.txt", "hours.md"]
    best = index.search("When are you closed for the holidays?", 3)[0]
    assert str(best) == (
        "[hours.md › Opening hours › Holidays] Closed on Christmas Day.\n\n```\n# no heading\n```"
    )


@pytest.mark.parametrize(
    "query", ["deliver", "DELIVERING", "creme brulee", 'delivery" OR NEAR(', "delivery AND"]
)
def test_words_are_found_in_other_forms_and_no_word_is_an_operator(index: Index, query: str) -> None:
    assert index.search(query, 1)[0].file == "below/delivery.txt"


@pytest.mark.parametrize("query", ["", "***", "zeppelin"])
def test_nothing_found_is_nothing(index: Index, query: str) -> None:
    assert index.search(query, 3) == []


def test_files_that_change_are_read_again(index: Index, tmp_path: Path) -> None:
    hours = tmp_path / "hours.md"
    hours.write_text("# Zeppelins\nWe repair zeppelins now.")
    os.utime(hours, ns=(1, 1))
    (tmp_path / "new.md").write_text("# Unicycles\nToo.")
    index.refresh()
    assert index.search("zeppelin", 1)[0].heading == "Zeppelins"
    assert index.search("unicycle", 1)[0].file == "new.md"
    assert index.search("Christmas", 1) == []
    hours.unlink()
    index.refresh()
    assert index.search("zeppelin", 1) == []
    assert index.files == ["below/delivery.txt", "new.md"]


def test_of_a_long_chunk_the_part_that_matches_is_told(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("filler words " * 40 + "the zeppelin flies " + "more filler " * 40)
    index = Index(tmp_path)
    index.refresh()
    (found,) = index.search("zeppelin", 1)
    index.close()
    assert "zeppelin flies" in found.text
    assert len(found.text) < 600


def test_the_tool_answers_and_leaves_nothing(tmp_path: Path, run: Any, nothing_left: None) -> None:
    (tmp_path / "hours.md").write_text(HOURS)

    async def main() -> None:
        knowledge = await Knowledge.open(KnowledgeSettings(results=1), tmp_path)
        tool = knowledge.tool
        assert (
            await tool.run({"query": "price of a tube"}, "k")
            == "[hours.md › Prices] A new tube costs twelve euros."
        )
        assert await tool.run({"query": "zeppelin"}, "k") == NOTHING
        (tmp_path / "more.md").write_text("A zeppelin.")
        assert "zeppelin" in await tool.run({"query": "zeppelin"}, "k")
        assert not tool.effects
        await knowledge.close()
        with pytest.raises(SettingsError, match=r"^knowledge\.directory: there is no folder "):
            await Knowledge.open(KnowledgeSettings(), tmp_path / "none")

    run(main())
