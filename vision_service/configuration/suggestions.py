"""What may be meant by a name that is not known: a misspelt one, or a part of one."""

from __future__ import annotations

from collections.abc import Iterable

ALIKE = 0.6
"""How alike a name must be to be close to another one, as difflib's ratio: from 0 to 1 = equal."""
SPREAD = 0.15
"""How much less alike than the closest name others may be, to be close as well."""
EQUAL = 0.9
"""From which likeness on a name is another one misspelt."""
LONGEST_NAME = 256
"""Up to how many letters a name may be a misspelt one: comparing longer ones takes long."""
SHORTEST = 3
"""How many letters a name must have, so that it means something that others contain it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return what may be meant by a name that is not known, for the end of an error message.

    Args:
        name: What was given.
        known: What could have been given.

    Returns:
        ": did you mean 'a' or 'b'?" with all names that are close (see :func:`close_names`); where none is, ": known
        are …" with all; an empty string where nothing is known.
    """
    names = list(known)
    near = close_names(name, names)
    if near:
        return f": {question(near)}"
    return f": known are {', '.join(sorted(names))}" if names else ""


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that may be meant by another one, the closest first.

    Close are those that are spelt alike, if they are not much less so than the closest of them; and, unless one is all
    but equal, those that contain the name.

    Args:
        name: What was given.
        known: What could have been given.
    """
    if len(name) > LONGEST_NAME:
        return []
    import difflib

    matcher = difflib.SequenceMatcher(b=name)
    likeness = {}
    for other in known:
        matcher.set_seq1(other)
        likeness[other] = matcher.ratio()
    best = max(likeness.values(), default=0.0)
    least = max(ALIKE, best - SPREAD)
    contained = best < EQUAL and len(name) >= SHORTEST
    near = [other for other, ratio in likeness.items() if ratio >= least or (contained and name in other)]
    return sorted(near, key=lambda other: -likeness[other])


def question(names: Iterable[str]) -> str:
    """Return whether one of these names is meant, as a question; there is at least one."""
    *others, last = [repr(name) for name in names]
    return "did you mean " + (", ".join(others) + " or " if others else "") + last + "?"
