"""All that a model says of an image, drawn on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.drawing.detections import draw_detections
from vision_service.drawing.objects import draw_objects
from vision_service.drawing.whole_image import draw_classifications, draw_label_image
from vision_service.drawing.zones import draw_zones
from vision_service.keypoints import Skeleton
from vision_service.types import CameraIntrinsics
from vision_service.zones.view import ZoneView

DRAWN_CLASSIFICATIONS = 3
"""How many of the best classifications are listed among other results."""


def draw_results(
    rgb: NDArray[np.uint8],
    results: Mapping[str, Any],
    intrinsics: CameraIntrinsics | None = None,
    skeleton: Skeleton = (),
    zones: Sequence[ZoneView] = (),
) -> NDArray[np.uint8]:
    """Return an image with all that a model's methods say of it.

    Args:
        rgb: (H, W, 3) array of uint8; it stays as it is.
        results: What the methods returned, by their names: "detect", "classify", "segment", "label".
        intrinsics: Of the image's camera; without them, objects are not drawn.
        skeleton: Which keypoints of a detection are joined; empty = as in COCO, if they are COCO's.
        zones: The zones of the image's camera, which are drawn below the results.

    Returns:
        A new (H, W, 3) array of uint8, or the image itself if there is nothing to draw.
    """
    if "label" in results:
        rgb = draw_label_image(rgb, results["label"])
    if zones:
        rgb = draw_zones(rgb, zones)
    if "segment" in results and intrinsics is not None:
        rgb = draw_objects(rgb, results["segment"], intrinsics)
    elif "detect" in results:  # which the objects were made of, where there are both
        rgb = draw_detections(rgb, results["detect"], skeleton)
    if results.get("classify"):
        rgb = draw_classifications(rgb, results["classify"][:DRAWN_CLASSIFICATIONS])
    return rgb
