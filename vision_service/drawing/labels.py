"""Labels that do not cover each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision_service.drawing.styles import Color, Style, above, draw_label


@dataclass(frozen=True)
class Wanted:
    """A label that is to be drawn.

    Attributes:
        text: What it says.
        color: Of its background.
        left: Where it begins, if there is room, pixels.
        box: Left, top, right, bottom of what it belongs to.
    """

    text: str
    color: Color
    left: int
    box: tuple[int, int, int, int]


def draw_labels(image: NDArray[np.uint8], wanted: Sequence[Wanted], sizes: Style) -> None:
    """Draw labels, each where it covers none of those before it and lies inside the image.

    A label lies above its box, or below the upper edge, inside; else beneath the box, flush with its right side, or
    beside it; else as few rows as possible off its first place. Where everything is taken, it lies in its first place,
    beneath those before it.

    Args:
        image: (H, W, 3) what to draw on.
        wanted: The labels; the first one chooses its place first.
        sizes: Of what is drawn.
    """
    placed: list[tuple[Wanted, int, int]] = []
    taken = np.zeros((len(wanted), 4), np.int64)
    for item in wanted:
        if not item.text:
            continue
        across = sizes.width(item.text) + 2 * sizes.padding
        places = _places(item, across, image.shape[1], image.shape[0], sizes)
        others = taken[: len(placed), :, None]
        covers = (places[:, 0] < others[:, 2]) & (places[:, 0] + across > others[:, 0])
        covers &= (places[:, 1] < others[:, 3]) & (places[:, 1] + sizes.label_height > others[:, 1])
        free = ~covers.any(axis=0)
        left, top = places[int(free.argmax())].tolist()  # the first, if none is free
        taken[len(placed)] = left, top, left + across, top + sizes.label_height
        placed.append((item, left, top))
    for item, left, top in reversed(placed):
        draw_label(image, left, top, item.text, item.color, sizes)


def _places(item: Wanted, across: int, width: int, height: int, sizes: Style) -> NDArray[np.int64]:
    """Return where a label may lie, the best place first: (K, 2) left and top, all inside the image if it fits."""
    left, top, right, bottom = item.box
    first = above(top, bottom, sizes)
    tall = sizes.label_height
    places = [
        (item.left, first),
        (item.left, max(top, 0)),
        (item.left, bottom),
        (right - across, first),
        (right - across, bottom),
        (right, max(top, 0)),
        (left - across, max(top, 0)),
    ]
    for rows in range(1, height // tall + 1):
        places += [(item.left, first + rows * tall), (item.left, first - rows * tall)]
    inside = np.array(places, np.int64)
    inside[:, 0] = np.maximum(np.minimum(inside[:, 0], width - across), 0)
    inside[:, 1] = np.maximum(np.minimum(inside[:, 1], height - tall), 0)
    return inside
