"""What the command prints and writes: JSON lines, tables, files."""

from __future__ import annotations

import itertools
import json
import math
import os
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision_service.cli.given import stem_of
from vision_service.configuration import Attribute, Names, by_use
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import expanded, write_atomically
from vision_service.image import encode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from vision_service.cli.table import Table

WIDEST = 100
"""Of lines of running text, columns."""
UNFOLDED = 1000
"""How wide a file or a pipe is, columns."""
LIKE_A_TERMINAL = ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE")
"""Environment variables that tell rich to fold or to colour what goes into a file or a pipe."""
Spans = Sequence[tuple[str, str]]
"""Of a line: strings, each with its style."""
NOTICED = 0.5
"""How long one waits without wondering what happens, seconds."""


def for_people(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return what prints text for people: as wide as the terminal; where nobody looks, nothing is folded."""
    from rich.console import Console  # which takes longer to be imported than a small model to answer

    folds = (sys.stderr if stderr else sys.stdout).isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, stderr=stderr, soft_wrap=soft_wrap, width=None if folds else UNFOLDED)


def may_be_terminal() -> bool:
    """Return whether stdout is a terminal, or the environment says that it is one, in part at least."""
    return sys.stdout.isatty() or any(name in os.environ for name in LIKE_A_TERMINAL)


def print_lines(*lines: Spans, table: Table | None = None) -> None:
    """Print lines, and below them a table; without rich where there is no terminal, and all letters can be printed.

    Args:
        *lines: Each of parts with a style, as rich knows it: (("photo.jpg", "bold"), ("  nothing found", "dim")).
        table: If there is one.
    """
    told = ["".join(text for text, _ in line) for line in lines]
    below = [] if table is None else table.lines()
    plain = below is not None and all(line.isprintable() for line in told)
    # Else rich draws what it has no lines for with what every encoding has.
    if plain and sys.stdout.encoding.lower().startswith("utf") and not may_be_terminal():
        print(*told, *(below or ()), sep="\n")  # noqa: T201
        return
    from rich.text import Text

    console = for_people()
    for line in lines:
        console.print(Text.assemble(*line))
    if table is not None:
        console.print(table.rich())


def print_json(value: Any) -> None:
    """Print one JSON value in one line; a number that is not finite becomes null."""
    print(json.dumps(_finite(value), allow_nan=False), flush=True)  # noqa: T201


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_entries(kind: str, entries: Sequence[tuple[str, str, Sequence[str]]]) -> None:
    """Print what can be configured, one line an entry: in a terminal cut where that ends, else whole.

    Args:
        kind: What the entries are, in the plural.
        entries: Of each its name, what it is, and what it can do.
    """
    from rich.text import Text

    console = for_people()
    console.print(Text(kind, "bold"))
    width = max((len(name) for name, _, _ in entries), default=0)
    for name, description, can in entries:
        methods = f" ({', '.join(can)})" if can else ""
        line = Text.assemble("  ", (name.ljust(width), "bold"), "  ", description.removesuffix("."), (methods, "dim"))
        if console.is_terminal:
            line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    console.print()


def print_attributes(
    name: str, kind: str, can: Sequence[str], description: Sequence[str], items: Sequence[Attribute]
) -> None:
    """Print what can be configured of one model or driver, no line longer than the terminal, or than people like.

    Args:
        name: Of the model or driver.
        kind: Which of both.
        can: What it can do.
        description: Its paragraphs.
        items: Its attributes.
    """
    from rich.text import Text

    console = for_people()
    width = min(console.width, WIDEST)
    methods = f": {', '.join(can)}" if can else ""
    console.print(Text.assemble((name, "bold"), (f"  {kind}{methods}", "dim")))
    for paragraph in description:
        console.print(Text(textwrap.fill(paragraph, width)), soft_wrap=True)
    if not items:
        console.print(Text("no attributes", "dim"))
    for item in by_use(items):
        value = "required" if item.required else f"default {_default(item)}"
        unit = f" [{item.unit}]" if item.unit and not item.expects.endswith(f" {item.unit}") else ""
        facts = textwrap.wrap(f"{item.name}  {item.expects}{unit}; {value}", width, subsequent_indent=" " * 8)
        console.print()
        console.print(Text.assemble((item.name, "bold"), "\n".join(facts).removeprefix(item.name)), soft_wrap=True)
        indent = "    "
        console.print(
            Text(textwrap.fill(item.description, width, initial_indent=indent, subsequent_indent=indent)),
            soft_wrap=True,
        )
    console.print()


def attribute_as_dict(item: Attribute) -> dict[str, Any]:
    """Return all that is known of an attribute, as JSON knows it; a bound that there is not is null."""
    shown = {name: value for name, value in vars(item).items() if name not in ("parts", "names")}
    of_parts = {} if item.parts is None else {"parts": item.parts.kind}
    of_names = {} if item.names is Names.NOTHING else {"names": item.names.value}
    return {**shown, "type": item.type.__name__, "expects": item.expects, **of_names, **of_parts}


def _default(item: Attribute) -> str:
    """Return an attribute's default as one would write it in a parameter file."""
    return json.dumps(list(item.default) if isinstance(item.default, tuple) else item.default, ensure_ascii=False)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on stderr what is being done, if somebody looks and it takes longer than one notices.

    Args:
        what: As in "waiting for people".
    """
    if not sys.stderr.isatty():
        yield
        return
    status = for_people(stderr=True).status(what)
    shown = threading.Timer(NOTICED, status.start)
    shown.daemon = True
    shown.start()
    try:
        yield
    finally:
        shown.cancel()
        shown.join()
        status.stop()


def progress(files: Sequence[str]) -> Iterator[str]:
    """Yield the files, with a bar on stderr while they are gone through.

    There is none unless people would miss it: with several files, a terminal to draw on, and no results on it.
    """
    hidden = len(files) < 2 or not sys.stderr.isatty() or sys.stdout.isatty()
    if hidden:
        yield from files
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        yield from bar.track(files, description="")


def result_paths(files: Sequence[str], folder: Path, endings: Sequence[str]) -> list[list[Path]]:
    """Return where what is made of each file goes: ``name.png``, or ``name-2.png`` … where that is taken.

    Taken are the results of other files and the files themselves. Names that differ in case only count as one, because
    some file systems see it so.

    Args:
        files: The files, as the user wrote them.
        folder: Where the results go.
        endings: Of the results of each file, for example .png; they have one name.
    """
    taken = {_key(Path(file)) for file in files}
    results = []
    for file in files:
        stem = stem_of(file)
        for name in itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2))):
            paths = [folder / f"{name}{ending}" for ending in endings]
            if taken.isdisjoint(map(_key, paths)):
                break
        taken.update(map(_key, paths))
        results.append(paths)
    return results


def _key(path: Path) -> str:
    return str(expanded(path).resolve()).casefold()


def make_folder(folder: Path) -> None:
    """Make a folder for results, and those above it.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the folder and the reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {str(folder)!r}: {error.strerror or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def write_image(path: Path, rgb: NDArray[np.uint8]) -> None:
    """Write an image as PNG.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the file and the reason.
    """
    write_file(path, encode(rgb, "image/png"))


def write_file(path: Path, data: bytes) -> None:
    """Write a file.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the file and the reason.
    """
    try:
        write_atomically(path, data)
    except OSError as error:
        msg = f"cannot write {str(path)!r}: {error.strerror or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
