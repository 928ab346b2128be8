"""The pages of the documentation, and the blocks of code in them.

A block may have a marker, an HTML comment in the line before it, which readers do not see:

- ``<!-- not run: REASON -->``: it cannot be run here;
- ``<!-- test: until it prints -->``: a program without an end, which is ended when it has printed something;
- ``<!-- test: with NAME: VALUE, … -->``: parameters that the sections of a parameter file also have; of a block without
  sections, those of the section that it is a part of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>\S*).*$")
MARKER = re.compile(r"^\s*<!-- (?P<kind>not run|test): (?P<text>.*) -->\s*$")


@dataclass(frozen=True)
class Block:
    """A block of code on a page.

    Attributes:
        page: Path below the project's root.
        line: Where it begins, from 1 on.
        language: As the page says.
        text: Without the indentation of its fence.
        not_run: Why it is not run; empty = it is.
        marker: What its marker says to the test.
    """

    page: str
    line: int
    language: str
    text: str
    not_run: str = ""
    marker: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return the pages that are written by hand: the README and docs/, without what programs write."""
    generated = (DOCS / "benchmarks", DOCS / "examples")
    written = [path for path in DOCS.rglob("*.md") if not any(path.is_relative_to(folder) for folder in generated)]
    return [ROOT / "README.md", *sorted(path for path in written if path.name != "licences.md" and not _made(path))]


def _made(path: Path) -> bool:
    from tools.reference import NAMES

    return path.relative_to(DOCS).as_posix() in NAMES


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages that are in one of these languages; of all languages, if none is named."""
    found = [block for path in pages() for block in blocks_of(path)]
    return [block for block in found if not languages or block.language in languages]


def blocks_of(path: Path) -> Iterator[Block]:
    """Yield the blocks of a page."""
    lines = path.read_text(encoding="utf-8").splitlines()
    page = path.relative_to(ROOT).as_posix()
    place = 0
    while place < len(lines):
        if (fence := FENCE.match(lines[place])) is None:
            place += 1
            continue
        end = next(number for number in range(place + 1, len(lines)) if lines[number].strip() == fence["ticks"])
        indent = len(fence["indent"])
        text = "\n".join(line[indent:] for line in lines[place + 1 : end]) + "\n"
        marker = MARKER.match(lines[place - 1]) if place else None
        said = {"not run": "not_run", "test": "marker"}
        told = {said[marker["kind"]]: marker["text"]} if marker else {}
        yield Block(page, place + 2, fence["language"], text, **told)
        place = end + 1
