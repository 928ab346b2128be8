"""From a model's file, its labels and one run on noise to what the model is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.contract import ATTRIBUTE, FAMILY, METADATA, SHAPES, Contract, Item, shown
from vision_service.mlmodel.decoders import families
from vision_service.mlmodel.decoders.base import Decoder, Facts, Recognition, plain
from vision_service.mlmodel.preprocessing import ImageInput, ImageTensor
from vision_service.mlmodel.runtime import TensorInfo, describe

PROBE_SIZE = (224, 224)
"""Width and height of the noise that a model of any size is probed with, where the file names none."""

LARGEST_VALUE = 4.0
"""Of a mean or deviation of colours from 0 to 1: more is one of colours from 0 to 255."""

LARGEST_SIZE = 16384
"""Of an image in a file's metadata, pixels: more is nonsense."""

OF_OUTPUTS = (
    "activation",
    "background",
    "box_format",
    "box_coordinates",
    "xmin_ymin_xmax_ymax_order",
    "first_class_number",
)
"""Items that say how outputs are read: a user may change those that the family's decoder looks at."""

ANY_BOX_FORM = {"box_format": "corner_size", "box_coordinates": "source_pixels"}
"""What only decoders read whose boxes may be of any form."""

KNOWN_FORMS = (
    "a detector (Ultralytics YOLO, YOLOX, DETR and its kin, SSD, TensorFlow's boxes [1, N, 4], scores [1, N], classes"
    " [1, N] …), a classifier (scores [1, N]) or a segmentation model (class numbers [1, H, W], or scores [1, H, W,"
    " classes])"
)


@dataclass(frozen=True)
class Recognised:
    """What a model is.

    Attributes:
        title: For people.
        contract: All that is known, the user's words put in.
        untold: The same without them.
        decoder: What reads its outputs.
        labels: The class names by number.
    """

    title: str
    contract: Contract
    untold: Contract
    decoder: Decoder
    labels: tuple[str, ...]


def recognise(facts: Facts) -> Recognised:
    """Return what a model is.

    Args:
        facts: All that is known of it.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is of no known form, if it is of one that must not be served, or if neither
            the file nor the user tells what is needed.
    """
    for family in families(facts.asked):
        try:
            found = family.recognise(facts)
        except VisionError:
            raise
        except Exception as error:  # it may be of another package
            msg = f"the decoder {family.name!r} failed on this model: {error!r}; choose another one by 'decoder'"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from error
        if found is not None:
            return _told(facts, family.name, found)
    shapes = {info.name: facts.shape(info.name) for info in facts.outputs}
    returned = describe([TensorInfo(info.name, info.dtype, shapes[info.name]) for info in facts.outputs])
    if facts.asked:
        msg = f"the model returns {returned}, which is not what 'decoder: {facts.asked}' reads"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    msg = f"the model returns {returned}, which is of no form that is known: {KNOWN_FORMS}; {_advice(facts)}"
    raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _told(facts: Facts, name: str, found: Recognition) -> Recognised:
    image = facts.image
    size = (image.width, image.height)
    labels = facts.labels if found.labels is None else found.labels
    items: dict[str, Item] = {
        "decoder": Item(name, ATTRIBUTE if facts.asked else found.source, found.why),
        "input": Item(f"{image.info.name} {image.info.dtype} {image.layout}", SHAPES),
        "input_size": input_size(facts)[1] if not all(size) else Item(size, SHAPES),
        **found.items,
        "labels": _labels_item(facts, labels),
    }
    # What the user's way of resizing needs to know besides, where the family has another.
    rule = str(facts.given.get("resize", ""))
    if rule.startswith("letterbox"):
        items.setdefault("letterbox_color", Item(0, FAMILY))
    elif rule == "center_crop":
        items.setdefault("shorter_edge", Item(max(size), FAMILY))
    untold = Contract(items)
    contract = untold.told(facts.given)
    contract.check()
    values = _Read({name: item.value for name, item in contract.items()})
    decoder = found.make(values)
    for name, value in ANY_BOX_FORM.items():
        if facts.given.get(name) == value and not getattr(decoder, "any_box_form", False):
            msg = f"'{name}: {value}' is not possible for this model ({found.title}): its boxes have another form"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    for name in OF_OUTPUTS:
        if name in facts.given and name in untold and name not in values.names:
            usual = untold.value(name)
            if usual != facts.given[name]:
                msg = f"{name!r} cannot be changed for this model ({found.title}): it is {shown(usual)}; leave it out"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return Recognised(found.title, contract, untold, decoder, labels)


def _labels_item(facts: Facts, labels: tuple[str, ...]) -> Item:
    """Return how many class names there are, and whose they are."""
    if not labels:
        return Item("numbers", FAMILY, "nobody names the classes")
    if not facts.labels:
        return Item(f"{len(labels)} names", FAMILY)
    why = facts.file.labels_from if facts.labels_source == METADATA else ""
    return Item(f"{len(labels)} names", facts.labels_source, why)


class _Read(dict[str, Any]):
    """Values that note which of them were read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def input_size(facts: Facts) -> tuple[tuple[int, int], Item]:
    """Return width and height of what a model sees that takes any size (0 = the image's own), and who says so."""
    given = facts.given.get("input_size")
    if given:
        return (given[0], given[1]), Item(tuple(given), ATTRIBUTE)
    said = _metadata_size(facts.file.metadata.get("imgsz"))
    if said:
        return said, Item(said, METADATA)
    size = (facts.image.width, facts.image.height)
    return size, Item(size if all(size) else "the image's own", SHAPES)


def _metadata_size(value: Any) -> tuple[int, int] | None:
    """Return width and height from the metadata's height and width; None if they are none."""
    numbers = [value, value] if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(numbers, list | tuple) or len(numbers) != 2:
        return None
    if not all(isinstance(number, int) and 1 <= number <= LARGEST_SIZE for number in numbers):
        return None
    return int(numbers[1]), int(numbers[0])


def probe_size(image: ImageTensor, metadata: Mapping[str, Any], given: tuple[int, ...]) -> tuple[int, int]:
    """Return width and height of the noise that a model is probed with.

    Args:
        image: The input that takes the image.
        metadata: What the file says.
        given: The attribute `input_size`; empty = not set.
    """
    usual = (given[0], given[1]) if given else _metadata_size(metadata.get("imgsz")) or PROBE_SIZE
    return image.width or usual[0], image.height or usual[1]


def noise(image: ImageTensor, size: tuple[int, int]) -> NDArray[Any]:
    """Return a tensor of uniform noise, the same every time.

    Grey or black would do for many models, but some return then what others do.

    Args:
        image: The input that takes the image.
        size: Width and height, pixels.
    """
    channels = image.channels
    shape = (channels, size[1], size[0]) if image.channels_first else (size[1], size[0], channels)
    # Not of NumPy: to import its random numbers takes 2 MB, which a node keeps.
    noise_bytes = Random(0).randbytes(math.prod(shape))  # noqa: S311
    values = np.frombuffer(noise_bytes, np.uint8).reshape(shape).astype(int)
    dtype = np.dtype(image.info.dtype)
    if dtype.kind == "f":
        tensor = (values / 255).astype(dtype)
    else:
        tensor = (values - (128 if dtype == np.int8 else 0)).astype(dtype)
    return tensor[np.newaxis] if image.batched else tensor


def make_input(image: ImageTensor, contract: Contract) -> ImageInput:
    """Return how a model takes its image, by its contract.

    Args:
        image: The input.
        contract: What the model is.

    Raises:
        VisionError: INVALID_ARGUMENT, if mean or deviation do not fit the input's channels.
    """
    size = contract.value("input_size")
    width, height = size if isinstance(size, tuple) else (image.width, image.height)
    rule = contract.value("resize")
    made = ImageInput(
        image,
        width,
        height,
        stride=0 if image.width and image.height else int(contract.value("stride", 0)),
        bgr=contract.value("color_order") == "bgr",
        rule=rule,
        way=contract.value("interpolation"),
        shorter_edge=int(contract.value("shorter_edge", 0)),
        border=int(contract.value("letterbox_color", 0)),
    )
    mean, std = (_channels(image, contract, name) for name in ("input_image_mean_value", "input_image_std_dev"))
    if (mean is None) != (std is None):  # the user has set one of them
        mean = mean or (0.5,) * image.channels
        std = std or (0.5,) * image.channels
    return made.with_values(mean, std, truncate=contract.value("input_rounding") == "truncate")


def _channels(image: ImageTensor, contract: Contract, name: str) -> tuple[float, ...] | None:
    """Return one number for each channel; None = the image's own values."""
    values = contract.value(name)
    if values is None:
        return None
    values = tuple(float(value) for value in values)
    if contract[name].source == ATTRIBUTE and any(abs(value) > LARGEST_VALUE for value in values):
        instead = [round(value / 255, 6) for value in values]
        msg = f"{name!r} is of colours from 0 to 1, not to 255: {list(values)} is {instead} here"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if name == "input_image_std_dev" and 0 in values:
        msg = f"{name!r} is divided by, so that no number may be 0: {list(values)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if len(values) == image.channels:
        return values
    if contract[name].source == ATTRIBUTE:
        wanted = {1: "one number", 3: "three numbers", 4: "four numbers"}[image.channels]
        msg = f"{name!r} needs {wanted}, one for each channel of {image.info}, not {list(values)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return (sum(values) / len(values),) * image.channels


def _advice(facts: Facts) -> str:
    """Return what to do about outputs of unknown form."""
    shapes = [facts.shape(info.name) for info in facts.outputs]
    only = shapes[0] if len(shapes) == 1 else ()
    names = set(facts.by_name())
    if {"class_queries_logits", "masks_queries_logits"} <= names:
        return "it is a Mask2Former, MaskFormer or OneFormer, whose masks are not served"
    if len(only) == 4 and 17 in only and 3 in only:
        return "it looks like a pose model, which is not served"
    if len(only) == 3 and min(only[1:]) > 4 and max(only[1:]) > 500:
        return (
            "it looks like a raw head of another make, or for another input size; let it return boxes, scores and"
            " classes one by one"
        )
    if any(shape[-1:] == (4,) for shape in shapes) and len(shapes) > 1:
        return "if it is a detector, name its outputs by 'remap_output_names' (location, category, score)"
    if len(shapes) > 1 and any(len(shape) == 2 for shape in shapes):
        return "if it is a classifier, name the output with its scores by 'remap_output_names' (probability)"
    called = [plain(info.name) for info in facts.outputs]
    if any("landmark" in name for name in called):
        return "landmarks are not served"
    return "export it in one of these forms"
