"""Work in threads: order, how far ahead of the consumer, and what ends it."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gscli.execution.threads import ordered_map, reports, unordered_map


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


# --- in any order -------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_item_is_worked_on_once(threads: int) -> None:
    assert sorted(unordered_map(lambda i: i * i, range(500), threads=threads)) == [
        i * i for i in range(500)
    ]
    assert list(unordered_map(abs, [], threads=threads)) == []


def test_a_slow_item_holds_no_other_up() -> None:
    others_done = threading.Event()
    done: list[int] = []

    def work(i: int) -> int:
        if i == 0:
            assert others_done.wait(20)
        done.append(i)
        if len(done) == 99:
            others_done.set()
        return i

    results = list(unordered_map(work, range(100), threads=2))
    assert results[-1] == 0
    assert sorted(results) == list(range(100))


def test_a_failure_ends_all_threads_and_reaches_the_consumer() -> None:
    done = []

    def fail(i: int) -> int:
        if i == 20:
            raise ValueError("twenty")
        done.append(i)
        return i

    with pytest.raises(ValueError, match="twenty"):
        list(unordered_map(fail, itertools.count(), threads=3))
    assert len(done) < 10_000


def test_a_failure_of_the_items_reaches_the_consumer() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("from the items")

    with pytest.raises(ValueError, match="from the items"):
        list(unordered_map(abs, items(), threads=2))


def test_closing_ends_the_threads() -> None:
    before = set(threading.enumerate())
    results = unordered_map(lambda _: time.sleep(0.001), itertools.count(), threads=3)
    next(results)
    started = set(threading.enumerate()) - before
    assert len(started) == 3
    results.close()
    assert not any(thread.is_alive() for thread in started)


def test_what_was_reported_before_an_error_is_not_lost() -> None:
    def work(item: int, report: Callable[[int], bool]) -> None:
        if item == 2:
            raise ValueError("two")
        report(item)

    found: list[int] = []
    results = reports(work, range(5), threads=1)
    with pytest.raises(ValueError, match="two"):
        found.extend(results)
    assert found == [0, 1]
