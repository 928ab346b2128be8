"""From which confidence on a result counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


class MinimumConfidence:
    """The least confidence of each class: one for all, or one for each listed class and no others.

    Attributes:
        least: The lowest of them: what lies below never counts.
    """

    def __init__(self, default: float, by_label: Mapping[str, float]) -> None:
        """Take the thresholds.

        Args:
            default: Of all classes, 0 to 1; 0 = everything counts.
            by_label: By class name, upper and lower case the same; if there are any, they replace the default and
                other classes never count.
        """
        self._default = math.inf if by_label else default
        self._by_label = {name.casefold(): minimum for name, minimum in by_label.items()}
        self.least = min(by_label.values(), default=default)

    def of(self, name: str) -> float:
        """Return the least confidence of a class; infinite if it never counts."""
        return self._by_label.get(name.casefold(), self._default)

    def rows(self, names: Sequence[str], scores: Sequence[float]) -> list[int]:
        """Return which of several results count.

        Args:
            names: Of each its class's name.
            scores: Of each its confidence.
        """
        return [row for row, (name, score) in enumerate(zip(names, scores, strict=True)) if score >= self.of(name)]
