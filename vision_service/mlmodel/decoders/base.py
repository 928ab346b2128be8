"""What a decoder is, and what it is recognised by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.background import without_background
from vision_service.mlmodel.contract import ASSUMED, FAMILY, METADATA, PROBE, Item
from vision_service.mlmodel.file_facts import FileFacts
from vision_service.mlmodel.found import UNLIKELY, Found
from vision_service.mlmodel.placement import Placement
from vision_service.mlmodel.preprocessing import ImageTensor
from vision_service.mlmodel.runtime import TensorInfo, Tensors

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the images of ImageNet, red, green, blue."""

ROUNDING = 2e-3
"""How far probabilities may leave 0 to 1 in a quantized or half-precision model."""

_SAME = np.ones(4)
_SAME.setflags(write=False)

Values = Mapping[str, Any]
"""The values of a contract's items by name."""


@dataclass(frozen=True)
class Facts:
    """All that is known of a model before anything is decided.

    Attributes:
        image: The input that takes the image.
        size_input: The input that takes the image's size, or None.
        outputs: The model's outputs.
        probe: What it returned for noise, in real values: shapes, and what only they can rule out.
        size: Width and height of that noise, pixels.
        file: What the file says of itself.
        labels: The class names that the user or the file gives; empty = none.
        labels_source: Which of them.
        roles: What the user says of outputs: tensor name by role.
        asked: The decoder that the user asks for; empty = whatever fits.
        given: The attributes that the user has set, by name.
        kind: What runs the model: "LiteRT", "ONNX Runtime".
    """

    image: ImageTensor
    size_input: TensorInfo | None
    outputs: Sequence[TensorInfo]
    probe: Tensors
    size: tuple[int, int]
    file: FileFacts = field(default_factory=FileFacts)
    labels: tuple[str, ...] = ()
    labels_source: str = METADATA
    roles: Mapping[str, str] = field(default_factory=dict)
    asked: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""

    @property
    def values(self) -> list[NDArray[Any]]:
        """What the outputs returned, in their order."""
        return [self.probe[info.name] for info in self.outputs]

    def is_float(self, name: str) -> bool:
        """Return whether an output's real values are fractions."""
        return bool(self.probe[name].dtype.kind == "f")

    def by_name(self) -> dict[str, str]:
        """Return the outputs' names by what is left of them in lower case, without scope and number."""
        return {plain(info.name): info.name for info in self.outputs}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape that an output had in the probe."""
        return self.probe[name].shape

    def only(self) -> NDArray[Any] | None:
        """Return what the only output returned; None if there are several."""
        return self.values[0] if len(self.outputs) == 1 else None


class Decoder(Protocol):
    """Reads a model's outputs. It has the methods of what it serves as: decode, scores or labels.

    Attributes:
        serves: "detect", "classify" or "label".
    """

    serves: ClassVar[str]

    @property
    def extras(self) -> frozenset[str]:
        """What its detections carry besides the box, of :data:`vision_service.vision.model.EXTRAS`."""


class Detector(Decoder, Protocol):
    """A decoder of detections."""

    def decode(self, tensors: Tensors, placement: Placement, minimum: float) -> Found:
        """Return what the model found, in any order, not yet suppressed.

        Args:
            tensors: What the model returned, in real values.
            placement: Where the image lies in the model's input.
            minimum: The least score that matters.
        """


class Classifier(Decoder, Protocol):
    """A decoder of classes of the whole image."""

    def scores(self, tensors: Tensors) -> NDArray[np.float64]:
        """Return the (N,) scores, 0 to 1, by class number.

        Args:
            tensors: What the model returned, in real values.
        """


class Labeller(Decoder, Protocol):
    """A decoder of classes of pixels."""

    def labels(self, tensors: Tensors, placement: Placement) -> NDArray[np.uint16]:
        """Return the (H, W) class numbers in the source image's size.

        Args:
            tensors: What the model returned, in real values.
            placement: Where the image lies in the model's input.
        """


@dataclass(frozen=True)
class Recognition:
    """What a family says of a model that is one of its own.

    Attributes:
        title: What the model is, for people: "Ultralytics YOLO, detection".
        source: Why it is taken for that, one of :data:`vision_service.mlmodel.contract.SOURCES`.
        why: More of that.
        items: How it takes its image and what its outputs mean; see :mod:`vision_service.mlmodel.contract`.
        make: Makes the decoder of the items' values.
        labels: The class names by class number; None = those of the facts, number by number.
    """

    title: str
    source: str
    items: Mapping[str, Item]
    make: Callable[[Values], Decoder]
    why: str = ""
    labels: tuple[str, ...] | None = None


class Family(Protocol):
    """Models of one make: the plugin interface of decoders, entry point group `vision_service.decoders`.

    Attributes:
        name: What the attribute `decoder` calls it.
    """

    name: str

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the model is; None if it is not of this family.

        Args:
            facts: All that is known of it. Where ``facts.asked`` is the family's name, the user says that it is.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is of the family or close to it, but must not be served: by name.
        """


def from_zero(recognise: Callable[[Any, Facts], Recognition | None]) -> Callable[[Any, Facts], Recognition | None]:
    """Wrap a family's recognise whose models number their classes from 0.

    A first line for no class in the user's label file is left out, unless the labels only fit with it. The file's own
    names stand at their numbers.
    """

    @wraps(recognise)
    def wrapped(self: Any, facts: Facts) -> Recognition | None:
        labels = without_background(facts.labels)
        if facts.labels_source == METADATA or labels == facts.labels:
            return recognise(self, facts)
        try:
            found = recognise(self, replace(facts, labels=labels))
        except VisionError:
            return recognise(self, facts)
        return found if found is None or found.labels is not None else replace(found, labels=labels)

    return wrapped


FARTHEST_FRACTION = 2.0
"""Boxes that reach further than this are in pixels: fractions of an image hardly leave 0 to 1."""


def reach_of(values: NDArray[Any]) -> float:
    """Return how far coordinates reach; 0 if there are none, or none that is a number."""
    sizes = np.abs(values.astype(np.float64))  # UNLIKELY is no number of half precision
    finite = sizes[sizes < UNLIKELY]
    return float(finite.max()) if finite.size else 0.0


def unit_item(boxes: NDArray[Any], usual: str) -> Item:
    """Return the unit of boxes: the family's, unless what the model returned for noise contradicts it.

    Args:
        boxes: What the model returned.
        usual: "pixels" or "normalized".
    """
    reach = reach_of(boxes)
    seen = "pixels" if reach > FARTHEST_FRACTION else "normalized"
    return Item(seen, PROBE) if reach and seen != usual else Item(usual, FAMILY)


def plain(name: str) -> str:
    """Return what is left of a tensor's name in lower case, without scope and number."""
    return name.lower().rpartition("/")[2].partition(":")[0].replace(" ", "_")


def refuse(reason: str) -> VisionError:
    """Return the error that refuses a model."""
    return VisionError(ErrorCode.INVALID_ARGUMENT, reason)


def are_probabilities(values: NDArray[Any]) -> bool:
    """Return whether all values lie in 0 to 1."""
    return bool(values.size == 0 or (values.min() >= -ROUNDING and values.max() <= 1 + ROUNDING))


def sum_to_one(values: NDArray[Any]) -> bool:
    """Return whether the values along the last axis are no less than 0 and sum to 1 everywhere."""
    return bool(values.size and are_probabilities(values) and np.abs(values.sum(axis=-1) - 1).max() <= 1e-2)


# How an image fills an input: the items that most families share.


def image_items(
    *,
    resize: str,
    way: str,
    mean: tuple[float, ...] | None = (0.0, 0.0, 0.0),
    std: tuple[float, ...] | None = (1.0, 1.0, 1.0),
    bgr: bool = False,
    border: int = 0,
    source: str = FAMILY,
    values_source: str = "",
    why: str = "",
    **more: Any,
) -> dict[str, Item]:
    """Return the items of an input.

    Args:
        resize: How the image fills it, one of :data:`vision_service.mlmodel.placement.RULES`.
        way: How it is resized, one of :data:`vision_service.mlmodel.resizing.CHOICES`.
        mean: Of the values 0 to 1 by channel; None = the image's own values.
        std: Likewise.
        bgr: Whether the colours' order is blue, green, red.
        border: Of a letterbox, 0 to 255.
        source: Who says so.
        values_source: Who says what the values are, if another.
        why: More of that.
        **more: Further items.
    """
    letterbox = {"letterbox_color": border} if resize.startswith("letterbox") else {}
    return {
        "resize": Item(resize, source, why),
        **{name: Item(value, source) for name, value in letterbox.items()},
        "interpolation": Item(way, FAMILY if source == ASSUMED else source),
        "color_order": Item("bgr" if bgr else "rgb", FAMILY if source == ASSUMED else source),
        "input_image_mean_value": Item(mean, values_source or source),
        "input_image_std_dev": Item(std, values_source or source),
        **{name: Item(value, source) for name, value in more.items()},
    }


def detection_items(
    *,
    box_format: str,
    coordinates: str,
    nms: str = "none",
    iou: float = 1.0,
    activation: str = "none",
    background: str = "none",
    source: str = FAMILY,
) -> dict[str, Item]:
    """Return the items of a detector's outputs.

    Args:
        box_format: One of :data:`vision_service.mlmodel.boxes.FORMATS`.
        coordinates: "normalized", "pixels" (of the input) or "source_pixels".
        nms: One of :data:`vision_service.mlmodel.suppression.MODES`.
        iou: From which intersection over union on two boxes are one.
        activation: What makes probabilities of the scores.
        background: Where the class that means nothing stands: "first", "last" or "none".
        source: Who says so.
    """
    return {
        "box_format": Item(box_format, source),
        "box_coordinates": Item(coordinates, source),
        "activation": Item(activation, source),
        "background": Item(background, source),
        "nms": Item(nms, source),
        **({"nms_iou_threshold": Item(iou, source)} if nms != "none" else {}),
    }


def scale_of(coordinates: str, placement: Placement) -> NDArray[np.float64]:
    """Return by what boxes are multiplied to be in pixels of the input: (4,)."""
    return placement.size_of_boxes if coordinates == "normalized" else _SAME
