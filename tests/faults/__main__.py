"""Use the command line at random and kill it at random, and print what is wrong.

A fuzz case is a random command line with random files. It fails on a traceback, a raw warning, an
exit code that is not documented, an output half written, a file left behind, or a hang. A kill is
SIGINT, SIGTERM or SIGKILL at a random moment of a command. The first two must end it quietly with
130 or 143; after the third each output is the old file or the new one, and the next run leaves
nothing temporary. Every case follows from the seed and its number.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .fuzz import Case
from .kills import Kills
from .process import LIMIT, SIGNALS


def main() -> int:
    """Run what is asked for, and return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fuzz", type=int, default=0, metavar="N", help="how many cases")
    parser.add_argument("--kills", type=int, default=0, metavar="N", help="how many kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, metavar="I", help="number of the first")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="S", help="longest case")
    parser.add_argument("--signal", choices=SIGNALS, help="kill with this one alone")
    parser.add_argument(
        "--commands", default="", metavar="NAME,...", help="kill these alone, such as sample,sweep"
    )
    parser.add_argument("--images", action="store_true", help="kill commands with a browser too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the folders of failed cases")
    given = parser.parse_args()
    begin = time.monotonic()
    failed = before_us = 0
    codes: Counter[int | None] = Counter()
    numbers = range(given.first, given.first + given.fuzz)
    for number in numbers:
        with tempfile.TemporaryDirectory() as name:
            case = Case(given.seed, number, Path(name))
            faults = list(case.faults(given.limit))
            failed += _report(f"fuzz {number}: {case}", faults)
            codes[case.ended.code if case.ended else None] += 1
            if faults and given.keep:
                shutil.copytree(name, given.keep / str(number), dirs_exist_ok=True)
    if given.kills:
        with tempfile.TemporaryDirectory() as name:
            kills = Kills(
                Path(name),
                images=given.images,
                signals=[given.signal] if given.signal else [*SIGNALS],
                names=tuple(given.commands.split(",")),
            )
            for number in range(given.first, given.first + given.kills):
                failed += _report(f"kill {number}", kills.faults(given.seed, number))
            before_us = kills.before_us
    ends = ", ".join(f"{codes[code]:,} with {code}" for code in sorted(codes, key=str))
    minutes = (time.monotonic() - begin) / 60
    print(
        f"{given.fuzz:,} fuzz cases ({ends}) and {given.kills:,} kills in {minutes:.1f} minutes "
        f"(seed {given.seed}): {failed} failed; {before_us} signals came before Python had started"
    )
    return int(failed > 0)


def _report(what: str, faults: Iterable[str]) -> bool:
    found = list(faults)
    if found:
        print(what, *(f"    {fault}" for fault in found), sep="\n", flush=True)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
