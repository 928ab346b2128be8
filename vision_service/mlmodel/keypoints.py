"""What keypoints are called, and which of them are joined when they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_service.keypoints import COCO, COCO_SKELETON
from vision_service.mlmodel.decoders.anchors import FACE_NAMES, BlazeFaceDecoder


def names_and_skeleton(
    decoder: Any, metadata: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Return the names of a model's keypoints and which are joined; both empty if it has none.

    Args:
        decoder: What reads them.
        metadata: What the file says: `kpt_names` goes before COCO's names, which 17 keypoints have.
    """
    if isinstance(decoder, BlazeFaceDecoder):
        return FACE_NAMES, ()
    count = getattr(decoder, "keypoints", (0, 0))[0]
    if not count:
        return (), ()
    said = metadata.get("kpt_names")
    if isinstance(said, dict):  # by class number; all of a model's classes have the same
        said = next(iter(said.values()), None)
    if isinstance(said, list | tuple) and len(said) == count:
        return tuple(str(name) for name in said), COCO_SKELETON if count == len(COCO) else ()
    if count == len(COCO):
        return COCO, COCO_SKELETON
    return tuple(str(number) for number in range(count)), ()
