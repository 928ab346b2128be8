"""Training samples: images of random scenes, as a model's input has them, and what is true of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.filling import resize
from vision_service.rendering.renderer import Box, Renderer, Rendering
from vision_service.rendering.scene import CLASSES, Scene, pinhole

TRAINING_SEEDS = range(1_000_000, 1_002_400)
"""Of the scenes trained on; those that the models are measured on have seeds below 10000."""

NOTHING = "nothing"
"""What the classifier calls a table without a solid."""

CLASSIFIED = (*CLASSES, NOTHING)
"""The classifier's labels, in the order of their numbers."""

DETECTOR_SIZE = (256, 192)
CLASSIFIER_SIZE = (128, 96)
"""Width and height of the models' inputs, pixels."""

MOST_OBJECTS = 16
"""How many rows an array of an image's objects has."""

_IMAGES = 6  # of each scene, because a room costs as much as fifty images of it
_PERIOD = 2.7  # seconds between them
_SIZES = ((640, 480), (640, 480), (480, 360), (320, 240), (640, 360))


@dataclass(frozen=True, eq=False)
class Samples:
    """What the models learn from.

    Attributes:
        images: (N, H, W, 3) uint8, RGB, for the detector.
        objects: (N, MOST_OBJECTS, 6) float32, what each shows: y_min, x_min, y_max, x_max as fractions of the image,
            class number, visible fraction; a visible fraction of 0 = no object.
        crops: (M, h, w, 3) uint8, RGB, for the classifier.
        labels: (M,) int32, the place in CLASSIFIED.
    """

    images: NDArray[np.uint8]
    objects: NDArray[np.float32]
    crops: NDArray[np.uint8]
    labels: NDArray[np.int32]

    @classmethod
    def joined(cls, parts: list[Samples]) -> Samples:
        """Return all samples of several."""
        return cls(
            np.concatenate([part.images for part in parts]),
            np.concatenate([part.objects for part in parts]),
            np.concatenate([part.crops for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )


def render_all(seeds: range) -> Iterator[Samples]:
    """Yield the samples of one scene after another, in the order of their seeds; rendered by all processors."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from pool.map(render_scene, seeds, chunksize=8)


def render_scene(seed: int) -> Samples:
    """Return what the scene of a seed gives: wider in every respect than what the `synthetic` driver shows."""
    cv2.setNumThreads(1)  # the processors are busy with other scenes
    rng = np.random.default_rng((seed, 10))
    kind = rng.random()
    # A fifth with one solid, for the classifier; a few empty, a few crowded.
    count = 1 if kind < 0.2 else 0 if kind < 0.23 else int(rng.integers(7, 11)) if kind < 0.35 else None
    # Half of them as different and as much behind each other as can be: those are hard, and what users see is easier.
    variety = 1.0 if rng.random() < 0.5 else rng.uniform(0.3, 1.0)
    occlusion = 1.0 if rng.random() < 0.5 else rng.uniform(0.4, 1.0)
    scene = Scene.random(seed, count=count, variety=variety, occlusion=occlusion)
    width, height = _SIZES[int(rng.integers(len(_SIZES)))]
    renderer = Renderer(scene, pinhole(width, height), noise=rng.uniform(0.0, 4.0))
    images, objects, crops, labels = [], [], [], []
    for number in range(_IMAGES):
        rendering = renderer.render(number * _PERIOD)
        whole = Box(0, 0, width, height)
        window = whole if number % 2 else _zoomed(rng, whole)
        images.append(_cut(rendering, window, DETECTOR_SIZE))
        objects.append(_objects(rendering, window))
        for window, label in _classified(rng, rendering, whole):
            crops.append(_cut(rendering, window, CLASSIFIER_SIZE))
            labels.append(CLASSIFIED.index(label))
    return Samples(
        np.stack(images),
        np.stack(objects),
        np.stack(crops) if crops else np.empty((0, *CLASSIFIER_SIZE[::-1], 3), np.uint8),
        np.array(labels, np.int32),
    )


def _zoomed(rng: np.random.Generator, whole: Box) -> Box:
    """Return a part of the image, of half its width and height at the least, its shape a little different."""
    width, height = (round(edge * rng.uniform(0.5, 1.0)) for edge in whole[2:])
    x, y = int(rng.integers(whole.x_max - width + 1)), int(rng.integers(whole.y_max - height + 1))
    return Box(x, y, x + width, y + height)


def _cut(rendering: Rendering, window: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a window of the image as the vision model `mlmodel` gives it to a model of that input size."""
    part = rendering.color[window.y_min : window.y_max, window.x_min : window.x_max]
    return resize(part, *size)


def _objects(rendering: Rendering, window: Box) -> NDArray[np.float32]:
    """Return the rows of Samples.objects for a window of an image."""
    ids = rendering.ids[window.y_min : window.y_max, window.x_min : window.x_max]
    pixels = np.bincount(rendering.ids.ravel(), minlength=256)
    rows = np.zeros((MOST_OBJECTS, 6), np.float32)
    for row, truth in zip(rows, rendering.truth, strict=False):
        mask = (ids == truth.id).view(np.uint8)
        seen = int(np.count_nonzero(mask))
        if seen:
            left, top, width, height = cv2.boundingRect(mask)
            box = np.array([top, left, top + height, left + width]) / (ids.shape * 2)
            fraction = truth.visible_fraction * seen / pixels[truth.id]
            row[:] = (*box, CLASSES.index(truth.class_name), fraction)
    return rows


def _classified(rng: np.random.Generator, rendering: Rendering, whole: Box) -> Iterator[tuple[Box, str]]:
    """Yield windows of an image and what the classifier shall say of them.

    The whole image and a part of it, if there is one solid or none; else a window around one of the solids, as a
    detector's box would be cut out, and now and then one where there is none.
    """
    truth = rendering.truth
    if not truth:
        yield whole, NOTHING
        yield _zoomed(rng, whole), NOTHING
    elif len(truth) == 1:
        yield whole, truth[0].class_name
        yield _around(rng, truth[0].box, 2.0, whole), truth[0].class_name
    else:
        chosen = truth[int(rng.integers(len(truth)))]
        if chosen.visible_fraction > 0.7:
            yield _around(rng, chosen.box, 0.4, whole), chosen.class_name
        window = _zoomed(rng, _zoomed(rng, whole))
        if rng.random() < 0.5 and not rendering.ids[window.y_min : window.y_max, window.x_min : window.x_max].any():
            yield window, NOTHING


def _around(rng: np.random.Generator, box: Box, margin: float, whole: Box) -> Box:
    """Return a box with a margin on each side, up to so many of its widths or heights, within the image."""
    width, height = box.x_max - box.x_min, box.y_max - box.y_min
    left, top, right, bottom = np.round(rng.uniform(0.0, margin, 4) * (width, height, width, height)).astype(int)
    return Box(
        max(box.x_min - int(left), 0),
        max(box.y_min - int(top), 0),
        min(box.x_max + int(right), whole.x_max),
        min(box.y_max + int(bottom), whole.y_max),
    )
