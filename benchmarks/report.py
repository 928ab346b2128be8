"""What a benchmark found, and its Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

MARKS = {True: "✓", False: "✗", None: ""}
"""Of goals that are reached, that are not, and that were not set or not measured."""


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        what: What was measured.
        ours: What we take or do: a duration, a count.
        beside: What it stands beside, and what that takes, of the same run.
        ratio: The first by the second.
        goal: What was aimed at; empty = nothing, it is for information.
        met: Whether the goal is reached; None = there is none, or it could not be measured here.
    """

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Report:
    """What a benchmark found.

    Attributes:
        title: What it is about.
        method: How it was measured, Markdown.
        figures: The table.
        more: What stands below the table, Markdown: images, tables, and why a goal was missed.
    """

    title: str
    method: str
    figures: list[Figure] = field(default_factory=list)
    more: str = ""

    def markdown(self) -> str:
        """Return the page of this benchmark."""
        return (
            f"# {self.title}\n\n{self.method.strip()}\n\n{table(self.figures)}\n\n{self.more.strip()}".rstrip() + "\n"
        )


def table(figures: Iterable[Figure]) -> str:
    """Return figures as a Markdown table."""
    rows = [
        (figure.what, figure.ours, figure.beside, figure.ratio, figure.goal, MARKS[figure.met]) for figure in figures
    ]
    return markdown_table(("what", "ours", "beside it", "ratio", "goal", ""), rows)


def markdown_table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    titles = list(titles)
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
