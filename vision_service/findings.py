"""What is found when a robot is checked: what is wrong, what is good to know, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

PROBLEM = "problem"
"""Something that does not work, or gives wrong results."""
NOTE = "note"
"""Something that works, and that one should know of."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or good to know.

    Attributes:
        kind: What was checked, such as ``quality_of_service``, ``file`` or ``clock``.
        where: The topic, the node, the file or the variable.
        what: What is wrong.
        advice: What to do; empty = `what` says that, or there is nothing to do.
        severity: PROBLEM or NOTE.
    """

    kind: str
    where: str
    what: str
    advice: str = ""
    severity: str = PROBLEM


def note(kind: str, where: str, what: str, advice: str = "") -> Finding:
    """Return a finding that is no problem."""
    return Finding(kind, where, what, advice, NOTE)
