from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from itertools import islice

import pytest

from wssdk.config import Reconnect
from wssdk.reconnect import backoff


def delays(section: Reconnect, jitter: float | Callable[[], float], count: int = 8) -> list[float]:
    draw = jitter if callable(jitter) else lambda: jitter
    return [round(delay, 3) for delay in islice(backoff(section, draw), count)]


def test_longest_delays_by_default() -> None:
    assert delays(Reconnect(), 1.0) == [5.0, 4.854, 7.854, 12.707, 20.561, 33.267, 53.826, 60.0]


def test_shortest_delays_are_the_least_but_for_the_first() -> None:
    assert delays(Reconnect(), 0.0) == [0.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]


def test_delays_are_drawn_from_the_whole_of_their_range() -> None:
    section = Reconnect(initial=2, min=1, max=5, factor=2)
    assert delays(section, 0.5) == [1.0, 1.5, 2.5, 3.0, 3.0, 3.0, 3.0, 3.0]


def test_each_delay_is_drawn_anew() -> None:
    drawn = itertools.cycle((0.0, 1.0))
    section = Reconnect(initial=2, min=1, max=5, factor=2)
    assert delays(section, lambda: next(drawn), 4) == [0.0, 2.0, 1.0, 5.0]


def test_no_first_delay_when_it_is_off() -> None:
    assert delays(Reconnect(initial=None, min=1, max=3, factor=2), 1.0, 3) == [2.0, 3.0, 3.0]


def test_delays_do_not_grow_by_a_factor_of_one() -> None:
    assert delays(Reconnect(initial=None, min=1, max=3, factor=1), 1.0, 3) == [1.0, 1.0, 1.0]


def test_first_delay_is_drawn_at_random() -> None:
    drawn = {next(backoff(Reconnect(initial=5))) for _ in range(20)}
    assert len(drawn) > 1
    assert all(0 <= delay <= 5 for delay in drawn)


def test_no_delay_is_above_the_longest() -> None:
    section = Reconnect(initial=1, min=2, max=2)
    assert max(delays(section, 0.0, 20)) == 2


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "section",
    [Reconnect(), Reconnect(initial=None), Reconnect(initial=0.1, min=0.5), Reconnect(min=3, factor=1)],
    ids=["default", "no first", "short first", "no growth"],
)
def test_any_ten_delays_in_a_row_take_ten_times_the_least(section: Reconnect, seed: int) -> None:
    # The lower half of the range: what chance seldom gives.
    draw = random.Random(seed)
    waits = list(islice(backoff(section, lambda: draw.random() ** 4), 40))
    assert min(sum(waits[start : start + 10]) for start in range(30)) >= 10 * section.min - 1e-6
