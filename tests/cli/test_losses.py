"""The syntax of losses: what is read, and what is said of what is not."""

from pathlib import Path

import numpy as np
import pytest

from gscli.cli.losses import import_function, read_table


def test_read_table(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    table = read_table(tmp_path / "a.npy")
    assert table.dtype == np.float64
    assert table.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"not an array", "not a readable NPY file"),
        (b"", "not a readable NPY file"),
        (np.array(["a", "b"]), "holds values of type <U1; expected numbers"),
        (np.array([{}, {}], dtype=object), "holds pickled objects"),
    ],
)
def test_what_is_not_a_table(tmp_path: Path, content: object, words: str) -> None:
    path = tmp_path / "a.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, np.ndarray):
        np.save(path, content, allow_pickle=True)
    with pytest.raises(ValueError, match=words) as error:
        read_table(path)
    assert "a.npy" in str(error.value)


def test_functions_come_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a_loss_of_mine.py").write_text("def loss(x):\n    return x.sum(axis=1), 0 * x + 1\n")
    Path("a_broken_one.py").write_text("1 / 0\n")
    values, _ = import_function("a_loss_of_mine", "loss")(np.eye(2))
    assert np.asarray(values).tolist() == [1, 1]
    for module, name, words in (
        ("a_loss_of_mine", "lost", "'a_loss_of_mine' has no function 'lost'"),
        ("no_such_module_here", "loss", "No module named 'no_such_module_here'"),
        ("a_broken_one", "loss", "ZeroDivisionError"),
    ):
        with pytest.raises(ValueError, match=words):
            import_function(module, name)
