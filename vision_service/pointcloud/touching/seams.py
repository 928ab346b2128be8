"""Parts smooth patches where a straight edge of colour goes through them from border to border.

Where the faces of two objects are flush no geometry tells them apart, but often their colours do: those on one side of
a straight line are others than those on its other side, all along it. Labels, print and letters end within a face, or
have colours of both sides, and part nothing.

A level edge on an upright face may as well be that of a lid, or of packaging in two colours: it parts the patch, but
whether objects are parted is left to what else their borders say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.touching.grid import Grid
from vision_service.pointcloud.touching.palettes import shared
from vision_service.pointcloud.touching.patches import Labels
from vision_service.pointcloud.touching.sums import order_of, sums_of
from vision_service.pointcloud.touching.surfaces import GridSurface

CONTRAST = 18.0
"""How much the colours on both sides must differ all along, as a distance in CIE L*a*b*."""
MOST_ALIKE = 0.25
"""Up to which share of one side's pixels may have a colour that the other has too."""
LEAST_SHARE = 0.12
"""Of a patch that each side must have."""

_LEAST = 200  # pixels of a patch that is looked at
_LEAST_SIDE = 60  # of them on each side
_PROBED = 4  # every so many pixels say which patches are looked at
_EXPLAINED = 0.2  # share of the colours' variance that a linear change across the patch must make, at least
_ENOUGH = 300  # pixels that say that there is no seam
_TWO = 0.78  # share of the colours' variance that lies between two classes, at least
_TURNED = 0.25  # share of the classes' variance that a linear change across the patch must make, at least
_WRONG = 0.06  # share of pixels that may lie on the other side of the line
_BESIDE = (0.7, 5.0)  # pixels from the line in which the contrast is looked for
_LEAST_MEETING = 5  # places where pixels of both sides meet
_REACHES = (8.0, 4.0, 2.0, 1.0)  # pixels off the line through them, each time it is fitted anew
_STRETCHES = 4  # along the line, each of which must have it
_UPRIGHT = 0.5  # cosine to what is up to which on a face is upright
_SHARED = 0.5  # share of their heights that two parts beside each other have in common at least
_ROUNDS = 3  # up to eight flush objects in a row


def parted(
    patches: Labels, count: int, grid: Grid, surface: GridSurface, colors: NDArray[np.float32]
) -> tuple[Labels, NDArray[np.int32]]:
    """Return the patches where those with a seam of colours have become two, and between which there are seams.

    Args:
        patches: (H, W), 0 = none.
        count: How many there are.
        grid: The grid.
        surface: Its planes.
        colors: (H, W, 3) CIE L*a*b*.

    Returns:
        (H, W) and, for each patch and 0, a number that those have in common between which seams speak for two objects.
    """
    origins = list(range(count + 1))
    flat = patches.reshape(-1)
    pixels = np.flatnonzero(flat)
    pixels = pixels.take(order_of(flat.take(pixels), count + 1))
    ends = np.cumsum(np.bincount(flat.take(pixels), minlength=count + 1))
    values = colors.reshape(-1, 3)
    width = patches.shape[1]
    result = None
    some = -(-ends // _PROBED)  # of every so many pixels
    mixed = _mixed(pixels[::_PROBED], some, values, width)
    queue = [(patch, pixels[ends[patch - 1] : ends[patch]]) for patch in mixed]
    for _ in range(_ROUNDS):
        parts = []
        for patch, own in queue:
            beyond = _beyond_seam(np.stack([own % width, own // width]).astype(np.float32), values[own])
            if beyond is None:
                continue
            if result is None:
                result = flat.copy()
            result[own[beyond]] = len(origins)
            parts += [(patch, own[~beyond]), (len(origins), own[beyond])]
            level = _level(own, beyond, grid, surface)
            origins.append(len(origins) if level else origins[patch])
        queue = parts
    new = patches if result is None else result.reshape(patches.shape)
    return new, np.array(origins, np.int32)


def _level(own: NDArray[np.intp], beyond: NDArray[np.bool_], grid: Grid, surface: GridSurface) -> bool:
    """Return whether a seam between pixels is a level one on an upright face, or may be, as nothing says what is up."""
    if grid.heights is None or grid.plane is None:
        return True
    normals = surface.surface.normals.take(surface.numbers.take(own), axis=1).mean(axis=1)
    if abs(float(grid.plane.normal @ normals)) > _UPRIGHT * float(np.linalg.norm(normals)):
        return False
    heights = grid.heights.reshape(-1).take(own)
    one, other = (np.quantile(heights[side], (0.05, 0.95)) for side in (beyond, ~beyond))
    common = min(one[1], other[1]) - max(one[0], other[0])
    return bool(common < _SHARED * min(np.ptp(one), np.ptp(other)))


def _mixed(pixels: NDArray[np.intp], ends: NDArray[np.intp], colors: NDArray[np.float32], width: int) -> list[int]:
    """Return the patches whose colours change across them as much as those of two halves do.

    Args:
        pixels: (N,) one patch's after the other's.
        ends: (P,) where each patch's end.
        colors: (H · W, 3) of all pixels.
        width: Of the image.
    """
    size = np.diff(ends, prepend=0)
    own = colors.take(pixels, axis=0).T
    rows, columns = np.divmod(pixels, width)
    places = np.stack([columns, rows]).astype(np.float32)
    terms = np.concatenate([places, own, places * places, (places[0] * places[1])[None], own * own,
                            places[0] * own, places[1] * own])  # fmt: skip
    means = sums_of(terms, size) / np.maximum(size, 1)
    (x, y), color = means[:2], means[2:5]
    xx, yy, xy = means[5] - x * x, means[6] - y * y, means[7] - x * y
    variance = (means[8:11] - color * color).sum(axis=0)
    cx, cy = means[11:14] - x * color, means[14:17] - y * color
    determinant = np.maximum(xx * yy - xy * xy, 1e-6)
    linear = ((cx * (cx * yy - cy * xy) + cy * (cy * xx - cx * xy)) / determinant).sum(axis=0)
    least = LEAST_SHARE * (1 - LEAST_SHARE) * CONTRAST**2
    found = (size >= _LEAST // _PROBED) & (variance > least) & (linear > _EXPLAINED * variance)
    return np.flatnonzero(found).tolist()


def _beyond_seam(places: NDArray[np.float32], colors: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return which of a patch's pixels lie on the far side of a seam, (N,); None = it has none.

    Args:
        places: (2, N) columns and rows.
        colors: (N, 3) CIE L*a*b*.
    """
    if len(colors) < _LEAST:
        return None
    some = slice(None, None, len(colors) // _ENOUGH + 1)
    off = colors - colors.mean(axis=0)
    axes = np.linalg.eigh(off[some].T @ off[some])[1].astype(np.float32)
    found = (_beyond(places, colors, off @ axes[:, axis], some) for axis in (2, 1))
    return next((beyond for beyond in found if beyond is not None), None)


def _beyond(
    places: NDArray[np.float32], colors: NDArray[np.float32], along: NDArray[np.float32], some: slice
) -> NDArray[np.bool_] | None:
    """Return which pixels lie on the far side of a seam, of colours that differ along one axis, (N,).

    Args:
        places: (2, N) columns and rows.
        colors: (N, 3) CIE L*a*b*.
        along: (N,) the colours along the axis.
        some: Of the pixels, enough to see that there is none.
    """
    threshold, parted = _threshold(along[some])
    light = along > threshold
    few = light[some]
    share = float(few.mean())
    if parted < _TWO or not LEAST_SHARE <= share <= 1 - LEAST_SHARE:
        return None
    apart = places[:, some] - places[:, some].mean(axis=1, keepdims=True)
    xx, xy, yy = float(apart[0] @ apart[0]), float(apart[0] @ apart[1]), float(apart[1] @ apart[1])
    x, y = (apart @ (few - np.float32(share))).tolist()
    determinant = max(xx * yy - xy * xy, 1e-6)
    # The linear function of the place that is nearest to the class (R. A. Fisher's discriminant).
    slope = np.array([x * yy - y * xy, y * xx - x * xy]) / determinant
    if slope @ (x, y) < _TURNED * share * (1 - share) * len(few):
        return None
    line = _line(places.astype(np.intp), light, slope / np.hypot(*slope))
    if line is None:
        return None
    middle, across = line
    apart = places - middle
    from_line = across @ apart
    beyond = from_line > 0
    wrong = float((beyond != light).mean())
    if min(wrong, 1 - wrong) > _WRONG:
        return None
    side = min(int(beyond.sum()), int((~beyond).sum()))
    if side < max(LEAST_SHARE * len(beyond), _LEAST_SIDE):
        return None
    if not _sharp(from_line, np.array([-across[1], across[0]], np.float32) @ apart, colors):
        return None
    return beyond if max(shared(colors[beyond], colors[~beyond])) < MOST_ALIKE else None


def _line(
    places: NDArray[np.intp], light: NDArray[np.bool_], direction: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return a place on the line through where two classes of pixels meet, (2, 1), and the direction across it, (2,).

    Args:
        places: (2, N) columns and rows.
        light: (N,) which class they are of.
        direction: (2,) about across it, to the light ones.
    """
    columns, rows = places - places.min(axis=1, keepdims=True)
    image = np.full((int(rows.max()) + 1, int(columns.max()) + 1), -2, np.int8)
    image[rows, columns] = light
    across = np.add(np.argwhere(np.abs(image[:, 1:] - image[:, :-1]) == 1), (0, 0.5))
    down = np.add(np.argwhere(np.abs(image[1:] - image[:-1]) == 1), (0.5, 0))
    meet = np.concatenate([across, down])[:, ::-1].T + places.min(axis=1, keepdims=True)
    if meet.shape[1] < _LEAST_MEETING:
        return None
    far = direction @ places
    order = far.argsort()
    wrong = np.cumsum(np.where(light[order], 1, -1))  # less a constant: light ones before, and dark ones behind
    off = direction @ meet - far[order[int(wrong.argmin())]]
    middle = meet
    for reach in _REACHES:  # pixels that lie off the line say less and less
        weights = 1 / (1 + (off / reach) ** 2)
        middle = (meet * weights).sum(axis=1, keepdims=True) / weights.sum()
        apart = meet - middle
        direction = np.linalg.eigh((apart * weights) @ apart.T)[1][:, 0]
        off = direction @ apart
    return middle.astype(np.float32), direction.astype(np.float32)


def _threshold(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return what parts values so that the variance between both classes is greatest, and which share of all it is.

    By N. Otsu, 1979. Of values that change evenly, as light does, it is three quarters.
    """
    ordered = np.sort(values)
    below = np.cumsum(ordered, dtype=np.float64)
    total, counts, number = float(below[-1]), np.arange(1, len(ordered)), len(ordered)
    between = (below[:-1] - total * counts / number) ** 2 / (counts * (number - counts))
    best = int(between.argmax())
    variance = float(ordered @ ordered) - total**2 / number
    return float(ordered[best] + ordered[best + 1]) / 2, float(between[best]) * number / max(variance, 1e-6)


def _sharp(from_line: NDArray[np.float32], along: NDArray[np.float32], colors: NDArray[np.float32]) -> bool:
    """Return whether colours differ on both sides of a line all along it.

    Args:
        from_line: (N,) how far pixels lie on its far side.
        along: (N,) where along it they lie.
        colors: (N, 3) CIE L*a*b*.
    """
    distance = np.abs(from_line)
    beside = (distance > _BESIDE[0]) & (distance < _BESIDE[1])
    sides = beside & (from_line > 0), beside & (from_line <= 0)
    if not all(side.any() for side in sides):
        return False
    # The line is as long as both sides lie along it: one may go on farther, as beneath a narrower object.
    start = max(float(along[side].min()) for side in sides)
    end = min(float(along[side].max()) for side in sides)
    stretch = np.floor((along - start) * (_STRETCHES / max(end - start, 1e-6)))
    for number in range(_STRETCHES):
        one, other = (colors[side & (stretch == number)] for side in sides)
        if not len(one) or not len(other):
            return False
        if float(np.linalg.norm(one.mean(axis=0) - other.mean(axis=0))) < CONTRAST:
            return False
    return True
