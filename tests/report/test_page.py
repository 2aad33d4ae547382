"""The report as text: what it loads, escapes, embeds and says."""

import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from gscli.distribution.concrete import Concrete
from gscli.distribution.estimators import ESTIMATORS, compare
from gscli.distribution.losses import default_loss
from gscli.distribution.properties import facts_at
from gscli.distribution.quadrature import LOWEST_TEMPERATURE
from gscli.report.page import (
    SHOWN,
    Origin,
    advice,
    check_rows,
    estimator_rows,
    format_cost,
    fragment_of,
    marks_sentence,
    page,
    rows,
)
from gscli.report.sweep import Sweep, finish, noise_state, sweep_steps

from .conftest import html

DIAMONDS = "A diamond marks the best t for each m"
HOSTILE = ("<script>alert(1)</script>", "<b>x</b>", "</script>", "\"quotes' & {{7*7}}")


class Collector(HTMLParser):
    """Collect elements and text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.text.append(data)


def parsed(text: str) -> Collector:
    collector = Collector()
    collector.feed(text)
    return collector


def words(text: str) -> str:
    return " ".join(" ".join(parsed(text).text).split())


def embedded(text: str, name: str) -> Any:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


def small_sweep(pi: list[float], temperatures: tuple[float, ...] = (0.5, 2.0)) -> Sweep:
    steps = list(sweep_steps(Concrete(pi, 1), temperatures, n=500, seed=1))
    return finish(steps, n=500, seed=1)


def test_nothing_is_loaded_from_anywhere(classic_html: str) -> None:
    tags = parsed(classic_html).elements
    assert len(tags) > 100
    for tag, attributes in tags:
        assert "src" not in attributes, tag
        assert tag not in ("link", "iframe", "object", "embed", "img", "base")
        assert (attributes.get("href") or "#").startswith("#")
    style = classic_html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.slow
def test_the_same_sweep_gives_the_same_bytes(classic_html: str) -> None:
    assert html([1, 3, 6]) == classic_html
    assert html([1, 3, 6], seed=2) != classic_html


def test_the_page_is_plotly_and_half_a_megabyte(classic_html: str) -> None:
    own = len(classic_html.encode()) - len(get_plotlyjs().encode())
    assert 50_000 < own < 500_000


@pytest.mark.slow
@pytest.mark.parametrize("num_categories", [20, 512])
def test_the_page_of_many_categories_is_small(num_categories: int) -> None:
    pi = [1 / (k + 1) for k in range(num_categories)]
    text = html(pi, tuple(np.geomspace(0.05, 10, 12).tolist()), n=300)
    assert len(text.encode()) - len(get_plotlyjs().encode()) < 600_000


def test_a_linked_plotly_is_held_to_its_hash() -> None:
    text = page(small_sweep([1, 3]), Origin(("a", "b"), "gscli sweep"), plotlyjs="cdn")
    assert len(text) < 600_000
    (script,) = [a for tag, a in parsed(text).elements if tag == "script" and "src" in a]
    assert (script["src"] or "").startswith("https://cdn.plot.ly/plotly-")
    digest = hashlib.sha256(get_plotlyjs().encode()).digest()
    assert script["integrity"] == f"sha256-{base64.b64encode(digest).decode()}"
    assert script["crossorigin"] == "anonymous"


def test_an_author_is_named_and_is_text() -> None:
    origin = Origin(("a", "b"), "gscli sweep", author="Ada <b> & Co")
    text = page(small_sweep([1, 3]), origin)
    assert "By Ada <b> & Co" in unescape(text)
    assert "b" not in {tag for tag, _ in parsed(text).elements}
    assert {"name": "author", "content": "Ada <b> & Co"} in [
        attributes for tag, attributes in parsed(text).elements if tag == "meta"
    ]
    assert '<meta name="author"' not in html([1, 3], (0.5,))


@pytest.mark.parametrize("pi", [[1, 3], [1, 3, 6], [1, 2, 3, 4]])
def test_every_figure_has_a_still_one(pi: list[float]) -> None:
    text = html(pi, (0.1, 1.0, 5.0), n=500)
    places = re.findall(r'data-figure="([^"]+)"', text)
    blocks = re.findall(r"<noscript>(<svg.*?)</noscript>", text, re.DOTALL)
    assert len(blocks) == len(places)
    for name, block in zip(places, blocks, strict=True):
        (svg,) = re.findall(r"<svg class=.still.*?</svg>", block, re.DOTALL)
        lines = ET.fromstring(svg).findall("path")
        assert len(lines) >= 2, name
    assert sum(map(len, blocks)) < 100_000


def test_a_fragment_is_one_figure() -> None:
    origin = Origin(("<i>", "b", "c"), "gscli sweep --pi '<i>=1,b=3,c=6'")
    text = fragment_of(small_sweep([1, 3, 6]), origin, "mean", plotlyjs="cdn")
    tags = [tag for tag, _ in parsed(text).elements]
    assert tags[0] == "div"
    assert not {"html", "head", "body", "i"} & set(tags)
    assert tags.count("script") == 3
    assert len(text) < 40_000
    assert "gscli sweep --pi '<i>=1,b=3,c=6'" in unescape(text)
    assert fragment_of(small_sweep([1, 3, 6]), origin, "mean", plotlyjs="cdn") == text
    assert get_plotlyjs() in fragment_of(small_sweep([1, 3, 6]), origin, "mean")


def test_hostile_names_are_text() -> None:
    text = html([1, 2, 3, 4], (0.5,), names=HOSTILE)
    collector = parsed(text)
    scripts = [attributes for tag, attributes in collector.elements if tag == "script"]
    assert len(scripts) == 4  # two of data, plotly's, and the page's own
    assert "b" not in {tag for tag, _ in collector.elements}
    assert text.count("alert(1)") > 3
    assert "<script>alert(1)" not in text
    assert embedded(text, "data")["names"] == list(HOSTILE)
    assert "{{7*7}}" in text
    assert "quotes' & 49" not in words(text)


def test_the_table_has_the_facts_of_the_library(classic_html: str) -> None:
    data = embedded(classic_html, "data")
    values = re.findall(r'<td data-value="([^"]*)"', classic_html)
    for facts in facts_at(Concrete([1, 3, 6], 1).logits, (0.1, 0.5, 1.0, 3.0)):
        assert {str(facts.entropy), facts.regime, str(float(facts.mean[2]))} <= set(values)
    assert "NaN" not in json.dumps(data)
    assert data["best"] == [32, pytest.approx(0.52, abs=0.01)]


def test_ids_are_unique_and_labels_have_targets(classic_html: str) -> None:
    elements = parsed(classic_html).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in elements:
        for name in ("for", "aria-labelledby"):
            assert attributes.get(name) in (None, *ids), (tag, attributes)
        if (attributes.get("href") or "").startswith("#"):
            assert (attributes["href"] or "")[1:] in ids
    figures = embedded(classic_html, "figures")
    places = {a["data-figure"] for _, a in elements if "data-figure" in a}
    assert places == set(figures)


def test_captions_tell_the_truth_for_equal_categories(classic_html: str) -> None:
    assert "The mean is not p." in words(classic_html)
    equal = words(html([1, 1], (0.5, 2.0)))
    assert "The mean is p," in equal
    assert "The mean is not p." not in equal
    assert "t ≤ 1 ( boundary )" in equal


def test_captions_say_what_the_lines_show() -> None:
    cold = words(html([1, 3, 6], (0.05, 0.1)))
    assert "The mean is not p." not in cold
    assert "The mean is within 0.001 of p (dotted) at these temperatures." in cold
    assert "Entropy rises with t here. It tends to −∞ at the corners" in cold
    hot = words(html([1, 3, 6], (5.0, 20.0)))
    assert "The mean is not p." in hot
    assert "Entropy falls with t here." in hot
    assert "Entropy falls both ways: to −∞" in words(html([1, 3, 6], (0.1, 10.0)))
    assert "Entropy. It tends to" in words(html([1, 3, 6], (1.0,)))


def test_a_title_is_text() -> None:
    text = page(small_sweep([1, 3]), Origin(("a", "b"), "gscli sweep", title="<b>My</b> page"))
    assert "b" not in {tag for tag, _ in parsed(text).elements}
    assert text.count("&lt;b&gt;My&lt;/b&gt; page") == 2
    assert "Which temperature?" not in text


def test_the_references_can_be_copied(classic_html: str) -> None:
    bibtex = words(classic_html.split('<code id="bibtex">')[1].split("</code>")[0])
    assert bibtex.count("@inproceedings{") == 6
    assert bibtex.count("{") == bibtex.count("}")


def test_nothing_on_the_page_is_simulated_but_the_samples() -> None:
    assert "Monte Carlo" not in words(html([1, 2, 3, 4], (0.3, 1.0)))


def test_the_regimes_are_three_and_those_of_the_shown_categories() -> None:
    three = html([1, 3, 6], (0.5, 1.9, 2.0))
    assert [regime in three for regime in ("0.5 · boundary<", "1.9 · vertices<")] == [True, True]
    assert "2 · interior<" in three
    assert "up to t = 2 ( vertices )" in words(three)
    five = html([1, 2, 3, 4, 5], (0.3, 3.0))
    # As in the table: of all five, though the lines are of three.
    assert "0.3 · vertices<" in five
    assert "3 · vertices<" in five
    assert re.findall(r'data-value="(boundary|vertices|interior)"', five) == ["vertices"] * 2
    assert "boundary up to t = 0.25, interior from t = 4 on" in words(five)


@pytest.mark.slow
def test_many_categories_are_limited_and_the_page_says_so() -> None:
    pi = np.arange(1.0, 301.0)
    text = html(pi.tolist(), (0.5, 2.0), n=200)
    assert len(text) < 8_000_000
    data = embedded(text, "data")
    assert data["names"] == [f"x{k}" for k in range(281, 301)]
    assert data["corners"] == [17, 18, 19]
    assert data["rule"] == pytest.approx(1 / 299)
    assert np.exp(data["rest"]) == pytest.approx(pi[:280].sum() / pi.sum())
    said = words(text)
    assert f"The page has the {SHOWN} most probable of 300 categories, with 12.9 %" in said
    assert f"p among these {SHOWN} categories" in said
    assert "--table saves those of all" in said
    assert "reduced to the 64 most probable categories, renormalised" in said
    assert "mean x281" in said
    assert "mean x280" not in said


def test_the_explorer_has_the_noise_of_the_stream(classic_html: str) -> None:
    data = embedded(classic_html, "data")
    assert data["rows"] == 2000
    assert data["noise"] == noise_state(3, seed=1)


def test_advice_without_a_best_temperature() -> None:
    sweep = small_sweep([1, 1e-12])
    assert sweep.advice is None
    assert "no temperature" in advice(sweep)
    assert "no temperature" in words(html([1, 1e-12], (0.5, 2.0)))


def test_advice_at_the_end_of_the_range() -> None:
    said = advice(small_sweep([1, 1e-4, 1e-4]))
    assert "For m = 1, 32 and 1,024 the error is least at t = 1000 or more, " in said
    assert "not advised" in said


def test_advice_names_best_temperatures_and_costs() -> None:
    said = advice(small_sweep([1, 3, 6]))
    assert "t ≈ 1.3 with 1 sample, 0.52 with 32 samples, 0.24 with 1,024 samples per step." in said
    assert (
        "With 32 samples, t = 1/(K−1) costs 1.00× the minimum and t = 2/3 costs 1.17×."
        in said.replace("\u00a0", " ")
    )


def test_a_page_of_other_batch_sizes_and_a_shrunk_gradient() -> None:
    steps = sweep_steps(
        Concrete([1e-4, 0.01, 1], 1), (0.3, 50.0), n=500, seed=1, batch_sizes=(64, 2)
    )
    sweep = finish(list(steps), n=500, seed=1)
    text = page(sweep, Origin(("a", "b", "c"), "gscli sweep"))
    said = words(text)
    assert "use t ≈ 0.45 with 64 samples, 0.52 with 2 samples per step." in said
    assert "For the lowest gradient error with a bias up to 50 % use" in said
    assert "the minimum" not in said
    assert "For m = 64 and 2 the error is least at t = 29, but" in said
    assert "1× (t = 29, shrunk)" in said
    assert "A filled diamond marks" in said
    assert embedded(text, "data")["best"][0] == 64
    assert "m = 32" not in said


def test_advice_with_one_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {"2/3": 2 / 3, "out of reach": LOWEST_TEMPERATURE / 2}
    monkeypatch.setattr("gscli.report.figures.rules_of_thumb", lambda _: rules)
    said = advice(small_sweep([1, 3, 6])).replace("\u00a0", " ")
    assert "With 32 samples, t = 2/3 costs 1.17× the minimum." in said
    assert "out of reach" not in said


@pytest.mark.parametrize(
    ("cost", "text"), [(None, "–"), (1.004, "1.00"), (35.2, "35"), (2e9, "2.0e+09")]
)
def test_costs(cost: float | None, text: str) -> None:
    assert format_cost(cost) == text


def test_rows_hold_facts_and_samples() -> None:
    first, _ = rows(small_sweep([1, 3, 6]), {0: "a", 2: "c"})
    assert first["temperature"] == 0.5
    assert first["sample n"] == 500
    assert {"mean a", "mean c", "sd a", "sample mean_se a", "sample rounding c"} <= set(first)
    assert "mean b" not in first
    assert all(value is None or isinstance(value, str | int | float) for value in first.values())


@pytest.mark.parametrize(
    ("temperatures", "said"),
    [
        ((0.1, 3.0), f"{DIAMONDS}, dashed lines mark the rules of thumb."),
        ((0.01, 0.05), f"{DIAMONDS}, dashed lines mark the rules of thumb."),
        ((1.0,), f"{DIAMONDS}, dashed lines mark the rules of thumb."),
    ],
)
def test_the_marks_that_are_drawn_are_those_of_the_text(
    temperatures: tuple[float, ...], said: str
) -> None:
    assert marks_sentence(small_sweep([1, 3, 6], temperatures)) == said


@pytest.mark.parametrize(
    ("batch_sizes", "said"),
    [
        ((32, 10**10), f"{DIAMONDS}. For m = 10,000,000,000 the best t lies off this chart"),
        ((10**10,), "At any m the best t lies off this chart"),
    ],
)
def test_what_lies_off_the_chart_is_said(batch_sizes: tuple[int, ...], said: str) -> None:
    steps = sweep_steps(Concrete([1, 3, 6], 1), (0.5,), n=500, seed=1, batch_sizes=batch_sizes)
    found = marks_sentence(finish(list(steps), n=500, seed=1))
    assert said in found.replace(", dashed lines mark the rules of thumb", "")


def test_estimators_are_those_of_the_library() -> None:
    sweep = small_sweep([1, 3, 6])
    assert sweep.comparison is not None
    expected = compare(sweep.logits, (0.5, 2.0), default_loss(3))
    by_name = {row["name"]: row for row in estimator_rows(sweep.comparison)}
    assert tuple(by_name) == ESTIMATORS
    winner = expected.best(0.5)[32]
    assert by_name[winner.estimator]["cells"][1] == (1.0, winner.temperature, True)
    other = expected.best_of("relaxed", 32, 0.5)
    assert other is not None
    assert by_name["relaxed"]["cells"][1] == (
        pytest.approx(other.mse / winner.mse), other.temperature, False
    )  # fmt: skip
    assert by_name["reinforce-loo"]["cells"][0] is None  # needs two samples
    looks = {(row["ink"], row["dashes"]) for row in by_name.values()}
    assert len(looks) == len(ESTIMATORS)


@pytest.mark.slow
def test_estimators_of_many_categories_say_that_they_are_simulated_or_left_out() -> None:
    said = words(html([1.0 + k for k in range(20)], (0.5, 2.0)))
    assert "gumbel-rao (Monte Carlo)" in said
    assert "zgr (Monte Carlo)" not in said
    many = html([1.0 + k for k in range(257)], (0.5,), n=100)
    assert "compares gradient estimators for up to 256 categories" in words(many)
    assert not any(name.startswith("training") for name in embedded(many, "figures"))


def test_a_page_of_one_temperature_speaks_of_one() -> None:
    said = words(html([1, 3, 6], (1.0,)))
    assert "Rings are exact, dots are 2,000 samples, with" in said
    assert "300 samples. The lines bound" in said
    assert "All temperatures share" not in said
    assert "grey band" not in said


def test_the_page_says_what_is_meant() -> None:
    said = words(html([1.0 + k for k in range(10)], (0.5, 2.0)))
    assert "softmax((logits + Gumbel noise) / t)" in said
    assert "Shown: the 7 most probable of 10 categories." in said
    assert "of the probability, accurate to 0.3 percentage points." in said
    assert "exactly" not in said
    assert "spread evenly over 0 to 1 (or are larger)" in said
    assert said.count("m = samples averaged per gradient step.") == 1
    assert "Lines are exact, dots are 2,000 samples at each temperature" in said
    few = words(html([1] * 7, (0.5, 2.0)))
    assert "most probable of 7" not in few


def test_rows_of_the_tests_that_agree_are_one() -> None:
    steps = small_sweep([1, 3, 6], (0.5, 1.0, 2.0)).steps
    (row,) = check_rows(steps)
    assert row["label"] == "all 3"
    assert row["consistent"]
    assert row["tests"] == {t.name: f"{t.p_value:.3f}" for t in steps[1].verdict.tests}
    (other,) = sweep_steps(Concrete([1, 3, 6], 1), (3.0,), n=500, seed=2)
    assert [row["label"] for row in check_rows([*steps, other])] == ["0.5 to 2", "3"]
    assert [row["label"] for row in check_rows([other])] == ["3"]
