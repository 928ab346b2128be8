"""What keypoints are called, and which of them are joined when they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.keypoints import COCO, COCO_SKELETON
from vision_service.mlmodel.decoders.anchors import FACE_NAMES, BlazeFaceDecoder


def told(
    count: int, names: tuple[str, ...], skeleton: tuple[int, ...]
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Return what the user says of keypoints: their names and pairs of their numbers.

    Args:
        count: How many the model has.
        names: The attribute `keypoint_names`; empty = not set.
        skeleton: The attribute `skeleton`; empty = not set.

    Raises:
        VisionError: INVALID_ARGUMENT, if there are not as many names as keypoints, or no pairs of their numbers.
    """
    if names and len(names) != count:
        msg = f"'keypoint_names' has {len(names)} names, but the model has {count or 'no'} keypoints"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if skeleton and (len(skeleton) % 2 or max(skeleton) >= count):
        msg = f"'skeleton' must be pairs of keypoint numbers from 0 to {count - 1}, not {list(skeleton)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return names, tuple(zip(skeleton[::2], skeleton[1::2], strict=True))


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
