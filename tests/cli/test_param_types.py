"""The options' own syntax."""

from itertools import pairwise
from typing import Any

import click
import pytest

from gscli.cli.param_types import (
    ColoursType,
    FiniteRange,
    LengthType,
    LogitsType,
    OutputType,
    SamplesType,
    SeedType,
    TemperaturesType,
    WeightsType,
)


def convert(kind: click.ParamType[Any], text: str) -> Any:
    return kind.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", (3.0,)),
        ("0.1,0.5, 1 ,3", (0.1, 0.5, 1.0, 3.0)),
        ("1e-3", (0.001,)),
        ("0.1:10:3", (0.1, 1.0, 10.0)),
        ("10:0.1:3", (10.0, 1.0, 0.1)),
        ("0.5:2:2", (0.5, 2.0)),
        ("3,1", (3.0, 1.0)),
    ],
)
def test_temperatures(text: str, expected: tuple[float, ...]) -> None:
    assert convert(TemperaturesType(), text) == expected


def test_a_range_of_temperatures_is_log_spaced_with_exact_ends() -> None:
    values = convert(TemperaturesType(), "0.1:10:20")
    assert len(values) == 20
    assert (values[0], values[-1]) == (0.1, 10.0)
    ratios = [b / a for a, b in pairwise(values)]
    assert max(ratios) / min(ratios) == pytest.approx(1, abs=1e-4)
    assert all(float(f"{value:.6g}") == value for value in values)


def test_a_narrow_range_stays_inside_its_ends() -> None:
    values = convert(TemperaturesType(), "1.0000001:1.0000002:3")
    assert values == tuple(sorted(values))
    assert len(set(values)) == 3


def test_a_path_that_looks_like_standard_output_is_none() -> None:
    assert str(convert(OutputType(), "-")) == "-"
    assert convert(OutputType(), "./-").is_absolute()


@pytest.mark.parametrize("text", ["nan", "inf", "0", "11"])
def test_a_range_of_numbers_is_finite(text: str) -> None:
    with pytest.raises(click.BadParameter):
        convert(FiniteRange(min=0.1, max=10), text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0", "use --hard for the zero-temperature limit"),
        ("-1", "-1 is not a positive"),
        ("nan", "nan is not a positive"),
        ("inf", "inf is not a positive"),
        ("1e-320", "is below"),
        ("hot", "'hot' is not a number"),
        ("1_0", "'1_0' is not a number"),
        ("0.1:1_0:3", "'1_0' is not a number"),
        ("", "'' is not a number"),
        ("1,,2", "'' is not a number"),
        ("1,0", "--hard"),
        ("0.1:10", "write LOW:HIGH:COUNT"),
        ("0.1:10:1", "write LOW:HIGH:COUNT"),
        ("0.1:10:x", "write LOW:HIGH:COUNT"),
        ("0.1:10:-5", "write LOW:HIGH:COUNT"),
        ("0.1:10:2.5", "write LOW:HIGH:COUNT"),
        ("0.1:10:" + "9" * 5000, "write LOW:HIGH:COUNT"),
        ("0:10:5", "--hard"),
        ("1:inf:5", "inf"),
        ("1:2:1001", "more than 1000"),
        ("3,3", "3 is given twice"),
        ("0.5,1,0.50", "0.5 is given twice"),
        ("2:2:5", "2 is given twice"),
    ],
)
def test_bad_temperatures(text: str, reason: str) -> None:
    with pytest.raises(click.BadParameter, match=reason):
        convert(TemperaturesType(), text)


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("1", 1),
        ("10000", 10_000),
        ("10_000", 10_000),
        ("1e6", 1_000_000),
        ("1E+6", 1_000_000),
        ("2.5e3", 2500),
        ("3.0", 3),
        (" 7 ", 7),
        ("+5", 5),
        ("1e15", 10**15),
        ("999999999999999", 999_999_999_999_999),
    ],
)
def test_numbers_of_samples(text: str, n: int) -> None:
    value = convert(SamplesType(), text)
    assert value == n
    assert isinstance(value, int)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0", "0 is not 1 or more"),
        ("-5", "-5 is not 1 or more"),
        ("1.5", "'1.5' is not a whole number"),
        ("1e-3", "not a whole number"),
        ("many", "'many' is not a whole number; write 10000"),
        ("", "not a whole number"),
        ("nan", "not a whole number"),
        ("inf", "not a whole number"),
        ("1_", "not a whole number"),
        ("1__0", "not a whole number"),
        ("1e16", "is more than 1e\\+15"),
        ("1e999", "is more than 1e\\+15"),
        ("9" * 5000, "more than"),
    ],
)
def test_bad_numbers_of_samples(text: str, reason: str) -> None:
    with pytest.raises(click.BadParameter, match=reason) as caught:
        convert(SamplesType(), text)
    assert len(caught.value.message) < 300


def test_seeds() -> None:
    for text, seed in (("0", 0), ("7", 7), (str(2**128 - 1), 2**128 - 1)):
        assert convert(SeedType(), text) == seed


@pytest.mark.parametrize("text", ["-1", str(2**128), "9" * 4000, "9" * 5000, "1.5", "x", "", "1e3"])
def test_bad_seeds(text: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        convert(SeedType(), text)
    assert len(caught.value.message) < 300


def test_weights_become_weights_and_are_checked_as_what_they_are() -> None:
    assert convert(WeightsType(), "cat=1,dog=3").names == ("cat", "dog")
    assert convert(LogitsType(), "-1,0,700").values == (-1.0, 0.0, 700.0)
    with pytest.raises(click.BadParameter, match="value 1 is -1"):
        convert(WeightsType(), "-1,1")
    with pytest.raises(click.BadParameter, match="value 2: inf is not finite"):
        convert(LogitsType(), "1,inf")


def test_outputs_are_paths() -> None:
    assert str(convert(OutputType(), "-")) == "-"
    with pytest.raises(click.BadParameter, match="is empty"):
        convert(OutputType(), "")


@pytest.mark.parametrize(
    ("text", "pixels"),
    [("700", 700), ("700px", 700), ("3.25in", 312), ("8.5 cm", 8.5 * 96 / 2.54),
     ("85mm", 8.5 * 96 / 2.54), ("72pt", 96), (".5in", 48)],
)  # fmt: skip
def test_lengths(text: str, pixels: float) -> None:
    assert convert(LengthType(10, 10_000), text) == pytest.approx(pixels)


@pytest.mark.parametrize("text", ["", "in", "3ft", "-3in", "1e3", "nan", "٣in", "1mm", "9999cm"])
def test_lengths_that_are_none(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not a length|not between 10 and 10,000 px"):
        convert(LengthType(10, 10_000), text)


def test_colours() -> None:
    assert convert(ColoursType(), "#0072B2, #ffffff") == ("#0072b2", "#ffffff")
    for text in ("red", "#fff", "", "#0072b2,"):
        with pytest.raises(click.BadParameter, match="is not a colour such as #0072b2"):
            convert(ColoursType(), text)
