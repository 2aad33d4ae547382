"""The README's table of speed is what the benchmarks write."""

from pathlib import Path

import pytest

from tests.benchmarks.measure import Row, compare, limit
from tests.benchmarks.readme import BEGIN, END, rewritten

README = Path(__file__).parent.parent / "README.md"


def test_the_table_is_replaced_and_nothing_else() -> None:
    rounds = {"ours": [2.0, 4.0, 3.0], "torch": [8.0, 20.0, 9.0]}
    rows = [
        compare(f"stream, K = {k}", rounds, "ours", "torch", target=3.5, unit="ns/value")
        for k in (2, 8192)
    ]
    rows += [
        compare("x.csv", rounds, "ours", "torch", kind="within", note="polars, warm"),
        limit("gscli --help", 41.2, "ms", 60, "11 ms  python -c pass"),
        limit("memory, -n 1e8", 73, "MB", 350, "in 2 s"),
        limit("memory, -n 1e5, K = 8192", 85, "MB", 350, "in 3 s"),
        Row("jax", "", "jax not installed"),
    ]
    before = f"# gscli\n\n{BEGIN}old\n\n| a |\n{END}\n\nafter <!-- x -->\n"
    assert rewritten(before, "A machine, 2 cores", rows) == (
        "# gscli\n\n"
        "<!-- speed -->\n"
        "A machine, 2 cores:\n\n"
        "| what | gscli | against | ratio |\n"
        "|---|---|---|---|\n"
        "| stream, K = 2, 8192 | 3, 3 ns/value | torch: 9, 9 ns/value | 4.00x, 4.00x faster |\n"
        "| x.csv | 3 s | polars, warm: 9 s | 0.25x the time |\n"
        "| gscli --help | 41.2 ms | python -c pass: 11 ms |  |\n"
        "| memory, -n 1e8 | 73 MB | in 2 s |  |\n"
        "| memory, -n 1e5, K = 8192 | 85 MB | in 3 s |  |\n"
        "| jax |  | jax not installed |  |\n"
        "<!-- /speed -->\n\nafter <!-- x -->\n"
    )


def test_the_readme_has_its_markers_once_and_can_be_rewritten() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    after = rewritten(text, "machine", [])
    assert after.partition(BEGIN)[0] == text.partition(BEGIN)[0]
    assert after.partition(END)[2] == text.partition(END)[2]
    with pytest.raises(ValueError, match="lacks"):
        rewritten("# gscli", "machine", [])
