"""Messages and services in Markdown: each field with its comment, as the files in msg/ and srv/ have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FIELD = re.compile(r"^(?P<type>[\w/]+(?:\[[^\]]*\])?)\s+(?P<name>\w+)(?P<rest>.*)$")


@dataclass
class Part:
    """What stands between two lines `---`: comments of its own, and fields with theirs.

    Attributes:
        items: Lines of text, or fields: type, name, value of a constant, comment.
    """

    items: list[str | list[str]] = field(default_factory=list)


def read(text: str) -> tuple[str, list[Part]]:
    """Return the description at the top of an interface file, and its parts: one of a message, two of a service."""
    parts = [Part()]
    head: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped == "---":
            parts.append(Part())
        elif not stripped:
            continue
        elif stripped.startswith("#"):
            said = stripped.lstrip("# ").strip()
            items = parts[-1].items
            if line.startswith("#") and len(parts) == 1 and not items:
                head.append(said)
            elif line.startswith("#"):
                items.append(said)
            elif items and isinstance(items[-1], list):
                items[-1][3] = f"{items[-1][3]} {said}".strip()
        else:
            found = FIELD.match(stripped)
            if found is None:
                msg = f"no field of an interface: {line!r}"
                raise ValueError(msg)
            value, _, comment = found["rest"].partition("#")
            parts[-1].items.append([found["type"], found["name"], value.strip().lstrip("= "), comment.strip()])
    return " ".join(head), parts


def messages(folder: Path) -> str:
    """Return the page of all messages of a folder."""
    lines = [
        "# Messages",
        "Those of the package `vision_service`. `ros2 interface show vision_service/msg/NAME` prints the same.",
    ]
    for path in sorted(folder.glob("*.msg")):
        head, (part,) = read(path.read_text(encoding="utf-8"))
        lines += [f"## {path.stem}", f"`vision_service/msg/{path.stem}`", _escaped(head), *_table(part)]
    return "\n\n".join(lines) + "\n"


def services(folder: Path) -> str:
    """Return the page of all services of a folder."""
    lines = [
        "# Services",
        "Those of the package `vision_service`. `ros2 interface show vision_service/srv/NAME` prints the same. Every"
        " response begins with `success`, `error_code` and `message`: see [ErrorCode](messages.md#errorcode).",
    ]
    for path in sorted(folder.glob("*.srv")):
        head, (request, response) = read(path.read_text(encoding="utf-8"))
        lines += [f"## {path.stem}", f"`vision_service/srv/{path.stem}`", _escaped(head)]
        lines += ["**Request**", *(_table(request) or ["Empty."]), "**Response**", *_table(response)]
    return "\n\n".join(lines) + "\n"


def _table(part: Part) -> list[str]:
    """Return the part's fields as tables, with what is said between them as text."""
    return list(_tables(part))


def _tables(part: Part) -> Iterator[str]:
    rows: list[list[str]] = []
    for item in [*part.items, ""]:
        if isinstance(item, list):
            rows.append(item)
            continue
        if rows:
            titles = "| field | type | |" if not any(row[2] for row in rows) else "| value | number | |"
            yield "\n".join([titles, "| --- | --- | --- |", *map(_row, rows)])
            rows = []
        if item:
            yield f"*{_escaped(item)}*"


def _row(item: list[str]) -> str:
    kind, name, value, comment = item
    return f"| `{name}` | {f'{value}' if value else f'`{kind}`'} | {_escaped(comment)} |"


def _escaped(text: str) -> str:
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>\[\]~|$])", r"\\\1", part) for part in parts)
