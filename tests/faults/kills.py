"""Signals at random moments of every command."""

import random
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .fuzz import left_over
from .process import SIGNALS, Ended, check_complete, faults_of, finish, living, start

CLASSIC = ("--pi", "1,3,6", "-t", "3")
INPUT_ROWS = 300_000

COMMANDS: dict[str, tuple[str, ...]] = {
    "sample csv": ("sample", "-n", "1e6", "-f", "-o", "out.csv"),
    "sample npy": ("sample", "-n", "3e6", "-f", "-o", "out.npy"),
    "sample parquet": ("sample", "-n", "1e6", "-f", "-o", "out.parquet"),
    "sample stdout": ("sample", "-n", "1e5"),
    "plot html": ("plot", "-n", "1e4", "-f", "-o", "out.html"),
    "plot file": ("plot", "in.npy", "-f", "-o", "out.json"),
    "sweep": ("sweep", "-t", "0.5,3", "-f", "-o", "out.html"),
    "describe": ("describe", "in.npy", *CLASSIC, "--json"),
    "density csv": ("density", "in.npy", *CLASSIC, "-f", "-o", "out.csv"),
    "density npy": ("density", "in.csv", *CLASSIC, "-f", "-o", "out.npy"),
    "check": ("check", "in.npy", *CLASSIC),
    "check csv": ("check", "in.csv", *CLASSIC, "--json"),
    "fit": ("fit", "in.npy"),
    "fit parquet": ("fit", "in.parquet"),
    "doctor": ("doctor",),
    "help": ("--help",),
}
IMAGES: dict[str, tuple[str, ...]] = {
    "plot images": ("plot", "-n", "1e4", "-f", "-o", "out.png", "-o", "out.html"),
    "sweep images": ("sweep", "-t", "0.5,3", "-f", "-o", "out.html", "--images", "pictures"),
}
"""Those that start a browser."""

PATIENCE = 10.0
"""Seconds in which a browser whose owner was killed has to end."""


class Kills:
    """Commands, how long they take here, and a folder with what they read."""

    def __init__(
        self,
        folder: Path,
        *,
        images: bool = False,
        signals: Sequence[str] = tuple(SIGNALS),
        names: tuple[str, ...] = ("",),
    ) -> None:
        self.folder = folder
        self.signals = signals
        known = {**COMMANDS, **(IMAGES if images else {})}
        self.commands = {name: words for name, words in known.items() if name.startswith(names)}
        self.durations: dict[str, float] = {}
        self.before_us = 0
        """How many signals met the interpreter's own start, before a line of this package ran."""
        for suffix, rows in (("npy", INPUT_ROWS), ("csv", 50_000), ("parquet", INPUT_ROWS)):
            words = ("sample", "-n", str(rows), "--seed", "1", "-q", "-o", f"in.{suffix}")
            assert finish(start(words, folder)).code == 0

    def faults(self, seed: int, number: int) -> Iterator[str]:
        """Kill one command at one moment, run it again, and yield what is wrong."""
        rng = random.Random(f"kill {seed} {number}")
        label = list(self.commands)[number % len(self.commands)]
        words = self.commands[label]
        if label not in self.durations:
            self.durations[label] = self._run(words)
        # The early moments are the imports; most of the others are alike.
        duration = self.durations[label]
        moment = rng.uniform(0, rng.choice([0.1, duration, duration, 1.05 * duration]))
        name = rng.choice(self.signals)
        said = f"{name} after {moment:.3f} s of {' '.join(words)}"
        old = self._prepare(rng)
        process = start(words, self.folder)
        time.sleep(moment)
        process.send_signal(getattr(signal, name))
        ended = finish(process, 30)
        for fault in (*self._end_faults(ended, name), *self._file_faults(old, name)):
            yield f"{said}: {fault}"
        if name == "SIGKILL":
            for fault in self._next_run_faults(words):
                yield f"{said}: the next run: {fault}"

    def _run(self, words: tuple[str, ...]) -> float:
        begin = time.monotonic()
        ended = finish(start(words, self.folder))
        assert ended.code == 0, ended
        return time.monotonic() - begin

    def _prepare(self, rng: random.Random) -> dict[str, bytes]:
        """Leave the outputs of the last run or none, and return what is there."""
        if rng.random() < 0.5:
            for path in self.folder.glob("out.*"):
                path.unlink()
        return {path.name: path.read_bytes() for path in self.folder.glob("out.*")}

    def _end_faults(self, ended: Ended, name: str) -> Iterator[str]:
        expected = SIGNALS[name]
        if name == "SIGKILL":
            if ended.code not in (0, expected):
                yield f"ends with {ended.code}: {ended.stderr[-1500:]}"
            return
        # The interpreter's start, in which Python answers Ctrl-C with a traceback of its own.
        own_traceback = "KeyboardInterrupt" in ended.stderr and "gscli" not in ended.stderr
        if own_traceback or (ended.code == -getattr(signal, name) and not ended.stderr):
            self.before_us += 1
            return
        for fault in faults_of(ended, (0, expected)):
            yield f"{fault}: {ended.stderr[-1500:]}"

    def _file_faults(self, old: dict[str, bytes], name: str) -> Iterator[str]:
        """Yield which outputs are neither the old ones nor new ones, and what else is left."""
        for path in self.folder.glob("out.*"):
            if path.read_bytes() != old.get(path.name):
                try:
                    check_complete(path)
                except AssertionError as error:
                    yield str(error)
        if name != "SIGKILL":
            yield from (fault for fault in self._left() if fault)

    def _next_run_faults(self, words: tuple[str, ...]) -> Iterator[str]:
        deadline = time.monotonic() + PATIENCE
        while (alive := living(self.folder / "tmp")) and time.monotonic() < deadline:
            time.sleep(0.1)
        if alive:
            yield f"{alive} go on"
        ended = finish(start(words, self.folder))
        for fault in faults_of(ended, (0,)):
            yield f"{fault}: {ended.stderr[-1500:]}"
        yield from self._left()

    def _left(self) -> Iterator[str]:
        known = {path.name: path.read_bytes() for path in self.folder.glob("in.*")}
        known |= {path.name: path.read_bytes() for path in self.folder.glob("out.*")}
        yield from left_over(self.folder, known)
