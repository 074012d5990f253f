"""Paths that were made up: a minute of packets each, the same ones every time. Nobody recorded them; each
shows one thing that networks do, by the model that is usual for it.

Packets leave every 20 ms. Where the path is a queue, none overtakes another.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ari_bridge.cli.bench.traces.trace import Trace, trace

SECONDS = 60.0
PACKET_S = 0.02
Times = NDArray[np.float64]


def bursts_of_loss(sent_s: Times, rng: np.random.Generator) -> Times:
    """Gilbert and Elliott's channel of two states: bad ones last 4 packets on average and lose 7 of 10, good
    ones last 150 and lose none. Jitter is exponential, 2 ms."""
    bad = _states(len(sent_s), 1 / 150, 1 / 4, rng)
    arrived_s = sent_s + rng.exponential(0.002, len(sent_s))
    arrived_s[bad & (rng.random(len(sent_s)) < 0.7)] = np.inf
    return arrived_s


def wifi(sent_s: Times, rng: np.random.Generator) -> Times:
    """The channel is taken every 2 s on average, for 30 to 150 ms; what was held up comes at once then."""
    arrived_s = sent_s + rng.exponential(0.003, len(sent_s))
    at_s = 0.0
    while (at_s := at_s + rng.exponential(2.0)) < SECONDS:
        free_s = at_s + rng.uniform(0.03, 0.15)
        held = (sent_s >= at_s) & (sent_s < free_s)
        arrived_s[held] = free_s + 0.0005 * np.arange(np.count_nonzero(held))
    return _in_order(arrived_s)


def handover(sent_s: Times, rng: np.random.Generator) -> Times:
    """A mobile network: arrivals on a grid of 8 ms (retransmissions). Every 12 s another cell takes over, for
    which nothing comes in 150 to 300 ms; a third of that is lost, and the new path is up to 20 ms longer or
    shorter."""
    took_s = rng.geometric(0.8, len(sent_s)) * 0.008 - 0.008 + rng.uniform(0, 0.001, len(sent_s))
    arrived_s = sent_s + took_s + 0.03
    for at_s in np.arange(9.0, SECONDS, 12.0):
        back_s = at_s + rng.uniform(0.15, 0.3)
        held = (sent_s >= at_s) & (sent_s < back_s)
        arrived_s[sent_s >= back_s] += rng.uniform(-0.02, 0.02)
        arrived_s[held] = back_s + 0.03 + 0.001 * np.arange(np.count_nonzero(held))
        arrived_s[held & (rng.random(len(sent_s)) < 0.33)] = np.inf
    return _in_order(arrived_s)


def drift(sent_s: Times, rng: np.random.Generator) -> Times:
    """The sender's clock is 300 ppm fast. Jitter is exponential, 1 ms."""
    return sent_s / (1 + 300e-6) + rng.exponential(0.001, len(sent_s))


def bufferbloat(sent_s: Times, rng: np.random.Generator) -> Times:
    """Somebody uploads, twice: the router's queue grows to 250 ms within 8 s, saws between that and 180 ms
    for 6 s, losing 2 % at its brim, and is empty 2 s later."""
    cycle_s = sent_s % 30.0 - 7.0
    saw_s = 0.25 - 0.07 * (cycle_s % 1.5) / 1.5
    queue_s = np.interp(cycle_s, [0, 8], [0, 0.25])
    queue_s = np.where((cycle_s > 8) & (cycle_s < 14), saw_s, queue_s)
    queue_s = np.where(cycle_s >= 14, np.interp(cycle_s, [14, 16], [0.2, 0.0]), queue_s)
    arrived_s = sent_s + queue_s + rng.exponential(0.003, len(sent_s))
    arrived_s[(queue_s > 0.2) & (rng.random(len(sent_s)) < 0.02)] = np.inf
    return _in_order(arrived_s)


def exponential(sent_s: Times, rng: np.random.Generator) -> Times:
    """Jitter of 8 ms, exponential, each packet by itself."""
    return sent_s + rng.exponential(0.008, len(sent_s))


PATHS: dict[str, Callable[[Times, np.random.Generator], Times]] = {
    "exponential": exponential,
    "bursts-of-loss": bursts_of_loss,
    "wifi": wifi,
    "handover": handover,
    "drift-300ppm": drift,
    "bufferbloat": bufferbloat,
}


def made_up(name: str) -> Trace:
    """One of PATHS."""
    number = np.arange(round(SECONDS / PACKET_S))
    sent_s = number.astype(np.float64) * PACKET_S
    arrived_s = PATHS[name](sent_s, np.random.default_rng(list(PATHS).index(name) + 1))
    return trace(name, number, sent_s, arrived_s)


def _states(count: int, to_bad: float, to_good: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each packet meets the bad state of a channel that begins in the good one."""
    bad = np.zeros(count, dtype=np.bool_)
    at = int(rng.geometric(to_bad))
    while at < count:
        end = at + int(rng.geometric(to_good))
        bad[at:end] = True
        at = end + int(rng.geometric(to_bad))
    return bad


def _in_order(arrived_s: Times) -> Times:
    """As a queue lets them out; lost ones stay lost."""
    there = np.isfinite(arrived_s)
    arrived_s[there] = np.maximum.accumulate(arrived_s[there])
    return arrived_s
