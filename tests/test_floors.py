"""Data flows one way: which package may import which, and who may import what from outside.

Every import statement counts, also those inside functions and those for type checkers alone.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import gscli

ROOT = Path(gscli.__file__).parent

FLOORS = {
    "cli": 6,
    "report": 5,
    "plotting": 4,
    "inference": 3,
    "distribution": 2,
    "io": 2,
    "execution": 1,
    "errors": 0,
    "arrays": 0,
    "records": 0,
}
"""Floor of each package or module; it imports from its own package and from floors below.

`distribution` and `io` share a floor: neither imports the other. What is at the top alone
(`__init__`, `__main__`, `testing`) hands out what the packages hold, and is not among them.
"""

ENTRANCES = {"__init__", "__main__", "testing"}

ALLOWED = {
    "click": {"cli"},
    "rich": {"cli", "plotting.terminal"},
    "kaleido": {"plotting.browser"},
    "choreographer": {"plotting.browser"},
    "dask": {"execution.cluster"},
    "distributed": {"execution.cluster"},
}
"""Packages from outside that few modules may import."""


def imports(source: str) -> Iterator[str]:
    """Yield the full names of all modules, or of names in modules, that a source imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules() -> list[tuple[str, str]]:
    """Return each module of the package, as its name below `gscli` and its source."""
    return [
        (".".join(path.relative_to(ROOT).with_suffix("").parts), path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
    ]


def upward(module: str, source: str) -> list[str]:
    """Return the imports of a module that do not lead to its own package or a floor below."""
    own = module.partition(".")[0]
    found = []
    for name in imports(source):
        package, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if package != "gscli" or other in (own, "__version__"):
            continue
        if FLOORS.get(other, 99) >= FLOORS[own]:
            found.append(f"{module} imports {name}")
    return found


def outside(module: str, source: str) -> list[str]:
    """Return the imports from outside that a module may not make."""
    return [
        f"{module} imports {name}"
        for name in imports(source)
        if (allowed := ALLOWED.get(name.partition(".")[0])) is not None
        and not any(module == place or module.startswith(f"{place}.") for place in allowed)
    ]


def test_every_package_has_a_floor() -> None:
    assert {module.partition(".")[0] for module, _ in modules()} == {*FLOORS, *ENTRANCES}


def test_no_package_imports_a_higher_one() -> None:
    packages = [m for m in modules() if m[0].partition(".")[0] not in ENTRANCES]
    assert [line for module in packages for line in upward(*module)] == []


def test_few_import_the_terminal_the_browser_and_the_cluster() -> None:
    assert [line for module in modules() for line in outside(*module)] == []


def circles(sources: list[tuple[str, str]]) -> list[str]:
    """Return a module of each group of modules that import each other in a circle."""
    names = {module for module, _ in sources}
    needed: dict[str, set[str]] = {}
    for module, source in sources:
        full = [name.removeprefix("gscli.") for name in imports(source)]
        needed[module] = names & {*full, *(name.rpartition(".")[0] for name in full)}
    sorter = TopologicalSorter(needed)
    try:
        sorter.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other() -> None:
    assert circles(modules()) == []


def test_a_circle_is_seen() -> None:
    later = "def f():\n    from gscli.io.b import g"
    assert circles([("io.a", later), ("io.b", "from gscli.io import a")]) != []
    assert circles([("io.a", later), ("io.b", "from gscli.io import c"), ("io.c", "")]) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("plotting.plot", "def draw():\n    from gscli.cli import messages"),
        ("io.samples", "if TYPE_CHECKING:\n    from gscli.distribution.concrete import Concrete"),
        ("distribution.noise", "import gscli.io.columns"),
        ("arrays", "from gscli import testing"),
        ("io.samples", "from gscli import Concrete"),
    ],
)
def test_a_step_upwards_is_seen(module: str, source: str) -> None:
    assert upward(module, source) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("io.weights", "import click.core"),
        ("plotting.curves", "def show():\n    from rich.text import Text"),
        ("plotting.export", "import kaleido"),
        ("execution.threads", "from dask import delayed"),
    ],
)
def test_a_forbidden_import_is_seen(module: str, source: str) -> None:
    assert outside(module, source) != []
