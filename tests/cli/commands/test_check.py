"""`gscli check`."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from types import ModuleType

import numpy as np
import pytest
from click.testing import Result

from gscli import Concrete
from gscli.arrays import FloatArray
from gscli.errors import BrowserNotFoundError
from gscli.plotting import browser
from tests.tables import answer, save

Invoke = Callable[..., Result]
Start = Callable[..., "Popen[bytes]"]

N = 10_000
PI = np.array([1.0, 3.0, 6.0])
T = 0.7
CLASSIC = ("--pi", "1,3,6", "-t", T)
TRUTH = Concrete(PI, T)
KEYS = {
    "file",
    "names",
    "pi",
    "temperature",
    "version",
    "consistent",
    "conclusive",
    "alpha",
    "correction",
    "n",
    "tests",
    "causes",
    "remarks",
    "sensitivity",
}
TEST_KEYS = {"name", "statistic", "p_value", "passed", "sentence", "certain"}
ALL_TESTS = [
    "simplex", "rounding", "log-ratios", "flat Dirichlet", "independence", "extremes", "largest",
    "score", "drift", "serial", "repeats",
]  # fmt: skip


def softmax(scores: FloatArray) -> FloatArray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: FloatArray = weights / weights.sum(axis=-1, keepdims=True)
    return result


def noise(n: int = N, clip: float = 0.0) -> FloatArray:
    uniforms = np.random.default_rng(7).random((n, 3))
    return -np.log(-np.log(np.clip(uniforms, clip, 1 - clip)))


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
@pytest.mark.parametrize("log", [False, True])
def test_own_samples_are_consistent(invoke: Invoke, tmp_path: Path, suffix: str, log: bool) -> None:
    rows = (TRUTH.sample_log if log else TRUTH.sample)(N, seed=1)
    save(tmp_path / f"x.{suffix}", rows)
    result = invoke("check", f"x.{suffix}", *CLASSIC, *(["--log"] if log else []))
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    for name in ALL_TESTS:
        assert f"\n{name} " in result.stdout
    assert "Consistent with probs 0.1, 0.3, 0.6; t = 0.7" in result.stdout
    assert "alpha = 0.001, Holm's correction for 9 tests; n = 10,000" in " ".join(
        result.stdout.split()
    )
    assert "rejected" not in result.stdout.lower()


def test_json_of_a_consistent_file(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.npy", TRUTH.sample(N, seed=1))
    result = invoke("check", "x.npy", *CLASSIC, "--json", "--alpha", "0.01")
    found = answer(result)
    assert result.exit_code == 0
    assert set(found) == KEYS
    assert (found["consistent"], found["conclusive"], found["causes"]) == (True, True, [])
    assert (found["alpha"], found["n"]) == (0.01, N)
    assert [test["name"] for test in found["tests"]] == ALL_TESTS
    for test in found["tests"]:
        assert set(test) == TEST_KEYS
        assert test["passed"] is True
        assert 0 <= test["p_value"] <= 1


WRONG: dict[str, tuple[Callable[[], FloatArray], str]] = {
    "factor 0.9": (lambda: softmax((np.log(PI) + noise()) / (0.9 * T)), "off by a factor of 0."),
    "factor 2": (lambda: softmax((np.log(PI) + noise()) / (2 * T)), "off by a factor of"),
    "pi as logits": (lambda: softmax((PI + noise()) / T), "probabilities were passed as logits"),
    "logits as pi": (
        lambda: softmax((np.log(np.log(PI) + 1) + noise()) / T),
        "logits were passed as probabilities",
    ),
    "permuted": (lambda: TRUTH.sample(N, seed=1)[:, [2, 1, 0]], "the columns are permuted"),
    "inverted": (lambda: softmax((np.log(PI) + noise()) * T), "the temperature is inverted"),
    "clamped": (
        lambda: softmax((np.log(PI) + noise(clip=1e-3)) / T),
        "clamped or coarse (float32) noise",
    ),
    "hard": (lambda: np.eye(3)[(np.log(PI) + noise()).argmax(axis=1)], "hard samples"),
    "reused": (
        lambda: softmax((np.log(PI) + np.tile(noise(N // 4), (4, 1))) / T),
        "noise is reused",
    ),
    "log": (lambda: TRUTH.sample_log(N, seed=1), "check them with --log"),
}


@pytest.mark.parametrize("suffix", ["csv", "npy"])
@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_sampler_is_rejected_and_named(
    invoke: Invoke, tmp_path: Path, name: str, suffix: str
) -> None:
    sampler, words = WRONG[name]
    save(tmp_path / f"x.{suffix}", sampler())
    found = answer(result := invoke("check", f"x.{suffix}", *CLASSIC, "--json"))
    assert result.exit_code == 1
    assert (found["consistent"], found["conclusive"]) == (False, True)
    assert words in found["causes"][0]
    shown = invoke("check", f"x.{suffix}", *CLASSIC)
    assert shown.exit_code == 1
    assert "Rejected: not consistent with probs 0.1, 0.3, 0.6; t = 0.7" in shown.stdout
    assert words in " ".join(shown.stdout.split())
    assert shown.stdout.index("Likeliest cause first") < shown.stdout.index("\n1. ")


def test_exact_zeros_are_not_judged(invoke: Invoke, tmp_path: Path) -> None:
    cold = Concrete(PI, 0.01)
    save(tmp_path / "x.csv", cold.sample(N, seed=1))
    result = invoke("check", "x.csv", *CLASSIC[:2], "-t", 0.01)
    assert result.exit_code == 2
    assert "Could not be judged against" in result.stdout
    assert "exact zeros from underflow: --log samples are needed" in " ".join(result.stdout.split())
    found = answer(invoke("check", "x.csv", *CLASSIC[:2], "-t", 0.01, "--json"))
    assert (found["consistent"], found["conclusive"]) == (False, False)
    assert found["correction"] == "one test"
    save(tmp_path / "y.csv", cold.sample_log(N, seed=1))
    assert invoke("check", "y.csv", *CLASSIC[:2], "-t", 0.01, "--log").exit_code == 0


def test_torch_samples_are_consistent(invoke: Invoke, tmp_path: Path, torch: ModuleType) -> None:
    torch.manual_seed(4)
    law = torch.distributions.RelaxedOneHotCategorical(
        torch.tensor(T), probs=torch.tensor([1.0, 3.0, 6.0])
    )
    save(tmp_path / "x.npy", law.sample((N,)).numpy())
    result = invoke("check", "x.npy", *CLASSIC, "--verbose")
    assert result.exit_code == 0, result.output
    assert "float32 precision" in " ".join(result.stdout.split())


@pytest.mark.parametrize("width", [50, 80, 95, 96, 160])
def test_the_sentences_find_room(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    save(tmp_path / "x.npy", TRUTH.sample(N, seed=1))
    lines = invoke("check", "x.npy", *CLASSIC, "--verbose").stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert ("what it says" in lines[0]) == (width >= 96)
    words = " ".join(" ".join(lines).split())
    assert "Kolmogorov-Smirnov distance of each pair's" in words
    assert "stick-breaking variables of a row" in words or width >= 96


@pytest.mark.parametrize("width", [50, 100])
def test_rejected_tests_alone_are_explained(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    save(tmp_path / "x.npy", TRUTH.sample(N, seed=1))
    passed = invoke("check", "x.npy", *CLASSIC).stdout
    assert "Kolmogorov-Smirnov" not in passed
    assert len(passed.partition("\n\n")[0].splitlines()) == 12
    rejected = " ".join(invoke("check", "x.npy", *CLASSIC[:2], "-t", 2.5).stdout.split())
    assert "Kolmogorov-Smirnov distance of each pair's" in rejected
    assert "rows lie on the simplex" not in rejected
    assert invoke("check", "x.npy", *CLASSIC, "--verbose", "--quiet").exit_code == 2


def test_alpha_decides(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.npy", softmax((np.log(PI) + noise()) / (1.015 * T)))
    smallest = min(
        test["p_value"] for test in answer(invoke("check", "x.npy", *CLASSIC, "--json"))["tests"]
    )
    assert 1e-6 < smallest < 0.1
    assert invoke("check", "x.npy", *CLASSIC, "--alpha", 9.1 * smallest).exit_code == 1
    assert invoke("check", "x.npy", *CLASSIC, "--alpha", 8.9 * smallest).exit_code == 0


def test_json_has_null_where_a_number_is_not_finite(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gscli.inference.gof.results import CheckResult, TestResult

    broken = TestResult("rounding", float("inf"), float("nan"), False, "none")
    monkeypatch.setattr(
        "gscli.inference.gof.check.check",
        lambda *_, **__: CheckResult(False, True, 0.1, 1, (broken,), (), ()),
    )
    save(tmp_path / "x.csv", TRUTH.sample(5, seed=1))
    (test,) = answer(invoke("check", "x.csv", *CLASSIC, "--json"))["tests"]
    assert (test["statistic"], test["p_value"]) == (None, None)


# ---------------------------------------------------------------- names and temperatures


def test_names_of_the_file_and_of_pi(invoke: Invoke, tmp_path: Path) -> None:
    rows = TRUTH.sample(N, seed=1)[:, [2, 1, 0]]
    save(tmp_path / "x.csv", rows, ("cat", "dog", "[b]bird"))
    shown = " ".join(invoke("check", "x.csv", *CLASSIC).stdout.split())
    assert "permuted: cat holds [b]bird" in shown
    assert "not consistent with probs cat 0.1, dog 0.3, [b]bird 0.6" in shown
    save(tmp_path / "x.npy", rows)
    shown = invoke("check", "x.npy", "--pi", "owl=1,fox=3,elk=6", "-t", T).stdout
    assert "owl holds elk" in " ".join(shown.split())


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_are_chosen_by_temperature(invoke: Invoke, suffix: str) -> None:
    file = f"x.{suffix}"
    assert invoke("sample", "-t", "0.5,1,3", "-n", 3000, "--seed", 2, "-o", file).exit_code == 0
    for temperature in (0.5, 3):
        found = answer(result := invoke("check", file, *CLASSIC[:2], "-t", temperature, "--json"))
        assert (result.exit_code, found["n"]) == (0, 3000)
    result = invoke("check", file, *CLASSIC[:2])
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {file}: states several temperatures, 0.5, 1, 3; choose one with -t\n"
    )
    result = invoke("check", file, *CLASSIC[:2], "-t", 2)
    assert result.exit_code == 2
    assert "no rows at temperature 2; its temperature column states 0.5, 1, 3" in result.stderr


def test_the_only_temperature_that_a_file_states_is_taken(invoke: Invoke, tmp_path: Path) -> None:
    rows = TRUTH.sample(N, seed=1)
    table = np.column_stack([np.full(N, T), rows])
    save(tmp_path / "x.csv", table, ("temperature", "x1", "x2", "x3"))
    result = invoke("check", "x.csv", *CLASSIC[:2])
    assert result.exit_code == 0
    assert "t = 0.7" in result.stdout


def test_arrays_of_several_temperatures(invoke: Invoke, tmp_path: Path) -> None:
    rows = np.stack([Concrete(PI, t).sample(2000, seed=1) for t in (0.5, 1)])
    np.save(tmp_path / "two.npy", rows)
    result = invoke("check", "two.npy", *CLASSIC[:2])
    assert result.exit_code == 2
    assert "name the temperature of a batch with -t; of 2 temperatures, all" in result.stderr
    result = invoke("check", "two.npy", *CLASSIC[:2], "-t", "0.5,1")
    assert result.exit_code == 0
    assert [line.split()[:4] for line in result.stdout.splitlines()[1:]] == [
        ["two.npy", t, "2,000", "Consistent"] for t in ("0.5", "1")
    ]
    result = invoke("check", "two.npy", *CLASSIC[:2], "-t", "0.5,1.3")
    assert result.exit_code == 1
    batch = invoke("check", "two.npy", *CLASSIC[:2], "-t", 1)
    assert batch.exit_code == 1
    assert batch.stderr == (
        "two.npy: shape (2, 2000, 3) is read as 4,000 rows at one temperature\n"
    )
    np.save(tmp_path / "one.npy", rows[1:])
    assert invoke("check", "one.npy", *CLASSIC[:2], "-t", 1).exit_code == 0


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("none.csv",), 2, "none.csv: No such file or directory"),
        (("word.csv",), 2, "word.csv: row 2: 'b' is not a number"),
        (("header.csv",), 2, "header.csv: has a header and no rows"),
        (("empty.npy",), 2, "empty.npy: shape (0, 3) has no rows"),
        (("nan.csv",), 2, "nan.csv: row 1: temperature nan is not"),
        (("x.csv", "--pi", "1,2"), 2, "x.csv: 3 columns, 2 weights; is one an index"),
        (("x.csv", "-t", "0"), 2, "--hard"),
        (("x.csv", "-t", "1,2"), 2, "2 temperatures"),
        (("x.csv", "--alpha", "1"), 2, "'--alpha'"),
        (("x.csv", "--alpha", "nan"), 2, "nan is not a finite number"),
        (("x.csv", "--plot", "x.gif"), 2, "'--plot': x.gif: unknown suffix '.gif'"),
        (("x.csv", "--plot", "no/x.html"), 2, "directory no does not exist"),
        (("x.csv", "--pi", "1,2,3", "--logits", "1,2,3"), 2, "both given"),
        ((), 2, "FILE"),
    ],
)
def test_bad_input_ends_in_one_line(
    invoke: Invoke, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    save(tmp_path / "x.csv", TRUTH.sample(10, seed=1))
    (tmp_path / "word.csv").write_text("x1,x2,x3\n0.2,0.2,0.6\na,b,c\n".replace("a,", "0.1,"))
    (tmp_path / "header.csv").write_text("x1,x2,x3\n")
    (tmp_path / "nan.csv").write_text("temperature,x1,x2,x3\nnan,0.2,0.2,0.6\n")
    np.save(tmp_path / "empty.npy", np.empty((0, 3)))
    result = invoke("check", *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


# ---------------------------------------------------------------- the picture


def test_plot_writes_a_page_and_says_so(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.csv", TRUTH.sample(500, seed=1), ("<b>", "dog", "bird"))
    result = invoke("check", "x.csv", *CLASSIC, "--plot", "x.html", "--plot", "x.json")
    assert result.exit_code == 0
    assert result.stderr == "Wrote x.html, x.json\n"
    assert "plotly" in (tmp_path / "x.html").read_text(encoding="utf-8")
    figure = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert figure["layout"]["title"]["text"] == "<b>Consistent: n = 500</b>"
    assert "&lt;b&gt;" in json.dumps(figure)
    quiet = invoke("check", "x.csv", *CLASSIC[:2], "-t", 70, "--plot", "y.html", "-q")
    assert (quiet.exit_code, quiet.stderr) == (1, "")
    assert (tmp_path / "y.html").exists()


def test_no_browser_is_told_before_the_file_is_read(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise BrowserNotFoundError("no browser")

    monkeypatch.setattr(browser, "find_browser", none)
    assert invoke("check", "none.csv", "--plot", "x.png").exit_code == 3


def test_the_option_log_survives_the_look_for_a_browser(start: Start, tmp_path: Path) -> None:
    # The browser's logger would take --log for an option of its own.
    save(tmp_path / "x.npy", TRUTH.sample_log(100, seed=1))
    environment = {
        **os.environ,
        "BROWSER_PATH": "/nowhere",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    process = start("check", "x.npy", "--log", "--plot", "x.png", env=environment)
    _, errors = process.communicate(timeout=60)
    assert (
        errors
        == b"Error: BROWSER_PATH=/nowhere is not a program; point it at a Chrome or Chromium\n"
    )
    assert process.returncode == 3


# ---------------------------------------------------------------- processes


def test_standard_input_in_a_pipe(start: Start) -> None:
    rows = TRUTH.sample(2000, seed=1)
    lines = "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    for temperature, code in ((T, 0), (2 * T, 1)):
        process = start("check", "-", "--pi", "1,3,6", "-t", temperature)
        output, errors = process.communicate(lines.encode(), timeout=60)
        assert process.returncode == code
        assert errors == b""
        assert (b"Consistent" in output) == (code == 0)


@pytest.mark.parametrize("command", ["check", "fit"])
@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(start: Start, tmp_path: Path, command: str) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    # Rows that are kept for their hashes, or for Newton's method, are bounded as well: both files
    # have more than those.
    peaks = []
    for n in (3_000_000, 9_000_000):
        np.save(tmp_path / "x.npy", np.tile(TRUTH.sample(n // 10, seed=1), (10, 1)))
        script = (
            "import sys; from gscli.cli.main import main\n"
            f"try: main(['{command}', 'x.npy', '-q'])\n"
            "finally: print(open('/proc/self/status').read(), file=sys.stderr)"
        )
        process = start(options=("-c", script))
        _, errors = process.communicate(timeout=120)
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", errors.decode())
        peaks.append(int(peak))
    assert peaks[1] - peaks[0] < 20_000  # The file is 144 MB larger.


def test_remarks_are_shown(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.csv", TRUTH.sample(40, seed=1))
    result = invoke("check", "x.csv", *CLASSIC)
    assert result.exit_code == 0
    assert "40 rows: so few show gross mistakes only" in " ".join(result.stdout.split())
    assert answer(invoke("check", "x.csv", *CLASSIC, "--json"))["remarks"]


# ---------------------------------------------------------------- hard samples


def test_hard_samples_and_labels(invoke: Invoke, tmp_path: Path) -> None:
    rows = TRUTH.sample_hard(3000, seed=1)
    save(tmp_path / "x.npy", rows)
    save(tmp_path / "x.csv", rows)
    np.save(tmp_path / "labels.npy", rows.argmax(axis=1))
    pi = ("--pi", "1,3,6")
    for words in (("x.npy", "--hard"), ("x.csv", "--hard"), ("labels.npy", "--labels")):
        result = invoke("check", *words, *pi)
        assert result.exit_code == 0, result.stderr
        assert "Consistent with probs 0.1, 0.3, 0.6; hard" in result.stdout
        assert invoke("check", *words, "--pi", "1,4,5").exit_code == 1
    found = answer(invoke("check", "labels.npy", "--labels", *pi, "--json"))
    assert found["temperature"] is None
    assert [test["name"] for test in found["tests"]] == [
        "labels",
        "frequencies",
        "serial",
        "repeats",
    ]
    line = invoke("check", "x.npy", "--hard", *pi, "--quiet").stdout
    assert line.startswith("x.npy: Consistent, hard, n = 3,000, least p-value")


def test_a_token_of_probability_zero(invoke: Invoke, tmp_path: Path) -> None:
    labels = ["a", "b"] * 50
    (tmp_path / "x.csv").write_text("\n".join(["token", *labels, "c"]))
    result = invoke("check", "x.csv", "--labels", "--pi", "a=1,b=1,c=0")
    assert result.exit_code == 1
    assert "1 labels have probability 0, such as c" in " ".join(result.stdout.split())


def test_logits_of_each_row(invoke: Invoke, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(4000, 5))
    scores = logits + generator.gumbel(size=logits.shape)
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "labels.npy", scores.argmax(axis=1))
    np.save(tmp_path / "x.npy", softmax(scores / T))
    own = ("--logits", "@logits.npy")
    result = invoke("check", "labels.npy", "--labels", *own)
    assert result.exit_code == 0
    assert "Consistent with each row's own logits; hard" in result.stdout
    assert invoke("check", "x.npy", *own, "-t", T).exit_code == 0
    assert invoke("check", "x.npy", *own, "-t", 1.1 * T).exit_code == 1
    assert "states no temperature" in invoke("check", "x.npy", *own).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hard"], "hard samples need --pi or --logits"),
        (["--hard", *CLASSIC], "hard samples have no temperature"),
        (["--hard", "--log", "--pi", "1,3,6"], "exclude each other"),
        (["--pi", "0,3,6", "-t", 1], "only --hard samples can have one"),
        (["--hard", "--pi", "0,0,0"], "unnormalised probabilities must be > 0"),
    ],
)
def test_options_of_hard_samples(
    invoke: Invoke, tmp_path: Path, words: list[object], said: str
) -> None:
    save(tmp_path / "x.npy", TRUTH.sample_hard(100, seed=1))
    result = invoke("check", "x.npy", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_gate_asks_for_rows(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.npy", TRUTH.sample(500, seed=1))
    assert invoke("check", "x.npy", *CLASSIC, "--min-rows", 500).exit_code == 0
    result = invoke("check", "x.npy", *CLASSIC, "--min-rows", "1e3")
    assert result.exit_code == 2
    assert "500 rows are too few to judge: 1,000 or more are needed here" in result.stdout


@pytest.mark.parametrize(
    "weights",
    [("--pi", "1e-300,1e300"), ("--pi", "1e308,1e308"), ("--logits", "0,-800"), ("--pi", "1,3")],
)
def test_probabilities_beyond_float64_are_not_zeros(
    invoke: Invoke, weights: tuple[str, str]
) -> None:
    drawn = ("sample", *weights, "-t", 1, "--log", "-n", 200, "--seed", 1, "-o", "x.csv")
    assert invoke(*drawn).exit_code == 0
    result = invoke("check", "x.csv", "--log", *weights, "-t", 1, "--quiet")
    assert result.stdout.startswith("x.csv: Consistent")


@pytest.mark.parametrize("temperature", ["1e300", "1e-300"])
def test_a_temperature_that_is_far_off_is_named_quietly(
    invoke: Invoke, tmp_path: Path, temperature: str
) -> None:
    save(tmp_path / "x.csv", TRUTH.sample(1000, seed=1))
    result = invoke("check", "x.csv", "--pi", "1,3,6", "-t", temperature, "--quiet")
    assert "the temperature is off by a factor of" in result.stdout
