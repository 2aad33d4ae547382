"""Reading logs of a schedule: columns by their names, and what is said of what is not one."""

from pathlib import Path

import pytest

from gscli.errors import DataError
from gscli.io.schedule_logs import read_schedule_log


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "log.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "step,temperature\n0,1\n100,0.9\n",
        "0,1\n100,0.9\n",
        "\ufeffStep,Tau\r\n0,1\r\n\r\n100,0.9\r\n",
        "Wall time,Step,Value\n1.5,0,1\n2.5,100,0.9\n",
        "loss,Step,fancy-run-1 - temp\n7,0,1\n6,100,0.9\n",
        "trainer/global_step,train/temperature\n0,1\n100,0.9\n",
        "temp_decay,temperature,epoch,iteration\n3,1,0,0\n3,0.9,1,100\n",
        'step,temperature,note\n0,1,"a, b"\n1e2,0.9,\n',
    ],
)
def test_columns_are_found(tmp_path: Path, text: str) -> None:
    steps, temperatures = read_schedule_log(write(tmp_path, text))
    assert steps.tolist() == [0, 100]
    assert temperatures.tolist() == [1, 0.9]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("step,temperature\n0,1\n", "has 1 row; two or more make a schedule"),
        ("epoch,loss\n0,1\n1,2\n", "no column is named step; the columns are epoch, loss"),
        ("step,loss\n0,1\n1,2\n", "no column is named temperature"),
        ("step,t\n0,1\n1,cold\n", "row 3: temperature 'cold' is not a number"),
        ("step,t\n0,1\n1\n", "row 3: temperature '' is not a number"),
        ("step,t\n0,1\n1,0\n", "row 3: temperature 0 is not above 0"),
        ("step,t\n0,1\n1,nan\n", "row 3: temperature nan is not above 0"),
        ("step,t\n0,1\n0.5,1\n", "row 3: step 0.5 is not a whole number"),
        ("step,t\n-1,1\n0,1\n", "row 2: step -1 is not a whole number"),
        ("step,t\n0,1\n100,1\n0,1\n", "row 4: step 0 follows step 100; number the steps"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
    ],
)
def test_what_is_not_a_log(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(DataError) as error:
        read_schedule_log(write(tmp_path, text))
    assert words in str(error.value)
    assert "log.csv: " in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: No such file"):
        read_schedule_log(tmp_path / "none.csv")
