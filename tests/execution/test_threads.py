"""Work in threads: order, and how far ahead of the consumer."""

import itertools
import time

import pytest

from gscli.execution.threads import ordered_map


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order_whatever_takes_longest(threads: int) -> None:
    def slow_first(i: int) -> int:
        time.sleep(0.002 * (5 - i % 6))
        return i

    assert list(ordered_map(slow_first, range(40), threads=threads)) == list(range(40))


def test_only_a_few_items_are_made_ahead() -> None:
    made = []

    def make(i: int) -> int:
        made.append(i)
        return i

    results = ordered_map(make, itertools.count(), threads=2)
    assert next(results) == 0
    time.sleep(0.05)
    assert len(made) <= 6
    results.close()


def test_an_exception_reaches_the_consumer_at_its_place() -> None:
    def fail(i: int) -> int:
        if i == 3:
            raise ValueError("three")
        return i

    results = ordered_map(fail, range(10), threads=3)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
