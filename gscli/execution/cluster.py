"""Worker processes of Dask, on this machine or on others, that take the place of threads.

The only module that imports `distributed`, and only when there is work for it.
"""

import copy
import importlib
import math
import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar

from gscli import __version__
from gscli.errors import ClusterError
from gscli.execution.ending import end_on_signals, undone_on_signals
from gscli.execution.memory import keep_freed_memory
from gscli.execution.threads import Accumulator, Workers, accumulated

T = TypeVar("T")
S = TypeVar("S")
A = TypeVar("A", bound=Accumulator[Any])

LOCAL = re.compile(r"local:([1-9]\d{0,3})")
REMOTE = re.compile(r"(tcp|tls|ws|wss|ucx|inproc)://\S+")

PATIENCE = 10.0
"""Seconds in which a scheduler, or a first worker of it, has to answer."""

STARTING = 60.0
"""Seconds in which processes of this machine start: on a busy one that takes long."""

RENEWED = 2.0
"""Seconds after which the workers are counted again."""

ENDING = 2.0
"""Seconds in which local workers delete what they have not finished."""

QUIET = {
    # A line for each thing that goes wrong, which is an error of ours, or is mended.
    "logging": dict.fromkeys(
        (
            "asyncio",
            "distributed",
            "distributed.client",
            "distributed.gc",
            "tornado",
            "tornado.application",
        ),
        "critical",
    ),
    "distributed.worker.profile.enabled": False,
}
"""Settings of Dask."""

SIGNALS = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}
"""Of which one process tells the workers of this machine."""

FIRST = 10
"""Priority of merging results over work on further parts, so that few results are kept."""


def is_address(text: str) -> bool:
    """Return whether a text is ``local:N`` or the address of a scheduler."""
    return bool(LOCAL.fullmatch(text) or REMOTE.fullmatch(text))


def versions() -> dict[str, str]:
    """Return the versions that decide the bytes of samples."""
    return {"gscli": __version__, "numpy": importlib.import_module("numpy").__version__}


class Cluster(Workers):
    """The workers of a scheduler; connected when there is work for them.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://host:8786``; or ``local:4`` for so many processes on this
        machine, which end when it is closed.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._context = ExitStack()
        self._client: Any = None

    def close(self) -> None:
        """Give up what is not done, and end the processes on this machine."""
        self._client = None
        self._context.close()

    def ordered_map(
        self, function: Callable[[S], T], items: Iterable[S]
    ) -> Generator[T, None, None]:
        """Map over items, yielding results in order and only a few ahead."""
        todo = iter(items)
        with self._tasks() as tasks:
            ahead: deque[Any] = deque()
            while True:
                ahead.extend(tasks.submit(function, i) for i in islice(todo, tasks.room()))
                if not ahead:
                    return
                yield tasks.result(ahead.popleft())

    def reports(
        self, function: Callable[[S, Callable[[T], bool]], None], items: Iterable[S]
    ) -> Generator[T, None, None]:
        """Work on items in any order, and yield what the work on each reported."""
        todo = iter(items)
        with self._tasks() as tasks:
            for done in chain([None], tasks.completed()):
                if done is not None:
                    yield from tasks.result(done)
                for item in islice(todo, tasks.room()):
                    tasks.submit(_reported, function, item)

    def accumulate(self, make: Callable[[], A], parts: Iterable[Callable[[], Iterable[Any]]]) -> A:
        """Run an accumulator over parts, and merge neighbours in order, in a tree."""
        todo = enumerate(parts)
        with self._tasks() as tasks:
            tree = _Tree(partial(tasks.submit, _merged, priority=FIRST))
            for done in chain([None], tasks.completed()):
                if done is not None:
                    if done.status != "finished":
                        for part_before in tree.before(done):  # whose error is the one to tell
                            tasks.result(part_before)
                        tasks.result(done)
                    tree.add(done)
                for index, part in islice(todo, tasks.room()):
                    tree.begin(tasks.submit(_accumulated, make, part), index)
                tree.raise_lone()
            return tasks.result(tree.root) if tree.root else make()

    @contextmanager
    def _tasks(self) -> Iterator["_Tasks"]:
        tasks = _Tasks(self._connected(), self.address)
        try:
            yield tasks
        finally:
            tasks.cancel()

    def _connected(self) -> Any:
        if self._client is None:
            self._client = self._context.enter_context(_client(self.address))
        return self._client


class _Tasks:
    """Tasks that are submitted, and not taken yet."""

    def __init__(self, client: Any, address: str) -> None:
        self.client, self.address = client, address
        self._pending = _distributed().as_completed(loop=client.loop)
        self._open: set[Any] = set()
        self._at_once, self._looked = 0, -math.inf

    def room(self) -> int:
        """Return how many more tasks keep all workers at work, also those that joined."""
        if time.monotonic() > self._looked + RENEWED:
            self._at_once = 2 * sum(self.client.nthreads().values()) + 2
            self._looked = time.monotonic()
        return max(0, self._at_once - len(self._open))

    def submit(self, function: Callable[..., Any], *arguments: Any, priority: int = 0) -> Any:
        """Submit a task, and return its future."""
        future = self.client.submit(
            _checked, versions(), function, *arguments, pure=False, priority=priority
        )
        self._open.add(future)
        self._pending.add(future)
        return future

    def completed(self) -> Iterator[Any]:
        """Yield the futures of tasks as they are done, also of those submitted meanwhile."""
        for future in self._pending:
            self._open.discard(future)
            yield future

    def result(self, future: Any) -> Any:
        """Wait for a task, and return its result or raise its error."""
        distributed = _distributed()
        self._open.discard(future)
        try:
            return future.result()
        except (distributed.CancelledError, distributed.comm.CommClosedError) as error:
            raise ClusterError(
                f"--dask {self.address}: the scheduler is gone; start it and its workers again, "
                "and repeat the command, sample with --resume"
            ) from error
        except ImportError as error:
            raise ClusterError(
                f"--dask {self.address}: a worker cannot import {error.name}; install the same "
                "packages there"
            ) from error
        except distributed.KilledWorker as error:
            raise ClusterError(
                f"--dask {self.address}: one task ended several workers, perhaps for want of memory"
            ) from error

    def cancel(self) -> None:
        """Give up the tasks that are not done."""
        if self._open and self.client.status == "running":
            with suppress(Exception):  # the scheduler is gone
                self.client.cancel(list(self._open), force=True)
        self._open.clear()


class _Tree:
    """Results of consecutive parts, of which two neighbours become one as soon as both are done."""

    def __init__(self, merge: Callable[[Any, Any], Any]) -> None:
        self.merge = merge
        self.open: dict[Any, tuple[int, int]] = {}
        self.done: dict[tuple[int, int], Any] = {}

    @property
    def root(self) -> Any:
        """The result of all parts, once nothing is left to be done; None if there are no parts."""
        return next(iter(self.done.values()), None)

    def begin(self, future: Any, index: int) -> None:
        """Note the place of a part whose work begins."""
        self.open[future] = 0, index

    def before(self, future: Any) -> list[Any]:
        """Return the parts before a part on which the work goes on, in order."""
        place = self.open[future]
        found = {own: each for each, own in self.open.items() if own < place and own[0] == 0}
        return [found[own] for own in sorted(found)]

    def add(self, future: Any) -> None:
        """Take a result that is done."""
        self._place(self.open.pop(future), future)

    def raise_lone(self) -> None:
        """Where all parts are done, let the last result of a level without a neighbour go up."""
        while not self.open and len(self.done) > 1:
            level, index = min(self.done)
            self._place((level + 1, index // 2), self.done.pop((level, index)))

    def _place(self, place: tuple[int, int], future: Any) -> None:
        level, index = place
        other = self.done.pop((level, index ^ 1), None)
        if other is None:
            self.done[place] = future
            return
        merged = self.merge(*((other, future) if index % 2 else (future, other)))
        self.open[merged] = level + 1, index // 2


def _accumulated(make: Callable[[], A], part: Callable[[], Iterable[Any]]) -> A:
    return accumulated(make, part())


def _merged(left: A, right: A) -> A:
    # What a task is given must stay as it is: another attempt may be given the same.
    merged = copy.deepcopy(left)
    merged.merge(right)
    return merged


def _reported(function: Callable[[S, Callable[[T], bool]], None], item: S) -> list[T]:
    """Work on an item, and return what the work reports, unless it is cancelled meanwhile."""
    worker: Any = _distributed().get_worker()
    key = worker.get_current_task()
    found: list[T] = []

    def report(each: T) -> bool:
        found.append(each)
        task = worker.state.tasks.get(key)
        return task is not None and task.state != "cancelled"

    function(item, report)
    return found


def _checked(expected: Mapping[str, str], function: Callable[..., T], *arguments: Any) -> T:
    """Call a function on a worker of the same versions."""
    _refuse_versions("a worker", versions(), expected)
    keep_freed_memory()
    return function(*arguments)


def _refuse_versions(worker: str, found: Mapping[str, Any], expected: Mapping[str, str]) -> None:
    for name, wanted in expected.items():
        if found.get(name) != wanted:
            own = f"{name} {found[name]}" if found.get(name) else f"no {name}"
            raise ClusterError(
                f"--dask: {worker} has {own}, and this machine {name} {wanted}: their bytes may "
                "differ; install the same version on both"
            )


def _distributed() -> Any:
    """Return the package `distributed`, quiet from its first line on."""
    if sys.modules.get("distributed") is None:
        try:
            importlib.import_module("dask.config").set(QUIET)
            importlib.import_module("distributed")
        except ImportError as error:
            raise ClusterError(
                "--dask needs Dask: pip install 'gscli[dask]', here and on the workers"
            ) from error
    return sys.modules["distributed"]


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """Connect with a scheduler that has workers of the same versions."""
    distributed = _distributed()
    with ExitStack() as context:
        place = address
        if found := LOCAL.fullmatch(address):
            place = context.enter_context(_local_workers(distributed, int(found[1])))
        try:
            client = distributed.Client(place, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise ClusterError(
                f"--dask {address}: no scheduler answers there; start one with dask scheduler"
            ) from error
        context.callback(_closed, client)
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise ClusterError(
                f"--dask {address}: the scheduler has no workers; start one with dask worker "
                f"{address}"
            ) from error
        for worker, own in client.run(_finder([*versions()])).items():
            _refuse_versions(f"the worker {worker}", own, versions())
        yield client


def _finder(packages: list[str]) -> Callable[[], dict[str, str | None]]:
    """Return what looks for versions on a worker, where this module may not exist."""

    def find() -> dict[str, str | None]:
        import importlib

        found: dict[str, str | None] = dict.fromkeys(packages)
        for name in packages:
            try:
                found[name] = importlib.import_module(name).__version__
            except ImportError:
                continue
        return found

    return find


def _closed(client: Any) -> None:
    with suppress(Exception):  # the scheduler is gone
        client.close(timeout=ENDING)


@contextmanager
def _local_workers(distributed: Any, count: int) -> Iterator[str]:
    """Run processes on this machine during the block, and yield the address of their scheduler."""
    # They are told of signals by this process alone: what starts them inherits the mask.
    with _without_signals():
        cluster = distributed.LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",  # a port in use would be a warning
            memory_limit=0,
            silence_logs=50,
            preload=[__name__],
        )
    with undone_on_signals(partial(_end_processes, cluster)), cluster:
        cluster.scale(count)
        try:
            cluster.wait_for_workers(count, timeout=STARTING)
        except TimeoutError as error:
            raise ClusterError(
                f"--dask local:{count}: {count} processes did not start in {STARTING:.0f} s; ask "
                "for fewer"
            ) from error
        yield cluster.scheduler_address


def dask_setup(worker: Any) -> None:  # noqa: ARG001
    """Delete unfinished files when a local worker is told to end: called in it by Dask."""
    end_on_signals()
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS - {signal.SIGINT})


def _end_processes(cluster: Any) -> None:
    """End local workers, and wait until they have deleted what is unfinished."""
    left = set()
    for nanny in cluster.workers.values():
        nanny.status = type(nanny.status).closing  # else it starts another one
        if nanny.pid:
            left.add(nanny.pid)
    end = time.monotonic() + ENDING
    for pid in left:
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    while left and time.monotonic() < end:
        left = {pid for pid in left if _is_alive(pid)}
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


@contextmanager
def _without_signals() -> Iterator[None]:
    """Let no signal end the threads and processes that are started in the block."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
