"""What an image shows as a whole: its classifications, and the class of each pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision_service.drawing.styles import class_color, draw_label, label, printable, style
from vision_service.opencv import cv2
from vision_service.types import Classification, LabelImage

BACKGROUND = frozenset({"background", "__background__", "???", ""})
"""Names of classes that stand for nothing in particular."""


def draw_classifications(rgb: NDArray[np.uint8], classifications: Sequence[Classification]) -> NDArray[np.uint8]:
    """Return an image with the classifications listed in its upper left corner, as many as there is room for.

    Args:
        rgb: (H, W, 3) array of uint8; it stays as it is.
        classifications: What to list, in this order.

    Returns:
        A new (H, W, 3) array of uint8.
    """
    image = np.array(rgb, order="C")
    height, width = image.shape[:2]
    sizes = style(width, height)
    step = sizes.label_height + sizes.line
    for row, classification in enumerate(classifications[: max(1, (height - sizes.padding) // step)]):
        text = label(classification, width - sizes.padding, sizes)
        color = class_color(classification.class_name)
        draw_label(image, sizes.padding, sizes.padding + row * step, text, color, sizes)
    return image


def draw_label_image(rgb: NDArray[np.uint8], result: LabelImage) -> NDArray[np.uint8]:
    """Return a copy of an image, tinted by what each pixel shows, with the names of the classes at the top left.

    What is background keeps its colours.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        result: Of the same size.
    """
    number_of = {name: number for number, name in reversed(list(enumerate(result.class_names)))}
    colors = np.array([class_color(name) for name in result.class_names], np.uint8)
    shown = np.isin(result.labels, [number for name, number in number_of.items() if name not in BACKGROUND])
    mixed = cv2.addWeighted(rgb, 0.5, colors[np.minimum(result.labels, len(colors) - 1)], 0.5, 0)
    image = np.where(shown[..., None], mixed, rgb)
    height, width = image.shape[:2]
    sizes = style(width, height)
    for row, number in enumerate(np.unique(result.labels[shown])):
        name = result.class_names[number]
        top = row * sizes.label_height
        if top < height:
            draw_label(image, 0, top, printable(name), class_color(name), sizes)
    return image
