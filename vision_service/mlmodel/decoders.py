"""What reads a model's outputs: chosen by their form, or named by the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel import blazeface
from vision_service.mlmodel.blazeface import BlazeFaceDecoder
from vision_service.mlmodel.boxes import X_FIRST, Y_FIRST, BoxForm
from vision_service.mlmodel.classification import ClassificationDecoder
from vision_service.mlmodel.detection import DetectionDecoder
from vision_service.mlmodel.roles import find_roles, named_roles
from vision_service.mlmodel.runtime import TensorInfo, describe
from vision_service.mlmodel.segmentation import SegmentationDecoder

Decoder = DetectionDecoder | BlazeFaceDecoder | ClassificationDecoder | SegmentationDecoder

CHOICES = ("auto", "detector", "classifier", "segmentation", "blazeface")

FORMS = {
    "detector": "a detector (boxes [1, N, 4], scores [1, N], classes [1, N], number of detections [1])",
    "classifier": "a classifier (scores [1, N])",
    "segmentation": "a segmentation model (class numbers [1, H, W], or scores [1, H, W, classes])",
    "blazeface": "the face detector BlazeFace for 128×128 pixels (outputs [1, 896, 16] and [1, 896, 1])",
}
"""What each decoder reads, for messages."""


@dataclass(frozen=True)
class DecoderOptions:
    """What the user says of a model's outputs; see the attributes of these names of the model `mlmodel`.

    Attributes:
        labels: How many class names there are.
    """

    decoder: str = "auto"
    remap: Mapping[str, str] = field(default_factory=dict)
    order: tuple[int, ...] = ()
    box_format: str = "auto"
    box_coordinates: str = "auto"
    activation: str = "auto"
    labels: int = 0


def find_decoder(
    outputs: Sequence[TensorInfo],
    probe: Mapping[str, NDArray[Any]],
    options: DecoderOptions | None = None,
    *,
    size: tuple[int, int] = (0, 0),
) -> Decoder:
    """Return what reads a model's outputs.

    Args:
        outputs: The model's.
        probe: What the model returned once, in real values, because the file may not tell shapes.
        options: What the user says; None = nothing.
        size: Width and height of the model's input, pixels.

    Raises:
        VisionError: INVALID_ARGUMENT, if the outputs are of no form that is known, or not of the one that is asked for.
    """
    options = options or DecoderOptions()
    named = named_roles(outputs, options.remap)
    found: dict[str, Decoder | None] = {
        "blazeface": _blazeface(outputs, probe, size),
        "detector": _detector(outputs, probe, named, options),
        "classifier": _classifier(outputs, probe, named, options),
        "segmentation": _segmentation(outputs, probe, options),
    }
    for name, decoder in found.items():
        if decoder is not None and options.decoder in ("auto", name):
            return decoder
    shapes = {info.name: probe[info.name].shape for info in outputs}
    shown = describe([TensorInfo(info.name, info.dtype, shapes[info.name]) for info in outputs])
    if options.decoder == "auto":
        forms = f"neither {FORMS['detector']} nor {FORMS['classifier']} nor {FORMS['segmentation']}"
    else:
        forms = f"not what 'decoder: {options.decoder}' reads, {FORMS[options.decoder]}"
    msg = f"the model returns {shown}, which is {forms}: {_advice(list(shapes.values()), options)}"
    raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _blazeface(
    outputs: Sequence[TensorInfo], probe: Mapping[str, NDArray[Any]], size: tuple[int, int]
) -> BlazeFaceDecoder | None:
    by_shape = {probe[info.name].shape: info.name for info in outputs}
    boxes = by_shape.get((1, blazeface.ANCHORS, blazeface.NUMBERS))
    scores = by_shape.get((1, blazeface.ANCHORS, 1))
    if len(outputs) != 2 or boxes is None or scores is None or size != (blazeface.SIZE, blazeface.SIZE):
        return None
    return BlazeFaceDecoder(boxes, scores)


def _detector(
    outputs: Sequence[TensorInfo],
    probe: Mapping[str, NDArray[Any]],
    named: Mapping[str, str],
    options: DecoderOptions,
) -> DetectionDecoder | None:
    roles = find_roles(outputs, probe, named)
    if not roles:
        return None
    boxes = next(info for info in outputs if info.name == roles["boxes"])
    said = boxes.hints
    form = said.box_format or "corners" if options.box_format == "auto" else options.box_format
    coordinates = said.box_coordinates or "auto" if options.box_coordinates == "auto" else options.box_coordinates
    if coordinates == "auto" and boxes.role:  # the operation that proves the role returns fractions
        coordinates = "normalized"
    order = options.order or said.box_order or (Y_FIRST if form == "corners" else X_FIRST)
    return DetectionDecoder(
        boxes=roles["boxes"],
        scores=roles["scores"],
        classes=roles.get("classes", ""),
        count=roles.get("count", ""),
        form=BoxForm(form, order, coordinates),
        activation=options.activation,
    )


def _classifier(
    outputs: Sequence[TensorInfo],
    probe: Mapping[str, NDArray[Any]],
    named: Mapping[str, str],
    options: DecoderOptions,
) -> ClassificationDecoder | None:
    name = named.get("probability")
    if name is None:
        called = [info.name for info in outputs if info.name == "probability" or info.hints.title == "probability"]
        candidates = called or [info.name for info in outputs]
        if len(candidates) != 1 or named:
            return None
        name = candidates[0]
    values = probe[name]
    longer = [length for length in values.shape if length != 1]
    is_score = values.dtype.kind == "f" or values.dtype in (np.uint8, np.int8)
    if not is_score or values.size == 0 or values.ndim < 2 or values.shape[0] != 1 or len(longer) > 1:
        return None
    return ClassificationDecoder(name, values.size, options.activation)


def _segmentation(
    outputs: Sequence[TensorInfo], probe: Mapping[str, NDArray[Any]], options: DecoderOptions
) -> SegmentationDecoder | None:
    if len(outputs) != 1:
        return None
    name = outputs[0].name
    values = probe[name]
    is_number = values.dtype.kind in "iu" and not outputs[0].scales
    if is_number and values.ndim in (3, 4) and values.shape[0] == 1 and values.squeeze().ndim == 2:
        return SegmentationDecoder(name)
    if values.ndim != 4 or values.shape[0] != 1:
        return None
    asked = options.decoder == "segmentation"
    for axis in (3, 1):
        height, width = (values.shape[other] for other in (1, 2, 3) if other != axis)
        classes = values.shape[axis]
        if min(height, width, classes) > 1 and (
            1 < classes <= options.labels or (asked and axis == _smaller_axis(values))
        ):
            return SegmentationDecoder(name, class_axis=axis)
    return None


def _smaller_axis(values: NDArray[Any]) -> int:
    """Return which of the last and the second axis is the classes': the shorter one, for pictures are larger."""
    return 1 if values.shape[1] < values.shape[3] else 3


def _advice(shapes: Sequence[tuple[int, ...]], options: DecoderOptions) -> str:
    """Return what to do about outputs of these shapes."""
    only = shapes[0] if len(shapes) == 1 else ()
    if len(only) == 4 and 17 in only and 3 in only:
        return "it looks like a pose model, which is not served"
    if len(only) == 3 and min(only[1:]) > 4 and max(only[1:]) > 500:
        return "it looks like the raw output of a YOLO model; let it return boxes, scores and classes one by one"
    if len(only) == 4 and options.decoder == "auto":
        return "if it is a segmentation model, give 'label_path' its labels, or say 'decoder: segmentation'"
    if any(shape[-1:] == (4,) for shape in shapes) and len(shapes) > 1:
        return "if it is a detector, name its outputs by 'remap_output_names' (location, category, score)"
    if len(shapes) > 1 and any(len(shape) == 2 for shape in shapes):
        return "if it is a classifier, name the output with its scores by 'remap_output_names' (probability)"
    return "export it in one of these forms"
