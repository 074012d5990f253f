"""When to give up and when to shoot, by a clock turned by hand. The keeper at work: test_survival.py."""

from __future__ import annotations

from ari_bridge.media.keeper import DEATHS_MAX, DEATHS_WITHIN_S, STUCK_LOOKS, DeathLimit, StuckWatch


def test_a_few_deaths_in_a_minute_are_borne() -> None:
    limit = DeathLimit()
    assert not any(limit.reached(10.0 + n) for n in range(DEATHS_MAX))
    assert limit.reached(10.0 + DEATHS_MAX)


def test_rare_deaths_never_add_up() -> None:
    limit = DeathLimit()
    spaced_s = DEATHS_WITHIN_S / DEATHS_MAX
    assert not any(limit.reached(n * spaced_s) for n in range(1000))


def test_a_tick_that_stands_still_is_told_once_it_is_certain() -> None:
    watch = StuckWatch()
    assert not any(watch.look(tick) for tick in range(100))
    told = [watch.look(99) for _ in range(STUCK_LOOKS)]
    assert told == [False] * (STUCK_LOOKS - 1) + [True]


def test_nothing_need_tick_while_no_row_is_open() -> None:
    watch = StuckWatch()
    assert not any(watch.look(None) for _ in range(100))
    assert not watch.look(7)
    assert not watch.look(7)
    assert not watch.look(None)
    assert not any(watch.look(7) for _ in range(STUCK_LOOKS))
