"""Tables for people: where no terminal is, they are as rich prints them, without it."""

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vision_service.cli.output import LIKE_A_TERMINAL, UNFOLDED, print_lines
from vision_service.cli.table import Column, Table

CELLS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=12)
"""Letters of all scripts, wide ones and combining marks too."""


def printed_by_rich(table: Table) -> list[str]:
    """Return what rich prints of it where nothing is folded."""
    console = Console(file=io.StringIO(), width=UNFOLDED, highlight=False)
    console.print(table.rich())
    return console.file.getvalue().splitlines()


@given(
    columns=st.lists(st.builds(Column, CELLS.filter(bool), st.booleans(), st.integers(0, 10)), min_size=1, max_size=4),
    dense=st.booleans(),
    data=st.data(),
)
def test_lines_are_those_of_rich(columns, dense, data):
    table = Table(columns, dense=dense)
    for row in data.draw(st.lists(st.tuples(*[CELLS] * len(columns)), max_size=4)):
        table.add(*row)
    assert table.lines() == printed_by_rich(table)


@pytest.mark.parametrize("cell", ["two\nlines", "a\ttab", "\x1b[31mred"])
def test_what_is_no_plain_line_is_left_to_rich(cell):
    table = Table([Column("class")])
    table.add(cell)
    assert table.lines() is None


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_where_there_are_no_lines_to_draw_with_it_is_drawn_with_what_there_is(encoding, monkeypatch):
    for name in LIKE_A_TERMINAL:
        monkeypatch.delenv(name, raising=False)
    table = Table([Column("class"), Column("confidence", number=True)])
    table.add("red", "0.50")
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding, errors="replace"))
    print_lines((("a file", "bold"),), table=table)
    sys.stdout.seek(0)
    lines = [line.rstrip() for line in sys.stdout.read().splitlines()]
    assert lines[0] == "a file"
    assert "|class | confidence|" in lines
    assert "?" not in "".join(lines)
