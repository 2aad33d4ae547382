"""Tables and lists for the terminal, all of one look."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

Column = tuple[str, "Sequence[str | Text]"]
"""A heading and the cells below it."""

GAP = 2
"""Characters between columns."""


def plain_table(*headings: str) -> "Table":
    """Return a table without lines: a column of labels, and columns of numbers."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, heading in enumerate(headings):
        table.add_column(heading, justify="right" if position else "left", no_wrap=True)
    return table


def fitted_tables(
    sides: Sequence[Column], groups: Sequence[Sequence[Column]], width: int
) -> "Iterator[Table]":
    """Yield tables that fit a width, each with the sides and as many groups as there is room for.

    Parameters
    ----------
    sides : sequence of Column
        Stand at the left of each table.
    groups : sequence of sequences of Column
        Columns that stay together.
    width : int
        Characters.
    """
    from rich.table import Table
    from rich.text import Text

    left = list(groups)
    while left:
        room, taken = width + GAP - sum(map(_width, sides)), 1
        while taken < len(left):
            if sum(_width(column) for group in left[: taken + 1] for column in group) > room:
                break
            taken += 1
        columns = [*sides, *(column for group in left[:taken] for column in group)]
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
        for position, (heading, _) in enumerate(columns):
            # A label that is wider than all of it is folded, not cut.
            side: Any = {"justify": "right", "no_wrap": True} if position else {"overflow": "fold"}
            table.add_column(Text(heading), **side)
        for cells in zip(*(cells for _, cells in columns), strict=True):
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
        yield table
        left = left[taken:]


def _width(column: Column) -> int:
    from rich.cells import cell_len

    heading, cells = column
    return max(cell_len(str(text)) for text in (heading, *cells)) + GAP


def itemised(mark: str, text: "Text") -> "Table":
    """Return an item of a list: its lines are indented under each other."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(mark, text)
    return grid
