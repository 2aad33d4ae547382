"""What a file states of its distribution."""

import json

import pytest

from gscli.errors import DataError
from gscli.io.provenance import Provenance

OWN = Provenance((0.25, 0.75), (0.0, 1.1), ("a", "b"), (0.5, 3.0), 2**127, 7, "simplex", "1.0")


def test_it_survives_a_round_trip() -> None:
    assert Provenance.read(OWN.text()) == OWN


@pytest.mark.parametrize(
    "change",
    [
        {"pi": [1]}, {"pi": None}, {"pi": [0.5, "x"]}, {"t": []}, {"t": [0]}, {"names": ["a", "a"]},
        {"logits": [0, float("inf")]}, {"form": "sql"}, {"seed": "x"}, {"names": 3}, {"pi": {}},
    ],
)  # fmt: skip
def test_damaged_metadata_are_one_error(change: dict[str, object]) -> None:
    text = json.dumps(json.loads(OWN.text()) | change)
    with pytest.raises(DataError, match="its metadata under 'gscli' are damaged; remove them"):
        Provenance.read(text)


@pytest.mark.parametrize("text", ["", "[]", "3", "[" * 99_999, '{"pi": 1}'])
def test_what_is_no_object_is_one_error(text: str) -> None:
    with pytest.raises(DataError, match="damaged"):
        Provenance.read(text)
