"""Random uses of every command: options, distributions, counts, names and files."""

import json
import random
import shlex
from collections.abc import Container, Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import click

from gscli.cli.main import COMMANDS

from .inputs import write_samples, write_weights
from .process import LIMIT, Ended, check_complete, faults_of, finish, start

CODES = (0, 1, 2, 3)
USUAL = 5
"""How many of the temperatures, numbers and so on, from the first, are usual ones."""

OLD = b"an old file of the user\n"

TEMPERATURES = (
    "3", "1", "0.5", "0.1", "0.1,0.5,1,3", "0.01", "0.001", "1e-5", "1e-300", "5e-324", "1000",
    "1e17", "1e300", "1e308", "0", "-1", "nan", "inf", "x", "", "0.1:10:5", "1:1:1", "10:0.1:3",
    "0.1:10:0", "1e-300:1e300:4", "1,1", "1,,2", "0x10", "1_0", " 2 ", "٣", "0.5:5",
)  # fmt: skip
NUMBERS = (
    "10", "99", "1e3", "2_000", "20000", "1", "2", "5", "0", "-1", "1.5", "nan", "inf", "-1e400",
    "1e400", "", "x", "1e-3", "0x10", "1e3.5",
)  # fmt: skip
SEEDS = ("0", "1", "2", str(2**64), str(2**128 - 1), str(2**128), "-1", "1.5", "x")
SPREAD = ("0", "1", "-1", "3", "10", "-30", "100", "700", "-1e3", "-1e17", "-1e308", "1e308")
ODD_WEIGHTS = (
    "1,3,6", "1,3,6", "cat=1,dog=3,bird=6", "uniform:2", "uniform:8", "uniform:300", "1", "",
    "0,1", "1,1", "-1,2", "nan,1", "inf,1", "a=1,a=2", "a=1,b", "1;2", "uniform:1", "uniform:x",
    "@none.csv", "@", "1e-300,1", "1e300,1e-300,1", "5e-324,1", "1e308,1e308", "x1=1,x2=2,x3=3",
    "é=1,\x1b[1m=2", "<b>=1,&=2,'=3", "temperature=1,log_prob=2", "1=3,2=4", "uniform:3@0.5",
    "1,3,6@2", "1,2@0",
)  # fmt: skip
WORDS = {
    "categories": ("x1", "x1,x2", "x1,x2,x3", "1,2", "x9", "", "x1,x1", "cat,dog", "0", "-1"),
    "columns": ("x1,x2", "x1,x2,x3", "x1", "x9,x1", "", "x1,x1", "1,2,3"),
    "batch": ("1", "32", "1,32,1024", "0", "-1", "1e9", "1.5", "", "x", "1e308", "1e400"),
    "start": ("0", "1", "65536", "1e18", "-1", "x", "2e30"),
    "alpha": ("0.001", "0.05", "0", "1", "-1", "nan", "1e-300", "0.999"),
    "threads": ("1", "2", "3", "0", "-1", "x"),
    "scale": ("1", "0.5", "0", "nan", "-1", "100"),
    "width": ("300", "100", "99", "10001", "x"),
    "images": ("pictures", "in.csv", "no/such"),
}
OUTPUTS = {
    "sample": ("out.csv", "out.csv", "out.npy", "out.parquet", "out.csv.gz"),
    "density": ("out.csv", "out.npy", "out.parquet"),
    "plot": ("out.html", "out.html", "out.json", "out.json", "out.svg", "out.png"),
    "sweep": ("out.html",),
}
ODD_OUTPUTS = (
    "-",
    "/dev/stdout",
    "/dev/null",
    "out",
    "out.xyz",
    "no/such.csv",
    ".",
    "",
    "/dev/full",
)
SLOW = {"sweep": 0.3, "doctor": 0.3}
"""How often commands that take seconds are chosen, relative to the others."""

NEVER = {"open", "help", "export"}
"""Options that open a window, only print, or start the browser by themselves."""


@cache
def _command(name: str) -> click.Command:
    command: click.Command = import_module(f"gscli.cli.commands.{name}").command
    return command


class Case:
    """A command line in a folder of its own, both made from a number alone."""

    def __init__(self, seed: int, number: int, folder: Path) -> None:
        self.number, self.folder = number, folder
        self.rng = rng = random.Random(f"{seed} {number}")
        weights = [SLOW.get(name, 1.0) for name in COMMANDS]
        self.command = rng.choices(COMMANDS, weights)[0]
        self.categories = rng.choice([2, 2, 3, 3, 3, 4, 5, 12, 64])
        self.stdin = b""
        self.ended: Ended | None = None
        self.words = [self.command]
        # A command line with one odd thing gets further than one with ten.
        self.oddness = rng.choice([0.0, 0.0, 0.1, 0.5])
        for option in _command(self.command).params:
            if isinstance(option, click.Option):
                self._add_option(option)
            elif rng.random() < (0.95 if option.required else 0.4):
                self._add_file()
        if rng.random() < 0.1 * self.oddness:
            self.words.insert(1, rng.choice(["--no-such", "extra", "--", "-t", "\x1b[1m", "é"]))
        if rng.random() < 0.3:
            for name in ("out.csv", "out.html", "out.npy"):
                (folder / name).write_bytes(OLD)

    def __str__(self) -> str:
        return f"gscli {shlex.join(self.words)}"

    def _add_file(self) -> None:
        if self.rng.random() < 0.2 * self.oddness:
            self.words.append(self.rng.choice(["none.csv", ".", "/dev/null", "", "/dev/zero/x"]))
            return
        name = write_samples(self.rng, self.folder, self.categories, self.oddness)
        if self.rng.random() < 0.15:
            self.stdin = (self.folder / name).read_bytes()
            name = "-"
        self.words.append(f"./{name}" if name.startswith("-x") else name)

    def _add_option(self, option: click.Option) -> None:
        rng, name = self.rng, max(option.opts, key=len).lstrip("-")
        likely = {"pi": 0.7, "temperature": 0.8, "samples": 0.5, "output": 0.7, "force": 0.3}
        if name == "logits":
            likely[name] = 0.02 if "--pi" in self.words else 0.7
        if name in NEVER or rng.random() > likely.get(name, 0.1):
            return
        flag = rng.choice(option.opts)
        if option.is_flag:
            self.words.append(rng.choice([flag, *option.secondary_opts]))
            return
        self.words += [flag, self._value(option, name)]

    def _value(self, option: click.Option, name: str) -> str:
        rng = self.rng
        if isinstance(option.type, click.Choice):
            return "x" if self._is_odd() else rng.choice([*map(str, option.type.choices)])
        if name in ("pi", "logits", "prior"):
            return self._weights(logits=name == "logits")
        if name in ("temperature", "fix-temperature"):
            return rng.choice(TEMPERATURES if self._is_odd() else TEMPERATURES[:USUAL])
        if name == "seed":
            return rng.choice(SEEDS if self._is_odd() else SEEDS[:USUAL])
        if name == "samples":
            return rng.choice(NUMBERS if self._is_odd() else NUMBERS[:USUAL])
        if name == "output":
            usual = OUTPUTS.get(self.command, ("out.csv",))
            return rng.choice(ODD_OUTPUTS if self._is_odd() else usual)
        if name in ("table", "plot"):
            usual = ("table.csv", "table.json") if name == "table" else ("p.html", "p.json")
            return rng.choice(ODD_OUTPUTS if self._is_odd() else usual)
        words = WORDS.get(name, NUMBERS)
        return rng.choice(words if self._is_odd() else words[:2])

    def _is_odd(self) -> bool:
        return self.rng.random() < self.oddness

    def _weights(self, *, logits: bool) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.6 * self.oddness:
            return rng.choice(ODD_WEIGHTS)
        if kind < 0.7 * self.oddness:
            return "@" + write_weights(rng, self.folder, self.categories)
        if logits:
            pool = SPREAD if rng.random() < 0.5 else SPREAD[:USUAL]
            return ",".join(rng.choice(pool) for _ in range(self.categories))
        width = rng.choice([0, 1, 1, 10, 300])
        return ",".join(f"{10 ** rng.uniform(-width, width):.3g}" for _ in range(self.categories))

    def _folders(self) -> set[str]:
        """Return the folders that may be there: of images, and of a dataset's parts."""
        given = dict(pairwise(self.words))
        wanted = Path(given.get("--images", "tmp"))
        found = {"tmp", str(wanted), *map(str, wanted.parents)}
        if "--shards" in given:
            outputs = [value for flag, value in pairwise(self.words) if flag in ("-o", "--output")]
            hive = self.folder.glob("*/temperature=*")
            found |= {*outputs, *(str(each.relative_to(self.folder)) for each in hive)}
        return found

    def faults(self, limit: float = LIMIT) -> Iterator[str]:
        """Run the case, and yield what is wrong."""
        before = {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}
        self.ended = ended = finish(start(self.words, self.folder, stdin=self.stdin), limit)
        found = list(faults_of(ended, CODES))
        yield from (f"{fault}: {ended.stderr[-1500:]}" for fault in found)
        if ended.code == 0 and "--json" in self.words and "-h" not in self.words:
            try:
                json.loads(ended.stdout)
            except ValueError as error:
                yield f"--json is not JSON: {error}: {ended.stdout[:200]!r}"
        given = dict(pairwise(self.words)).get("--format")
        suffix = given and f".{given}"
        yield from left_over(self.folder, before, suffix, self._folders())


def left_over(
    folder: Path,
    before: dict[str, bytes],
    format: str | None = None,
    folders: Container[str] = ("tmp", "pictures"),
) -> Iterator[str]:
    """Yield which files are unfinished, changed that should not be, or temporary.

    Those named `out` are of a format, if it is given, whatever their suffix; some folders may be
    there.
    """
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir() and name in folders:
            continue
        if path.is_dir() or name.startswith("tmp/") or path.name.startswith("."):
            yield f"leaves {name}"
        elif before.get(name) == path.read_bytes():
            continue
        elif name in before and before[name] != OLD:
            yield f"changes {name}"
        else:
            try:
                check_complete(path, format if path.name.startswith("out") else None)
            except (AssertionError, KeyError) as error:
                yield f"writes {error}"
