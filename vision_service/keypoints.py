"""Keypoints: COCO's names, and which of them are joined."""

from __future__ import annotations

from collections.abc import Sequence

from vision_service.types import Keypoint

Skeleton = Sequence[tuple[int, int]]
"""Which keypoints are joined when drawn: pairs of places in a detection's keypoints, from 0 on."""

COCO = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""The keypoints of a person in COCO, in its order."""
COCO_SKELETON = (
    *((0, 1), (0, 2), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
    *((5, 6), (5, 7), (7, 9), (6, 8), (8, 10)),
    *((5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16)),
)
"""Those that COCO joins."""


def skeleton_of(keypoints: Sequence[Keypoint], given: Skeleton = ()) -> Skeleton:
    """Return which of an object's keypoints are joined.

    Args:
        keypoints: Of the object.
        given: What the model says; empty = COCO's, if the keypoints are COCO's, else none.
    """
    if given:
        return [(one, other) for one, other in given if max(one, other) < len(keypoints) and min(one, other) >= 0]
    names = tuple(point.name.casefold().replace(" ", "_").replace("-", "_") for point in keypoints)
    return COCO_SKELETON if names == COCO else ()
