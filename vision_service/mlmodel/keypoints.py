"""What keypoints are called, and which of them are joined when they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_service.mlmodel.decoders.anchors import FACE_NAMES, BlazeFaceDecoder

COCO = (
    "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow",
    "right elbow", "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle",
    "right ankle",
)  # fmt: skip
"""The keypoints of people in COCO, in its order."""

COCO_SKELETON = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10),
    (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip
"""Which of them are joined."""


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
