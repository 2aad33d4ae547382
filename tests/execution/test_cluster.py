"""The order in which results merge, and what is refused; the rest is in tests/cli/test_dask.py."""

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gscli.errors import ClusterError
from gscli.execution import cluster
from gscli.execution.cluster import Cluster, _refuse_versions, _Tree, is_address


class Joined:
    """A result that knows of which parts it is; a stand-in for a future, too."""

    def __init__(self, *parts: int) -> None:
        self.parts = parts


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 13, 64, 100])
def test_neighbours_merge_in_order_in_whatever_order_they_are_done(count: int) -> None:
    rng = random.Random(count)
    depth: dict[Joined, int] = {}

    def merge(left: Joined, right: Joined) -> Joined:
        assert left.parts[-1] + 1 == right.parts[0]
        merged = Joined(*left.parts, *right.parts)
        depth[merged] = 1 + max(depth.get(left, 0), depth.get(right, 0))
        return merged

    tree = _Tree(merge)
    for index in range(count):
        tree.begin(Joined(index), index)
    while tree.open:
        tree.add(rng.choice([*tree.open]))
        tree.raise_lone()
    if count == 0:
        assert tree.root is None
        return
    assert tree.root.parts == tuple(range(count))
    assert depth.get(tree.root, 0) == max(0, (count - 1).bit_length())


def test_results_do_not_pile_up() -> None:
    tree = _Tree(lambda left, right: Joined(*left.parts, *right.parts))
    for index in range(1000):
        tree.begin(Joined(index), index)
        while tree.open:
            tree.add(next(iter(tree.open)))
        assert len(tree.done) <= 10
    tree.raise_lone()


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("tcp://host:8786", True),
        ("tls://10.0.0.1:1", True),
        ("local:2", True),
        ("local:0", False),
        ("local:-1", False),
        ("local", False),
        ("host:8786", False),
        ("http://host", False),
        ("", False),
    ],
)
def test_an_address_is_of_a_scheduler_or_of_this_machine(text: str, valid: bool) -> None:
    assert is_address(text) is valid


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"gscli": "0.1", "numpy": "2.4"}, "w has gscli 0.1, and this machine gscli 0.2"),
        ({"gscli": "0.2", "numpy": None}, "w has no numpy, and this machine numpy 2.4"),
    ],
)
def test_other_versions_are_refused(found: dict[str, Any], message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        _refuse_versions("w", found, {"gscli": "0.2", "numpy": "2.4"})


def test_nothing_is_started_before_there_is_work() -> None:
    own = Cluster("local:2")
    own.close()
    assert own._client is None


def failing(item: int) -> int:
    raise ValueError(item)


def broken(item: int) -> list[int]:
    time.sleep(0.5 / (1 + item))
    raise ValueError(f"part {item}")


class Count:
    def __init__(self) -> None:
        self.items: list[int] = []

    def update(self, item: int) -> None:
        self.items.append(item)

    def merge(self, later: "Count") -> None:
        self.items += later.items


def work(item: int, report: Callable[[int], bool]) -> None:
    assert report(item)
    assert report(-item)


@pytest.mark.slow
def test_processes_that_do_not_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "STARTING", 0.01)
    own = Cluster("local:2")
    with pytest.raises(ClusterError, match="local:2: 2 processes did not start"):
        list(own.ordered_map(abs, [1]))
    own.close()


@pytest.mark.slow
def test_processes_do_what_threads_do() -> None:
    pytest.importorskip("distributed")
    own = Cluster("local:2")
    try:
        assert list(own.ordered_map(abs, range(-20, 0))) == [*range(20, 0, -1)]
        assert sorted(own.reports(work, range(1, 4))) == [-3, -2, -1, 1, 2, 3]
        parts = [list(range(i, i + 3)) for i in range(0, 30, 3)]
        assert own.accumulate(Count, [part.copy for part in parts]).items == [*range(30)]
        assert own.accumulate(Count, []).items == []
        with pytest.raises(ValueError, match="part 0"):  # and not the first that fails
            own.accumulate(Count, [partial(broken, item) for item in range(3)])
        with pytest.raises(ValueError, match="7"):
            list(own.ordered_map(failing, [7]))
    finally:
        own.close()
