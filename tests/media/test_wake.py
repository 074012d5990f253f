"""The wake-up call, by eventfd and by pipe."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from ari_bridge.media.wake import Wake


@pytest.fixture(params=["best", "pipe"])
def wake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wake]:
    if request.param == "pipe":
        monkeypatch.delattr(os, "eventfd", raising=False)
    created = Wake.create()
    yield created
    created.close()


def awake(wake: Wake) -> bool:
    return bool(select.select([wake.read_fd], [], [], 0)[0])


def test_many_calls_wake_once(wake: Wake) -> None:
    assert not awake(wake)
    for _ in range(100):
        wake.notify()
    assert awake(wake)
    wake.drain()
    assert not awake(wake)
    wake.drain()
    wake.notify()
    assert awake(wake)


def test_a_reader_that_never_comes_blocks_nobody(wake: Wake) -> None:
    for _ in range(20000):
        wake.notify()
    assert awake(wake)
