"""What `check` hands back: its truth value, and how it shows."""

import dataclasses
import json

import pytest

from gscli import Concrete, check
from gscli.errors import ParameterError
from gscli.inference.gof.results import CheckResult

D = Concrete([1, 3, 6], 0.5)


@pytest.fixture(scope="module")
def passed() -> CheckResult:
    return check(D.sample(5000, seed=1), D)


@pytest.fixture(scope="module")
def failed() -> CheckResult:
    return check(D.sample(5000, seed=1), Concrete([1, 3, 6], 2.0))


@pytest.fixture(scope="module")
def not_judged() -> CheckResult:
    cold = Concrete([1, 3, 6], 0.01)
    return check(cold.sample(5000, seed=1), cold)


def test_the_truth_value_is_the_verdict(
    passed: CheckResult, failed: CheckResult, not_judged: CheckResult
) -> None:
    assert passed
    assert not failed
    assert not not_judged
    assert (passed.verdict, failed.verdict) == ("Consistent", "Rejected")
    assert (not_judged.verdict, not_judged.conclusive) == ("Not judged", False)


def test_it_prints_as_a_few_lines(passed: CheckResult, failed: CheckResult) -> None:
    head, tests, remark = repr(passed).split("\n")
    assert remark == f"  {passed.remarks[0]}"
    assert head.startswith("CheckResult: Consistent (n = 5,000, alpha = 0.001, Holm's correction")
    assert "rejected" not in tests
    for test in passed.tests:
        assert f"{test.name} p = {test.p_value:.3g}" in tests
    head, tests, *causes = repr(failed).split("\n")
    assert head.startswith("CheckResult: Rejected")
    assert "(rejected)" in tests
    assert causes == [f"  cause: {cause}" for cause in failed.causes]
    assert len(repr(failed)) < 1500


def test_a_notebook_shows_verdict_table_and_causes_escaped(failed: CheckResult) -> None:
    named = dataclasses.replace(failed, causes=("<b>x</b> & y",), remarks=("few < many",))
    html = named._repr_html_()
    assert "<p>Rejected (n = 5,000" in html
    assert html.count("<tr>") == 1 + len(failed.tests)
    assert "<td>rejected</td>" in html
    assert "<li>few &lt; many</li><li>&lt;b&gt;x&lt;/b&gt; &amp; y</li>" in html
    assert "<b>" not in html


def test_json_has_the_keys_of_the_contract_and_no_pictures(failed: CheckResult) -> None:
    found = json.loads(json.dumps(failed.as_dict(), allow_nan=False))
    assert {"consistent", "conclusive", "alpha", "n", "tests", "causes"} <= set(found)
    assert "comparisons" not in found
    assert {"name", "statistic", "p_value", "passed"} <= set(found["tests"][0])
    assert found["correction"] == failed.correction


@pytest.mark.parametrize("junk", [0.5, None, "Concrete", [1, 3, 6]])
def test_what_is_not_a_distribution_is_refused_by_name(junk: object) -> None:
    with pytest.raises(ParameterError, match="is not a distribution") as caught:
        check(D.sample(10, seed=1), junk)  # type: ignore[arg-type]
    assert caught.value.parameter == "distribution"
