"""Smooth patches: connected pixels whose planes go on into each other. Some 20 to 45 make up a table's objects."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.touching.grid import Grid
from vision_service.pointcloud.touching.surfaces import GridSurface, Surface, convex, cosines, misses

Labels = NDArray[np.int32]

CONVEX_ANGLE = 10.0
"""Up to which angle between neighbours a surface bends outwards and is smooth, degrees."""
CONCAVE_ANGLE = 8.0
"""The same, inwards."""
STEP = 0.006
"""Up to which step in depth between neighbours a surface is smooth, metres; it grows with the square of a depth
above 1 m, as noise does."""
MIN_PIXELS = 8
"""Of a patch; the pixels of smaller ones are given to their neighbours."""

_ROUNDS = 12  # of growing: pixels from the border of a patch
_TURN_COST = 0.02  # metres that a pixel may lie off a patch's plane for a right angle between the normals
_MOST_OFF = 0.02  # metres off a plane at which a pixel is not the patch's; with the square of a depth above 1 m


def patches_of(grid: Grid, planes: GridSurface) -> tuple[Labels, int]:
    """Return the patch of each pixel, (H, W) from 1 on, 0 = none, and how many there are."""
    height, width = grid.foreground.shape
    surface, foreground = planes.surface, grid.foreground.view(np.uint8)
    # Twice as many rows and columns: the pixels at even places, and between them what links them, so that a fast
    # labelling of images labels the graph.
    links = np.zeros((2 * height, 2 * width), np.uint8)
    links[::2, ::2] = foreground
    between = np.zeros((height, width), np.uint8)
    np.bitwise_and(foreground[:, 1:], foreground[:, :-1], out=between[:, :-1])
    # One behind the other in their order, too: nothing needs to be looked up.
    pairs = between.reshape(-1).take(planes.pixels)[:-1].view(np.bool_)
    between.reshape(-1)[planes.pixels[:-1]] = pairs & _smooth(surface.some(slice(-1)), surface.some(slice(1, None)))
    links[::2, 1::2] = between
    np.bitwise_and(foreground[1:], foreground[:-1], out=between[:-1])
    between[-1] = 0
    pairs = between.reshape(-1).take(planes.pixels).view(np.bool_)
    below = planes.at(np.minimum(planes.pixels + width, foreground.size - 1))
    between.reshape(-1)[planes.pixels] = pairs & _smooth(surface, below)
    links[1::2, ::2] = between
    count, linked = cv2.connectedComponents(links, connectivity=4, ltype=cv2.CV_32S)
    labels: Labels = np.zeros((height, width), np.int32)
    own: Any = np.ascontiguousarray(linked[::2, ::2]).reshape(-1).take(planes.pixels)
    large = np.bincount(own, minlength=count) >= MIN_PIXELS
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    labels.reshape(-1)[planes.pixels] = numbers.take(own)
    return labels, int(large.sum())


def _smooth(one: Surface, other: Surface) -> NDArray[np.bool_]:
    """Return between which pixels a surface goes on into the other one, (N,)."""
    least_convex, least_concave = np.cos(np.radians((CONVEX_ANGLE, CONCAVE_ANGLE)), dtype=np.float32)
    cosine = cosines(one, other)
    smooth = cosine > least_concave
    # Few are so near the limit that it matters which way they bend.
    near = np.flatnonzero((cosine > least_convex) & ~smooth)
    smooth[near] = convex(one.some(near), other.some(near))
    depth = np.minimum(np.minimum(one.depth, other.depth), 1)
    smooth &= misses(one, other) * (depth * depth) < STEP
    return smooth


def grown(labels: Labels, grid: Grid, surface: GridSurface) -> Labels:
    """Return the labels where pixels without a patch have joined the neighbouring one whose plane is nearest.

    What lies off all of them, as the bit of a wall that is seen between two objects, joins none.

    Args:
        labels: (H, W), 0 = none.
        grid: The grid.
        surface: Its planes.
    """
    width = labels.shape[1]
    # A border of pixels without a label, so that every pixel has four neighbours.
    padded: Any = cv2.copyMakeBorder(labels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    flat = padded.reshape(-1)
    rows, columns = np.nonzero(grid.foreground & (labels == 0))
    pixels, places = rows * width + columns, (rows + 1) * (width + 2) + columns + 1
    beside = np.stack([places + 1, places - 1, places + width + 2, places - width - 2])
    # Neighbours outside the grid are others by this, but have no label.
    neighbours = np.stack([pixels + 1, pixels - 1, pixels + width, pixels - width]).clip(0, labels.size - 1)
    one, other = surface.at(pixels), surface.at(neighbours)
    a, b, c = other.planes
    missed = np.abs(a * one.alpha + b * one.beta + c - 1 / one.depth)
    beside[missed * np.minimum(one.depth, 1) ** 2 > _MOST_OFF] = 0  # which has no label
    costs = missed * one.depth**2 + np.float32(_TURN_COST) * (1 - cosines(one, other))
    for _ in range(_ROUNDS):
        theirs = flat.take(beside)
        cheapest = np.where(theirs > 0, costs, np.float32(np.inf)).argmin(axis=0)
        taken = theirs[cheapest, np.arange(len(cheapest))]
        left = taken == 0
        if left.all():
            break
        flat[places] = taken
        places, beside, costs = places[left], beside[:, left], costs[:, left]
    return np.ascontiguousarray(padded[1:-1, 1:-1])
