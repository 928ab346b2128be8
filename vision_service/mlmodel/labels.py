"""Class names: files of labels as they are found in the wild."""

from __future__ import annotations

import re

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.archive import EXPORTER_FILES, file_names, read_member

BACKGROUND = frozenset({"???", "background", "__background__"})
"""What the first line of a label file says where number 0 means that there is nothing."""


def read_labels(path: str) -> tuple[str, ...]:
    """Return the labels in a file; see :func:`parse_labels`.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read or holds no label.
    """
    from vision_service.image import read_file  # here, because a trial of a model needs no picture library

    labels = parse_labels(read_file(path))
    if not labels:
        msg = f"the label file {path!r} holds no label: write one per line, or leave 'label_path' out for numbers"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return labels


def parse_labels(data: bytes) -> tuple[str, ...]:
    """Return the labels in a label file, each at the place that is its class number.

    One per line. Blanks around a label and blank lines at the end are dropped; a blank line in between keeps its place
    as an empty label. A single line is split at commas, else at blanks. Where every line begins with a number ("0
    person"), that is the class number.

    Args:
        data: Text in UTF-8.
    """
    text = data.decode("utf-8-sig", errors="replace")
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) == 1:
        line = lines[0]
        if "," in line:
            return tuple(part.strip() for part in line.split(","))
        return tuple(line.split()) if re.match(r"\d+ \d|\D", line) else _numbered(lines) or (line,)
    return _numbered(lines) or tuple(lines)


def _numbered(lines: list[str]) -> tuple[str, ...]:
    """Return the labels at the numbers that stand before them, or nothing if these are not class numbers.

    Class numbers start at 0 or 1, rise, and have few gaps: COCO's 80 names have numbers up to 89.
    """
    found = [re.fullmatch(r"(\d{1,9})\s*[\s:,]\s*(\S.*)", line) for line in lines if line]
    numbered = {int(match[1]): match[2] for match in found if match}
    numbers = list(numbered)
    if not numbers or len(numbers) < len(found) or numbers != sorted(numbers):
        return ()
    if numbers[0] > 1 or numbers[-1] > 2 * len(numbers):
        return ()
    return tuple(numbered.get(number, "") for number in range(numbers[-1] + 1))


def labels_in_model(data: bytes) -> tuple[str, ...]:
    """Return the labels that a TensorFlow Lite file carries in the zip archive at its end; empty = none.

    Of several text files, the one with "label" in its name.

    Args:
        data: The model's file.
    """
    names = [name for name in file_names(data) if name.lower().endswith(".txt") and name not in EXPORTER_FILES]
    named = [name for name in names if "label" in name.rpartition("/")[2].lower()]
    chosen = named[:1] or names
    return archived_labels(data, chosen[0]) if len(chosen) == 1 else ()


def archived_labels(data: bytes, name: str) -> tuple[str, ...]:
    """Return the labels in one file of the archive at a model's end; empty if it is not there, or damaged.

    Args:
        data: The model's file.
        name: Of the file in the archive.
    """
    return parse_labels(read_member(data, name))


def without_background(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels of a detector, whose number 0 is the first real class, without a leading background label."""
    return labels[1:] if labels and labels[0].casefold() in BACKGROUND else labels


def label(labels: tuple[str, ...], number: int) -> str:
    """Return a class's name: its label, or its number as a text where it has none."""
    name = labels[number] if 0 <= number < len(labels) else ""
    return name or str(number)
