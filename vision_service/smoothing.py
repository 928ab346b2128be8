"""Smoothing: steady classifications out of those of single frames, and when the best of them changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import Classification, LabelChange

_NOTHING = Classification("", 0.0)


class ClassificationWindow:
    """The mean of the classifications of the last frames; one for each camera."""

    def __init__(self, length: int) -> None:
        """Begin without frames.

        Args:
            length: Over how many frames is averaged; 1 = each by itself.

        Raises:
            VisionError: INVALID_ARGUMENT, if that is less than one.
        """
        if length < 1:
            msg = f"a window of {length} frames holds nothing: give a length of at least 1"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._length = length
        self.reset()

    def reset(self) -> None:
        """Forget all frames, as when time jumps or the camera is another."""
        self._columns: dict[str, int] = {}
        self._frames = np.zeros((0, 0))  # a row for each frame, a column for each class; NaN = not named

    def add(self, classifications: Iterable[Classification]) -> list[Classification]:
        """Take in the classifications of a frame, and return the means.

        Args:
            classifications: Of the frame; of a class that is named twice, the better one counts.

        Returns:
            Each class that a frame of the window names, with its mean confidence over the frames there have been, up to
            the window's length; a frame that does not name it counts as 0. Best first.
        """
        frame: dict[int, float] = {}
        for item in classifications:
            column = self._columns.setdefault(item.class_name, len(self._columns))
            frame[column] = max(item.confidence, frame.get(column, item.confidence))
        kept = self._frames[max(0, len(self._frames) + 1 - self._length) :]
        self._frames = np.full((len(kept) + 1, len(self._columns)), np.nan)
        self._frames[:-1, : kept.shape[1]] = kept
        self._frames[-1, list(frame)] = list(frame.values())
        self._drop_unnamed()
        means = np.nan_to_num(self._frames).mean(axis=0)
        names = list(self._columns)
        return [Classification(names[column], float(means[column])) for column in np.argsort(-means, kind="stable")]

    def _drop_unnamed(self) -> None:
        """Forget classes that no frame names any more, so that they do not pile up."""
        named = np.asarray(~np.isnan(self._frames).all(axis=0))
        if not named.all():
            names = [name for name, column in self._columns.items() if named[column]]
            self._columns = {name: column for column, name in enumerate(names)}
            self._frames = self._frames[:, named]


class LabelMonitor:
    """Says when the best label changes: the monitoring loop of the seeds, which only reacts above a threshold.

    A label that has been taken is held on to: it is given up when its confidence falls below the threshold by more than
    the hysteresis, or when another one has reached the threshold and is better by the hysteresis. So neither a
    confidence about the threshold nor two labels that are equally good make it change with every frame.

    Attributes:
        current: The label now; empty = none is sure enough.
    """

    def __init__(self, threshold: float, hysteresis: float = 0.05) -> None:
        """Begin without a label.

        Args:
            threshold: From which confidence on a label is taken, 0 to 1.
            hysteresis: How much worse it may become before it is given up, 0 to 1; half the threshold is always needed.
        """
        self._threshold = threshold
        self._least = max(threshold - hysteresis, threshold / 2)
        self._hysteresis = hysteresis
        self.current = ""

    def reset(self) -> None:
        """Forget the label, as when time jumps or the camera is another; no change is told of that."""
        self.current = ""

    def update(self, classifications: Sequence[Classification]) -> LabelChange | None:
        """Return how the label changes with these classifications, or None if it stays.

        Args:
            classifications: Of a frame, smoothed if that is wanted; best first.
        """
        best = classifications[0] if classifications else _NOTHING
        held = next((item for item in classifications if item.class_name == self.current), _NOTHING)
        if (
            held.class_name
            and held.confidence >= self._least
            and best.confidence < max(self._threshold, held.confidence + self._hysteresis)
        ):
            return None
        now = best if best.confidence >= self._threshold else _NOTHING
        if now.class_name == self.current:
            return None
        change = LabelChange(self.current, now.class_name, now.confidence)
        self.current = now.class_name
        return change
