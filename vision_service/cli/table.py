"""Tables for people: laid out by rich where a terminal shows them, and here where they go into a file or a pipe.

There, nothing is folded, coloured or cut off, and rich would take longer to be imported than a small model to answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table as RichTable

EDGE = " "
RULE = "─"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its heading.
        number: Whether it holds numbers, which stand at its right and are never folded.
        least: How wide it is at least, columns of a terminal.
    """

    name: str
    number: bool = False
    least: int = 0


class Table:
    """Rows of strings below headings."""

    def __init__(self, columns: Iterable[Column], *, dense: bool = False) -> None:
        """Begin without rows.

        Args:
            columns: From the left to the right.
            dense: Whether there are two spaces between columns, not three.
        """
        self._columns = list(columns)
        self._dense = dense
        self._rows: list[tuple[str, ...]] = []

    def add(self, *cells: str) -> None:
        """Add a row, one string for each column."""
        self._rows.append(cells)

    def lines(self) -> list[str] | None:
        """Return the table's lines, as rich prints them where there is place; None, if only rich can lay it out."""
        heads = [column.name for column in self._columns]
        if not all(cell.isprintable() for row in (heads, *self._rows) for cell in row):
            return None
        widths = [
            max(column.least, *(_width(row[place]) for row in (heads, *self._rows)))
            for place, column in enumerate(self._columns)
        ]
        between = " " * (2 if self._dense else 3)

        def line(cells: Iterable[str]) -> str:
            padded = [
                " " * (width - _width(cell)) + cell if column.number else cell + " " * (width - _width(cell))
                for column, width, cell in zip(self._columns, widths, cells, strict=True)
            ]
            return f"{EDGE}{between.join(padded)}{EDGE}"

        inner = sum(widths) + len(between) * (len(widths) - 1)
        blank = EDGE * (inner + 2)
        return [blank, line(heads), f"{EDGE}{RULE * inner}{EDGE}", *map(line, self._rows), blank]

    def rich(self) -> RichTable:
        """Return the table as rich knows it."""
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=self._dense)
        for column in self._columns:
            if column.number:
                table.add_column(column.name, justify="right", no_wrap=True, min_width=column.least or None)
            else:
                table.add_column(column.name, overflow="fold", min_width=column.least or None)
        for row in self._rows:
            table.add_row(*map(Text, row))
        return table


def _width(text: str) -> int:
    """Return how many columns of a terminal a string takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
