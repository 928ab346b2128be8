"""Class names that say that there is nothing."""

from __future__ import annotations

BACKGROUND = frozenset({"???", "background", "__background__", "bg"})
"""What the first line of a label file says where number 0 means that there is nothing."""

NO_OBJECT = frozenset({"no-object", "no object", "no_object", "none", "n/a", "nothing", "∅"}) | BACKGROUND
"""What the last line says where the last number means that there is nothing."""


def is_background(label: str) -> bool:
    """Return whether a label says that number 0 is no class; an empty one does: the numbers of its file begin at 1."""
    return not label.strip() or label.strip().casefold() in BACKGROUND


def is_no_object(label: str) -> bool:
    """Return whether a label says that the last number is no class."""
    return label.strip().casefold() in NO_OBJECT


def without_background(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels of a detector, whose number 0 is the first real class, without a leading background label."""
    return labels[1:] if labels and is_background(labels[0]) else labels
