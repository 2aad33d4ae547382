"""Fuzz every parser, guided by coverage, and print what is wrong.

Each parser runs in a process of its own, for an equal share of the time. An input fails if it
ends in anything but a result or one of the package's own errors, takes longer than 30 seconds, or
more than 1 GB of memory. With atheris (`pip install atheris`) new inputs are made of those that
reached new lines of this package; without it, of whole files at random.
"""

import argparse
import hashlib
import mmap
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

LONGEST, MOST_MEMORY = 30, 1024
"""Seconds and megabytes that an input may take."""

LARGEST = 2**14
"""Bytes of an input at most; larger ones have tests of their own."""

COUNT = struct.Struct("<QQ")
"""Inputs that were tried, and the kinds of faults found, as the child counts them."""


def main() -> int:
    """Run what is asked for, and return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60, help="in all")
    parser.add_argument("--targets", nargs="+", metavar="NAME", help="only these parsers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="keep inputs, and go on later")
    parser.add_argument("--child", metavar="NAME", help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = given.corpus or Path(tempfile.mkdtemp(prefix="gscli-fuzz-"))
    if given.child:
        _fuzz(given.child, folder, given.seconds, given.seed)
        return 0
    from .targets import TARGETS

    names = given.targets or list(TARGETS)
    inputs = faults = 0
    begin = time.monotonic()
    for name in names:
        own, failed = _run(name, folder / name, given.seconds / len(names), given.seed)
        inputs, faults = inputs + own, faults + failed
    minutes = (time.monotonic() - begin) / 60
    print(f"{inputs:,} inputs in {minutes:.1f} minutes: {faults} kinds of faults; see {folder}")
    return int(faults > 0)


def _run(name: str, folder: Path, seconds: float, seed: int) -> tuple[int, int]:
    """Fuzz one parser, again after an input that ends the process; return inputs and faults."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = faults = 0
    end = time.monotonic() + seconds
    while (rest := end - time.monotonic()) > 1 or not inputs:
        counter = folder / "count"
        counter.write_bytes(COUNT.pack(0, 0))
        command = [sys.executable, "-m", "tests.fuzz", "--child", name, "--corpus", str(folder)]
        with (folder / "log").open("wb") as log:
            command += ["--seconds", str(max(1, rest)), "--seed", str(seed + faults)]
            child = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                code = child.wait(rest + 10 * LONGEST)
            except subprocess.TimeoutExpired:
                child.kill()
                code = child.wait()
        own, found = COUNT.unpack(counter.read_bytes())
        inputs, faults = inputs + own, faults + found
        if code:
            faults += 1
            print(f"{name}: the process ended with {code} after {own:,} inputs", flush=True)
    for report in sorted(folder.glob("fault-*.txt")):
        print(f"{name}: {report}: {report.read_text().splitlines()[-1]}", flush=True)
    print(f"{name}: {inputs:,} inputs, {faults} kinds of faults", flush=True)
    return inputs, faults


class _Trial:
    """One parser, whose faults are kept, a file for each kind."""

    def __init__(self, name: str, folder: Path) -> None:
        from .targets import run

        self.name, self.folder, self.target = name, folder, run
        self.kinds: set[str] = set()
        self.inputs = 0
        with (folder / "count").open("r+b") as file:
            self.counter = mmap.mmap(file.fileno(), COUNT.size)

    def __call__(self, data: bytes) -> None:
        self.inputs += 1
        try:
            self.target(self.name, data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a panic of polars is no Exception
            self._keep(error, data)
        COUNT.pack_into(self.counter, 0, self.inputs, len(self.kinds))

    def _keep(self, error: BaseException, data: bytes) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f"{f.filename}:{f.lineno}" for f in frames if "gscli" in f.filename]
        kind = f"{type(error).__name__} {own[-1:]} {frames[-1].name}"
        if kind in self.kinds:
            return
        self.kinds.add(kind)
        name = f"fault-{hashlib.sha256(kind.encode()).hexdigest()[:8]}"
        (self.folder / name).write_bytes(data)
        text = "".join(traceback.format_exception(error))
        (self.folder / f"{name}.txt").write_text(text, errors="backslashreplace")


def _fuzz(name: str, folder: Path, seconds: float, seed: int) -> None:
    warnings.simplefilter("error")
    try:
        import atheris
    except ImportError:
        atheris = None
    folder = folder.resolve()
    if atheris is None:
        trial = _Trial(name, folder)
        _work_in_a_folder()
        _at_random(trial, seconds, seed)
        return
    with atheris.instrument_imports(include=["gscli", "numpy.lib"], enable_loader_override=False):
        from .targets import TARGETS
    trial = _Trial(name, folder)
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for data in TARGETS[name].seeds():
        (corpus / hashlib.sha256(data).hexdigest()).write_bytes(data)
    options = {
        "max_total_time": int(seconds),
        "timeout": LONGEST,
        "rss_limit_mb": MOST_MEMORY,
        "max_len": LARGEST,
        "seed": seed,
        "artifact_prefix": f"{folder}/",
        "close_fd_mask": 0,
    }
    _work_in_a_folder()
    words = [f"-{key}={value}" for key, value in options.items()]
    atheris.Setup([sys.argv[0], *words, str(corpus)], trial)
    atheris.Fuzz()


def _work_in_a_folder() -> None:
    os.chdir(tempfile.mkdtemp(prefix="gscli-fuzz-"))


def _at_random(trial: _Trial, seconds: float, seed: int) -> None:
    from .files import damaged
    from .targets import TARGETS

    chance, seeds = random.Random(seed), TARGETS[trial.name].seeds()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = chance.choice(seeds)
        for _ in range(chance.choice([1, 1, 2, 4])):
            data = damaged(data, chance)
        trial(data)


if __name__ == "__main__":
    sys.exit(main())
