"""Small objects in large images: the image is looked at in overlapping tiles, and once as a whole.

A network sees an image in the size of its input: what is small in a wide image is lost there. Tiles are the idea of
F. C. Akyon et al., "Slicing Aided Hyper Inference and Fine-tuning for Small Object Detection", 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vision_service.image import Image
from vision_service.mlmodel.found import Found
from vision_service.mlmodel.suppression import Suppression, kept
from vision_service.types import Detection, DetectionExtra

EDGE = 1.5
"""A box that comes as near to an inner edge of its tile is cut off there, pixels."""


@dataclass(frozen=True)
class Tile:
    """A part of an image.

    Attributes:
        left, top, width, height: Pixels.
    """

    left: int
    top: int
    width: int
    height: int


def tiles_of(size: tuple[int, int], grid: Sequence[int], overlap: float) -> list[Tile]:
    """Return the tiles of an image, row by row; together they cover it.

    Args:
        size: Width and height of the image, pixels.
        grid: How many columns and rows.
        overlap: Which part of a tile its neighbour covers as well, 0 to below 1.
    """
    spans = []
    for length, count in zip(size, grid, strict=True):
        tile = min(length, math.ceil(length / (count - (count - 1) * overlap)))
        step = (length - tile) / max(count - 1, 1)
        spans.append([(round(number * step), tile) for number in range(count)])
    return [Tile(left, top, width, height) for top, height in spans[1] for left, width in spans[0]]


def cut(image: Image, tile: Tile) -> Image:
    """Return a tile of an image."""
    rows = image.pixels[tile.top : tile.top + tile.height]
    return Image(np.ascontiguousarray(rows[:, tile.left : tile.left + tile.width]), image.encoding)


def moved(found: Sequence[Detection], tile: Tile, size: tuple[int, int]) -> list[Detection]:
    """Return what was found in a tile in pixels of the whole image.

    What an inner edge of the tile cuts off is left out: it lies whole in the next tile, or it is large enough to be
    found in the image as a whole.

    Args:
        found: In pixels of the tile.
        tile: Where the tile lies.
        size: Width and height of the whole image.
    """
    left, top = EDGE if tile.left else -math.inf, EDGE if tile.top else -math.inf
    right = tile.width - EDGE if tile.left + tile.width < size[0] else math.inf
    bottom = tile.height - EDGE if tile.top + tile.height < size[1] else math.inf
    whole = [
        item for item in found if item.x_min > left and item.y_min > top and item.x_max < right and item.y_max < bottom
    ]
    return [
        replace(
            item,
            x_min=item.x_min + tile.left,
            y_min=item.y_min + tile.top,
            x_max=item.x_max + tile.left,
            y_max=item.y_max + tile.top,
            extra=_moved_extra(item.extra, tile),
        )
        for item in whole
    ]


def _moved_extra(extra: DetectionExtra | None, tile: Tile) -> DetectionExtra | None:
    if extra is None:
        return None
    box, mask = extra.box, extra.mask
    return DetectionExtra(
        box and replace(box, center_x=box.center_x + tile.left, center_y=box.center_y + tile.top),
        mask and replace(mask, x=mask.x + tile.left, y=mask.y + tile.top),
        tuple(replace(point, x=point.x + tile.left, y=point.y + tile.top) for point in extra.keypoints),
    )


def merged(found: Sequence[Detection], threshold: float, mode: str, limit: int) -> list[Detection]:
    """Return what several tiles have found, each object once, best first.

    Args:
        found: In pixels of the whole image.
        threshold: From which intersection over union on two boxes are one.
        mode: "per_class" or "class_agnostic".
        limit: How many at most; 0 = all.
    """
    best = sorted(found, key=lambda item: -item.confidence)
    if not best:
        return []
    boxes = np.array([(item.x_min, item.y_min, item.x_max, item.y_max) for item in best])
    turned = [item.extra.box for item in best if item.extra is not None and item.extra.box is not None]
    angles = np.array([(box.center_x, box.center_y, box.width, box.height, box.angle) for box in turned])
    rows = Found(
        boxes,
        np.array([item.confidence for item in best]),
        np.array([item.class_index + 1 for item in best]),  # -1 = without one
        turned=angles if len(turned) == len(best) else None,
    )
    _, places = kept(rows, Suppression(mode, threshold, limit))
    return [best[place] for place in places.tolist()]
