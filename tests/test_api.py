"""What `from gscli import …` gives, and when it is imported."""

import subprocess
import sys

import pytest

import gscli

NAMES = {
    "Concrete",
    "check",
    "check_hard",
    "fit",
    "kl_divergence",
    "best_temperature",
    "highest_density_regions",
}
HEAVY = {"numpy", "scipy", "plotly", "polars"}


def loaded(code: str) -> set[str]:
    """Run code in an interpreter of its own; return the modules that it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.split())


def test_the_api_is_listed_and_there() -> None:
    assert set(dir(gscli)) >= NAMES
    assert set(gscli.__all__) == NAMES | {"__version__"}
    for name in NAMES:
        assert callable(getattr(gscli, name))
    with pytest.raises(AttributeError, match="'gscli' has no attribute 'concrete'"):
        gscli.concrete  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import gscli; dir(gscli); gscli.__version__",
        "from gscli.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from gscli.cli.main import main\ntry: main(['--version'])\nexcept SystemExit: pass",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code: str) -> None:
    modules = loaded(code)
    assert "gscli" in modules
    assert not modules & HEAVY


def test_a_name_imports_what_it_needs() -> None:
    assert "numpy" in loaded("from gscli import Concrete")


def test_the_functions_say_what_the_methods_say() -> None:
    d, other = gscli.Concrete([1, 3, 6], 1.0), gscli.Concrete([2, 1, 1], 0.5)
    assert gscli.best_temperature([1, 3, 6], 32) == d.best_temperature(32)
    assert gscli.best_temperature(logits=d.logits, batch_size=32) == pytest.approx(
        d.best_temperature(32), rel=1e-3
    )
    assert gscli.kl_divergence(d, other) == d.kl_divergence(other)
    assert gscli.check(d.sample(1000, seed=1), d)
    assert gscli.fit(d.sample(1000, seed=1)).goodness
    assert len(gscli.highest_density_regions(d)) == 3
