"""Work in threads: in order, and only a few results ahead of their consumer."""

import operator
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, Protocol, Self, TypeVar

from gscli.errors import ParameterError

Item = TypeVar("Item", contravariant=True)


class Accumulator(Protocol[Item]):
    """A statistic of items that are seen once, in order."""

    def update(self, item: Item, /) -> None:
        """Add the next item."""

    def merge(self, later: Self, /) -> None:
        """Add the accumulator of the items that follow."""


T = TypeVar("T")
S = TypeVar("S")
A = TypeVar("A", bound="Accumulator[Any]")

PERIOD = 0.05
"""Seconds after which the consumer of results in any order looks for them."""


def check_threads(threads: int | None) -> int:
    """Return a number of threads, one for each usable core by default, or raise the error."""
    whole = usable_threads() if threads is None else operator.index(threads)
    if whole < 1:
        raise ParameterError("threads", f"{threads} is not 1 or more")
    return whole


def usable_threads() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    function: Callable[[S], T], items: Iterable[S], *, threads: int | None = None
) -> Generator[T, None, None]:
    """Map over items in threads, yielding results in order and only a few ahead.

    Parameters
    ----------
    function : callable
        Run in the threads.
    items : iterable
        Its arguments; read a few ahead of the consumer.
    threads : int, optional
        Number of threads, >= 1; by default one for each usable core.

    Yields
    ------
    object
        The results, in the order of the items.
    """
    count = check_threads(threads)
    todo = iter(items)
    pool = ThreadPoolExecutor(count)
    try:
        ahead: deque[Future[T]] = deque(pool.submit(function, i) for i in islice(todo, count + 2))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(function, item) for item in islice(todo, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def unordered_map(
    function: Callable[[S], T], items: Iterable[S], *, threads: int | None = None
) -> Generator[T, None, None]:
    """Map over items in threads that take the next one themselves, and yield results as they come.

    No thread waits for the consumer, and the consumer, which wakes up now and then, takes no time
    from the threads. Results are not waited for: they should be small.

    Parameters
    ----------
    function : callable
        Run in the threads.
    items : iterable
        Its arguments.
    threads : int, optional
        Number of threads, >= 1; by default one for each usable core.

    Yields
    ------
    object
        The results, in any order. When the function fails the threads end, and so does this.
    """

    def work(item: S, report: Callable[[T], bool]) -> None:
        report(function(item))

    return reports(work, items, threads=threads)


def reports(
    function: Callable[[S, Callable[[T], bool]], None],
    items: Iterable[S],
    *,
    threads: int | None = None,
) -> Generator[T, None, None]:
    """Work on items in threads as `unordered_map` does, and yield what the work reports meanwhile.

    Parameters
    ----------
    function : callable
        Run in the threads, with an item and a function that takes a report. That function returns
        whether the work is still wanted: where it is not, it should end soon.
    items : iterable
        The items.
    threads : int, optional
        Number of threads, >= 1; by default one for each usable core.

    Yields
    ------
    object
        The reports, in any order. When the function fails the threads end, and so does this.
    """
    count = check_threads(threads)
    todo, taking = iter(items), threading.Lock()
    reported: deque[T] = deque()
    ended = threading.Event()

    def report(found: T) -> bool:
        reported.append(found)
        return not ended.is_set()

    def work() -> None:
        while not ended.is_set():
            with taking:
                try:
                    item = next(todo)
                except StopIteration:
                    return
            try:
                function(item, report)
            except BaseException:
                ended.set()
                raise

    pool = ThreadPoolExecutor(count)
    try:
        working = {pool.submit(work) for _ in range(count)}
        while working:
            done, working = wait(working, PERIOD, FIRST_COMPLETED)
            for future in done:
                future.result()
            for _ in range(len(reported)):
                yield reported.popleft()
    finally:
        ended.set()
        pool.shutdown(wait=True)


def accumulate(
    make: Callable[[], A],
    parts: Iterable[Callable[[], Iterable[Any]]],
    *,
    threads: int | None = None,
) -> A:
    """Run an accumulator over the parts of a source, and merge in order.

    Parameters
    ----------
    make : callable
        Returns an empty accumulator.
    parts : iterable of callable
        Each yields the items of one part, in order; called in the threads.
    threads : int, optional
        Number of threads, >= 1; by default one for each usable core.

    Returns
    -------
    Accumulator
        That of all parts.

    Examples
    --------
    >>> class Count:
    ...     n = 0
    ...     def update(self, item): self.n += item
    ...     def merge(self, later): self.n += later.n
    >>> accumulate(Count, [lambda: [1, 2], lambda: [3]]).n
    6
    """

    def work(part: Callable[[], Iterable[Any]]) -> A:
        own = make()
        for item in part():
            own.update(item)
        return own

    total = make()
    if check_threads(threads) == 1:
        for part in parts:
            for item in part():
                total.update(item)
        return total
    for own in ordered_map(work, parts, threads=threads):
        total.merge(own)
    return total
