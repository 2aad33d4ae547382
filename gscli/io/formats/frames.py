"""Parquet and Arrow files, which polars reads, a slice of rows at a time."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from gscli.errors import DataError
from gscli.execution.interrupts import import_polars
from gscli.io import samples as batches
from gscli.io.columns import Columns, shown
from gscli.io.provenance import KEY, Provenance
from gscli.io.samples import Batch, Part, Samples, table_batches

Kind = Literal["Parquet", "Arrow"]


def open_frame(label: str, path: Path, kind: Kind, chosen: Sequence[str] | None) -> Samples:
    """Open the table of a Parquet or an Arrow file.

    A slice of rows is read by itself: read as a whole, all rows of a group are in memory at once,
    and a few kilobytes can hold a group of gigabytes.
    """
    import_polars()
    import polars as pl

    def opened() -> Any:
        scan = pl.scan_parquet if kind == "Parquet" else pl.scan_ipc
        return scan(path, glob=False)

    with _Failures(kind):
        schema = opened().collect_schema()
        total = opened().select(pl.len()).collect(engine="streaming").item()
        metadata = pl.read_parquet_metadata(path) if kind == "Parquet" else {}
    if total == 0:
        raise DataError("has no rows")
    header = list(schema)
    columns = Columns.of(header, chosen, _pandas_indices(metadata))
    wanted = [header[i] for i in columns.wanted]
    for name in wanted:
        if not schema[name].is_numeric():
            raise DataError(
                f"column {shown(name)} holds {schema[name]}; expected numbers: choose columns with "
                "--columns"
            )

    def load(start: int, num_rows: int) -> Iterator[Batch]:
        with _Failures(kind):
            rows = opened().slice(start, num_rows).select(wanted).cast(pl.Float64)
            frame = rows.collect(engine="streaming")
        if len(frame) != num_rows:
            raise DataError(
                f"{start + len(frame):,} rows could be read where {total:,} are announced; the "
                "file is damaged"
            )
        _refuse_missing(frame, start)
        stated = columns.temperature is not None
        yield from table_batches(frame.to_numpy(), start, stated=stated)

    def read() -> Iterator[Part]:
        step = max(1, batches.PART_VALUES // len(wanted))
        for start in range(0, total, step):
            num_rows = min(step, total - start)
            yield Part(num_rows, partial(load, start, num_rows))

    return Samples(
        label,
        columns.names,
        read,
        named=True,
        total=total,
        has_temperatures=columns.temperature is not None,
        provenance=Provenance.read(metadata[KEY]) if KEY in metadata else None,
    )


def plain_path(file: Any, path: Path) -> Path:
    """Return a path of an open file that polars takes, whatever the user called it.

    It refuses names with dots that lead upwards, control characters or bytes that are not UTF-8.
    """
    own = Path(f"/proc/self/fd/{file.fileno()}")
    return own if own.exists() else path.resolve()


def _pandas_indices(metadata: dict[str, str]) -> list[str]:
    """Return the names of the columns that pandas says to be its index."""
    try:
        indices = json.loads(metadata.get("pandas", "{}")).get("index_columns", [])
        return [name for name in indices if isinstance(name, str)]
    except (ValueError, RecursionError, AttributeError, TypeError):
        return []


def _refuse_missing(frame: Any, start: int) -> None:
    for name, missing in zip(frame.columns, frame.null_count().row(0), strict=True):
        if missing:
            row = start + int(frame[name].is_null().arg_max() or 0) + 1
            raise DataError(f"row {row:,}: column {shown(name)} has no value")


class _Failures:
    """A block in which every failure of polars is one of the file."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import polars as pl

        known = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
        if isinstance(error, known) and not isinstance(error, FileNotFoundError | PermissionError):
            article = "an Arrow" if self.kind == "Arrow" else "a Parquet"
            panicked = isinstance(error, pl.exceptions.PanicException)
            reason = "it seems to be damaged" if panicked else str(error).partition("\n")[0]
            raise DataError(
                f"not a readable {self.kind} file: {reason}; write {article} file anew"
            ) from error
