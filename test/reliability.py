"""Writes docs/reliability.md: what was tried, how often, what happened, and the command that repeats it.

The figures of each run are kept in docs/reliability.json, and replaced by the next run of the same; the table of all is
written between two marks of the page, whose other text is written by people.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.report import markdown_table

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, FIGURES = "reliability.md", "reliability.json"
BEGINS, ENDS = "<!-- written by the runs: begins -->", "<!-- written by the runs: ends -->"
TITLES = ("what was tried", "how often", "what happened", "repeat it by", "run on")
FAILED, SKIPPED = "**failed**: ", "not checked: "


@dataclass
class Run:
    """What a run tried, and what came of it.

    Attributes:
        what: What was tried.
        command: What repeats it, with its arguments.
        times: How often, or for how long.
        happened: What happened, with figures.
        figures: The figures alone, for programs.
        date: When it ended.
        machine: What it ran on, Markdown.
    """

    what: str
    command: str
    times: str = ""
    happened: str = ""
    figures: dict[str, object] | None = None
    date: str = ""
    machine: str = ""


@contextmanager
def recorded(what: str, command: str, *, folder: Path = DOCS) -> Iterator[Run]:
    """Write what a block tries and finds, also if it fails.

    Args:
        what: What is tried; a run replaces what was written of the same before.
        command: What repeats it.
        folder: Where the page and the figures are.
    """
    run = Run(what, command)
    try:
        yield run
    except BaseException as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        outcome = SKIPPED if type(error).__name__ == "Skipped" else FAILED
        run.happened = outcome + "; ".join(filter(None, [said, run.happened]))
        raise
    finally:
        run.date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        run.machine = machine.describe()
        write(run, folder)


def write(run: Run, folder: Path) -> None:
    """Add a run to the figures, and write the page."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FIGURES).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # others may run at the same time
        file.seek(0)
        kept = {each["what"]: each for each in json.loads(file.read() or "[]")}
        kept[run.what] = asdict(run)
        file.truncate(0)
        file.write(json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n")
        page = folder / PAGE
        text = page.read_text(encoding="utf-8") if page.exists() else "# Reliability\n"
        page.write_text(with_table(text, [Run(**each) for each in kept.values()]), encoding="utf-8")


def with_table(text: str, runs: list[Run]) -> str:
    """Return a page with the table of all runs, between the marks, at the end where there are none."""
    rows = [(run.what, run.times, run.happened, f"`{run.command}`", run.date) for run in runs]
    machines = list(dict.fromkeys(run.machine for run in runs))
    table = "\n\n".join([BEGINS, markdown_table(TITLES, rows), *machines, ENDS])
    before, mark, rest = text.partition(BEGINS)
    _, end, after = rest.partition(ENDS)
    if not (mark and end):
        return f"{text.rstrip()}\n\n## Faults that were tried\n\n{table}\n"
    return before + table + after


def number(name: str, default: int) -> int:
    """Return a whole number that the environment sets, for the size of a run."""
    return int(os.environ.get(name) or default)
