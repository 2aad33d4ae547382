"""Some damaged files of every format; `tests.fuzz_files` tries more of them."""

from pathlib import Path

import pytest

from tests.fuzz_files import faults


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_end_in_a_result_or_in_one_line(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(faults(100, seed)) == []
