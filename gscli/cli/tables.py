"""Tables and lists for the terminal, all of one look."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def plain_table(label: str, *numbers: str) -> "Table":
    """Return a table without lines: a column of labels, and columns of numbers."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(label, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def itemised(mark: str, text: "Text") -> "Table":
    """Return an item of a list: its lines are indented under each other."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(mark, text)
    return grid
