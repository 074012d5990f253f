from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role
from ari_bridge.providers.llm.spoken_thoughts import ThoughtFilter
from tests.providers.fakes.language_models import KEY_ENV, served
from tests.providers.fakes.llm_server import KEY, Answers


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("\n<think>\nThe caller says <hello>.</think>\n\nHello! <3", "\n\nHello! <3"),
        ("<think></think>Hello", "Hello"),
        ("Hello, <think>", "Hello, <think>"),
        (" <thin ice", " <thin ice"),
        ("<thi", "<thi"),
        ("<think>and never speaks", ""),
        ("", ""),
    ],
)
@given(st.lists(st.integers(1, 9), min_size=1))
def test_thoughts_are_not_spoken_however_they_are_cut(written: str, spoken: str, sizes: list[int]) -> None:
    thoughts, given, rest, turn = ThoughtFilter(), "", written, 0
    while rest:
        size = sizes[turn % len(sizes)]
        given += thoughts.feed(rest[:size])
        rest, turn = rest[size:], turn + 1
    assert given + thoughts.finish() == spoken


def test_an_answer_of_thoughts_only_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)

    async def main() -> None:
        async with served("openai-chat", Answers(("<think>", "Hm."), ending="cut")) as (llm, _):
            with pytest.raises(ProviderError, match="limit of tokens"):
                await anext(llm.reply([Message(Role.CALLER, "Hello")], ()))

    asyncio.run(main())
