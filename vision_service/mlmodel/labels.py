"""Class names: of a label file, inside a model, and by number."""

from __future__ import annotations

from vision_service.mlmodel.archive import EXPORTER_FILES, file_names, read_member
from vision_service.mlmodel.label_lines import parse_lines


def read_labels(path: str) -> tuple[str, ...]:
    """Return the labels in a file, each at the place that is its class number.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read, is no label file, or holds no label.
    """
    from vision_service.mlmodel.label_files import read_label_file  # which knows many forms that few models need

    return read_label_file(path).labels


def parse_labels(data: bytes) -> tuple[str, ...]:
    """Return the labels in a text file inside a model, each at the place that is its class number.

    Args:
        data: Text in UTF-8; what is not counts as an unknown character.
    """
    return parse_lines(data.decode("utf-8-sig", errors="replace"))


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


def label(labels: tuple[str, ...], number: int) -> str:
    """Return a class's name: its label, or its number as a string where it has none."""
    name = labels[number] if 0 <= number < len(labels) else ""
    return name or str(number)
