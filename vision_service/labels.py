"""Which labels are meant by those that a user has named."""

from __future__ import annotations


def is_valid(label: str, valid_labels: tuple[str, ...]) -> bool:
    """Return whether a label is one of the valid ones, in upper or lower case; with none given, all are."""
    return not valid_labels or label.casefold() in (name.casefold() for name in valid_labels)
