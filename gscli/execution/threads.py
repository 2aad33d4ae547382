"""Work in threads: in order, and only a few results ahead of their consumer."""

import operator
import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain, islice
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


class Workers(ABC):
    """Processes, here or on other machines, that do the work in place of threads.

    What they are given, and what they return, has to be picklable.
    """

    @abstractmethod
    def ordered_map(
        self, function: Callable[[S], T], items: Iterable[S]
    ) -> Generator[T, None, None]:
        """Map as `ordered_map` does."""

    @abstractmethod
    def reports(
        self, function: Callable[[S, Callable[[T], bool]], None], items: Iterable[S]
    ) -> Generator[T, None, None]:
        """Work as `reports` does, but yield what the work on an item reports at its end."""

    @abstractmethod
    def accumulate(self, make: Callable[[], A], parts: Iterable[Callable[[], Iterable[Any]]]) -> A:
        """Accumulate as `accumulate` does, merging neighbours in a tree."""


Threads = int | Workers | None
"""A number of threads, by default one for each usable core; or processes in place of them."""

PERIOD = 0.05
"""Seconds after which the consumer of results in any order looks for them."""


def check_threads(threads: Threads) -> int:
    """Return a number of threads, one for each usable core by default, or raise the error.

    Of processes each works with one thread.
    """
    if isinstance(threads, Workers):
        return 1
    whole = usable_threads() if threads is None else operator.index(threads)
    if whole < 1:
        raise ParameterError("threads", f"{threads} is not 1 or more")
    return whole


def usable_threads() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    function: Callable[[S], T], items: Iterable[S], *, threads: Threads = None
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
    if isinstance(threads, Workers):
        yield from threads.ordered_map(function, items)
        return
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
    function: Callable[[S], T], items: Iterable[S], *, threads: Threads = None
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
    threads: Threads = None,
) -> Generator[T, None, None]:
    """Work on items in threads as `unordered_map` does, and yield what the work reports meanwhile.

    Parameters
    ----------
    function : callable
        Run in the threads, with an item and a function that takes a report. That function returns
        whether the work is still wanted: where it is not, it should end soon.
    items : iterable
        The items.
    threads : int or Workers, optional
        Number of threads, >= 1; by default one for each usable core.

    Yields
    ------
    object
        The reports, in any order. When the function fails the threads end, and so does this.
    """
    if isinstance(threads, Workers):
        yield from threads.reports(function, items)
        return
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
            # Also before an error: parts of the work may be complete.
            for _ in range(len(reported)):
                yield reported.popleft()
            for future in done:
                future.result()
    finally:
        ended.set()
        pool.shutdown(wait=True)


def accumulate(
    make: Callable[[], A],
    parts: Iterable[Callable[[], Iterable[Any]]],
    *,
    threads: Threads = None,
) -> A:
    """Run an accumulator over the parts of a source, and merge in order.

    Parameters
    ----------
    make : callable
        Returns an empty accumulator.
    parts : iterable of callable
        Each yields the items of one part, in order; called in the threads.
    threads : int or Workers, optional
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
    if isinstance(threads, Workers):
        return threads.accumulate(make, parts)
    if check_threads(threads) == 1:
        return accumulated(make, chain.from_iterable(part() for part in parts))
    total = make()
    for own in ordered_map(lambda part: accumulated(make, part()), parts, threads=threads):
        total.merge(own)
    return total


def accumulated(make: Callable[[], A], items: Iterable[Any]) -> A:
    """Return a new accumulator that has taken in some items."""
    own = make()
    for item in items:
        own.update(item)
    return own
