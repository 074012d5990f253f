"""Long conversations: the model gets a summary of the old turns, and nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ari_bridge.conversation.cascade.context import HARD_LIMIT, Context
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.core.errors import MediaError, ProviderError
from ari_bridge.core.messages import Message, Role
from ari_bridge.dialogue.budget import SUMMARY_HEADING, total_tokens
from ari_bridge.scenario.virtual_time import run
from tests.conversation.fakes import Answer, FakeLlm

SYSTEM = Message(Role.SYSTEM, "Be kind.")


def history(turns: int) -> list[Message]:
    said = [SYSTEM]
    for number in range(turns):
        said.append(Message(Role.CALLER, f"question {number} " + "about this and that " * 10))
        said.append(Message(Role.AGENT, f"answer {number} " + "in so many words " * 10))
    return said


def no_media(error: MediaError) -> None:
    raise AssertionError(error)


async def _views(answer: Sequence[object], *lengths: int) -> tuple[list[Sequence[Message]], FakeLlm]:
    """What the model gets at these lengths of one history, with time for a summary in between."""
    answers: list[Answer] = list(answer)  # type: ignore[arg-type]
    llm = FakeLlm(lambda messages: answers.pop(0))
    views = []
    async with Tasks(no_media) as tasks:
        context = Context(llm, 1000, tasks)
        for length in lengths:
            views.append(context.of(history(length)))
            await tasks.start(_a_while)
    return views, llm


async def _a_while() -> None:
    await asyncio.sleep(5)


def test_old_turns_become_a_summary_in_the_background() -> None:
    views, llm = run(_views([["They asked things."], ["And more."]], 5, 10, 11, 12, 20))
    short, too_long, folded, *_, later = views
    assert short == history(5)
    assert too_long == history(10), "nobody waits for the summary"
    assert folded[0] == SYSTEM
    assert folded[1].text == f"{SUMMARY_HEADING} They asked things."
    assert list(folded[-4:]) == history(11)[-4:]
    assert total_tokens(folded) < 1000
    assert "question 0" in llm.asked[0][-1].text
    assert "question 9" not in llm.asked[0][-1].text
    assert "They asked things." in llm.asked[1][-1].text, "the summary before is in the next one"
    assert len(later) < len(history(20))


def test_nothing_is_lost_or_told_twice() -> None:
    views, llm = run(_views([["Summary."]], 10, 10))
    folded = views[1]
    kept = [message.text for message in folded[2:]]
    summarised = llm.asked[0][-1].text
    for message in history(10)[1:]:
        first_words = " ".join(message.text.split()[:2])
        assert (message.text in kept) is not (f": {first_words} " in summarised)


@pytest.mark.parametrize("failure", [ProviderError("down", retryable=False), ""])
def test_without_a_summary_the_oldest_turns_are_left_out_in_the_end(failure: object) -> None:
    views, _ = run(_views([[failure]] * 3, 10, 12, 30))
    assert views[1] == history(12)
    assert total_tokens(views[2]) < 1000 * HARD_LIMIT
    assert views[2][0] == SYSTEM
