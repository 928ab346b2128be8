"""Classes of pixels: their numbers [1, H, W], or a score for each class [1, C, H, W] or [1, H, W, C]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.contract import ASSUMED, ATTRIBUTE, FAMILY, GRAPH, LABELS, NAMES, SHAPES, Item, known
from vision_service.mlmodel.decoders.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Facts,
    Recognition,
    are_probabilities,
    image_items,
    plain,
    refuse,
)
from vision_service.mlmodel.decoders.tensorflow import values_items
from vision_service.mlmodel.masks import best_classes
from vision_service.mlmodel.placement import Placement

SMALLEST = 16
"""Height and width of a map of pixels, at least: less is something else."""

IGNORED = 255
"""The number of pixels without a class, as data sets have it; models mean it by numbers below 0."""

LARGEST_NUMBER = 4095
"""Of a class: data sets have some thousands at most."""

AUXILIARY = re.compile(r"aux|deep|side|^d[1-6]$|^s[1-6]$", re.IGNORECASE)
"""How outputs are called that only training needs."""

MASK = re.compile(r"mask|sal|seg|alpha|foreground", re.IGNORECASE)

DEPTH = re.compile(r"depth|disparity", re.IGNORECASE)


@dataclass(frozen=True)
class NumbersDecoder:
    """Reads the class number of each pixel.

    Attributes:
        output: The output's name; further axes of one do not matter.
    """

    output: str

    serves: ClassVar[str] = "label"
    extras: ClassVar[frozenset[str]] = frozenset()

    def labels(self, tensors: Mapping[str, NDArray[Any]], placement: Placement) -> NDArray[np.uint16]:
        """Return the class numbers in the source image's size."""
        values = tensors[self.output]
        numbers = values.reshape(values.squeeze().shape)
        if numbers.dtype.kind == "i" or numbers.dtype.itemsize > 2:
            numbers = np.where(numbers < 0, IGNORED, numbers)
            if numbers.max() > LARGEST_NUMBER:
                msg = f"the model has returned the class number {int(numbers.max())}, which is none"
                raise VisionError(ErrorCode.MODEL_ERROR, msg)
        return placement.map_labels(numbers.astype(np.uint16))


@dataclass(frozen=True)
class ScoresDecoder:
    """Reads a score for each class at each pixel; only their order counts, so quantized ones may stay so.

    Attributes:
        output: The output's name.
        classes_last: Whether it is [1, H, W, C].
    """

    output: str
    classes_last: bool = False

    only_order: ClassVar[bool] = True

    serves: ClassVar[str] = "label"
    extras: ClassVar[frozenset[str]] = frozenset()

    def labels(self, tensors: Mapping[str, NDArray[Any]], placement: Placement) -> NDArray[np.uint16]:
        """Return the likeliest class in the source image's size; scores are enlarged before they are compared."""
        values = tensors[self.output][0]
        return best_classes(values.transpose(2, 0, 1) if self.classes_last else values, placement)


@dataclass(frozen=True)
class MaskDecoder:
    """Reads how likely each pixel shows the only class.

    Attributes:
        output: The output's name, [1, 1, H, W] or [1, H, W] or [1, H, W, 1].
        threshold: From which value on it does.
    """

    output: str
    threshold: float = 0.5

    serves: ClassVar[str] = "label"
    extras: ClassVar[frozenset[str]] = frozenset()

    def labels(self, tensors: Mapping[str, NDArray[Any]], placement: Placement) -> NDArray[np.uint16]:
        """Return 1 where the class is, else 0, in the source image's size."""
        values = tensors[self.output]
        scores = placement.map_scores(np.ascontiguousarray(values.reshape(values.shape[-3:]).squeeze(), np.float32))
        return (scores > self.threshold).astype(np.uint16)


class Segmentation:
    """Models that say of each pixel which class it shows."""

    name = "segmentation"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what shapes, labels and names say; maps that are no classes are refused by name."""
        found = self._output(facts)
        if found is None:
            return None
        name, values = found
        if values.dtype.kind in "iu" and values.ndim in (3, 4) and values.squeeze().ndim == 2:
            height, width = values.squeeze().shape
            if DEPTH.search(name):
                raise refuse(f"it returns a depth map ({name!r}), no class numbers: it is not served")
            if abs(width / height - facts.size[0] / facts.size[1]) > 0.1 and facts.asked != self.name:
                return None
            items = self._image(facts, pytorch=False)
            return Recognition("segmentation, class numbers", SHAPES, items, lambda _: NumbersDecoder(name))
        if values.dtype.kind != "f" or values.ndim not in (3, 4):
            return None
        if values.ndim == 3 or 1 in (values.shape[1], values.shape[3]):
            return self._mask(facts, name, values)
        return self._scores(facts, name, values)

    def _output(self, facts: Facts) -> tuple[str, NDArray[Any]] | None:
        """Return the output with the map; those that only training needs are left aside."""
        maps = [
            (info.name, facts.probe[info.name])
            for info in facts.outputs
            if facts.probe[info.name].ndim in (3, 4)
            and facts.probe[info.name].shape[0] == 1
            and (facts.probe[info.name].ndim == 4 or self._may_be_plane(facts, facts.probe[info.name].shape))
        ]
        if len(maps) > 1:
            first, main = maps[0], [item for item in maps if not AUXILIARY.search(plain(item[0]))]
            same = all(item[1].shape == first[1].shape for item in maps)
            maps = main if len(main) == 1 else [first] if same and len(main) < len(maps) else []
        return maps[0] if len(maps) == 1 and (len(facts.outputs) == 1 or maps) else None

    def _may_be_plane(self, facts: Facts, shape: tuple[int, ...]) -> bool:
        """Return whether [1, H, W] may be a map of pixels; beside other outputs, rows of numbers are none."""
        alone = len(facts.outputs) == 1
        return min(shape[1:]) >= SMALLEST and (alone or abs(shape[2] / shape[1] - facts.size[0] / facts.size[1]) < 0.1)

    def _mask(self, facts: Facts, name: str, values: NDArray[Any]) -> Recognition | None:
        """Return a map of one channel: a mask, if the name and the values say so, or the user does."""
        height, width = values.squeeze().shape[-2:] if values.squeeze().ndim >= 2 else (0, 0)
        if min(height, width) < SMALLEST:
            return None
        if values.ndim == 3 and facts.size[0] and height * 8 < facts.size[1]:
            raise refuse(
                f"it returns a sequence {list(values.shape)}: a text recogniser's text, or tokens; neither is served"
            )
        if values.ndim == 3 and abs(width / height - facts.size[0] / facts.size[1]) > 0.1:
            raise refuse(
                f"it returns {list(values.shape)}: a sequence (text), tokens or features, or a raw head of another"
                " make or for another input size; none of them is served"
            )
        if DEPTH.search(name):
            raise refuse(f"it returns a depth map ({name!r}): metres or disparities and no classes; it is not served")
        inside = are_probabilities(values)
        if facts.asked != self.name and not (MASK.search(name) and inside):
            raise refuse(
                f"it returns a map of one channel {list(values.shape)}: it may be a mask, saliency or depth; if it is"
                " the mask of one class, say 'decoder: segmentation'"
            )
        labels = facts.labels
        if len(labels) == 1:
            labels = ("background", *labels)
        threshold = 0.5 if inside else 0.0
        return Recognition(
            "segmentation, one mask",
            ATTRIBUTE if facts.asked else NAMES,
            self._image(facts, pytorch=facts.image.channels_first, plain_values=True),
            lambda _: MaskDecoder(name, threshold),
            labels=labels,
        )

    def _scores(self, facts: Facts, name: str, values: NDArray[Any]) -> Recognition | None:
        labels = len(facts.labels)
        spaces = ".".join(facts.file.namespaces)
        hugging_face = plain(name) == "logits" and facts.image.info.name == "pixel_values"
        proven = "segformer" in spaces
        axes = [axis for axis in (1, 3) if min(values.shape[1:]) > 1]
        where = 1 if facts.image.channels_first else 3
        equal = [axis for axis in axes if labels and values.shape[axis] == labels]
        fit = [axis for axis in equal if axis == where or self._is_map(facts, values, axis)]
        few = [
            axis for axis in axes if labels and 1 < values.shape[axis] < labels and self._is_map(facts, values, axis)
        ]
        usual = self._usual_axis(facts, values)
        if len(fit) == 1:
            axis, source, why = fit[0], LABELS, f"{labels} labels for as many channels"
        elif facts.asked == self.name or hugging_face or proven:
            axis = usual
            source = GRAPH if proven else NAMES if hugging_face else ATTRIBUTE
            why = "the outputs of SegFormer and its kin" if hugging_face else ""
            if labels and not facts.asked:
                raise refuse(f"it has {values.shape[axis]} channels, but there are {labels} labels")
        elif len(few) == 1 and facts.kind != "ONNX Runtime":
            axis, source, why = few[0], LABELS, f"{labels} labels for {values.shape[few[0]]} channels"
        else:
            self._refuse(facts, name, values, usual)
            return None
        return Recognition(
            "segmentation, scores of classes",
            source,
            self._image(facts, pytorch=axis == 1, hugging_face=hugging_face or proven),
            lambda _: ScoresDecoder(name, classes_last=axis == 3),
            why=why,
        )

    def _usual_axis(self, facts: Facts, values: NDArray[Any]) -> int:
        """Return where the classes stand: where the input's channels stand, if the other axes are a map then."""
        first = facts.image.channels_first
        usual, other = (1, 3) if first else (3, 1)
        return other if self._is_map(facts, values, other) and not self._is_map(facts, values, usual) else usual

    def _is_map(self, facts: Facts, values: NDArray[Any], axis: int) -> bool:
        height, width = (values.shape[other] for other in (1, 2, 3) if other != axis)
        return abs(width / height - facts.size[0] / facts.size[1]) < 0.1

    def _refuse(self, facts: Facts, name: str, values: NDArray[Any], axis: int) -> None:
        """Raise VisionError for channels that are not known to be classes; not for what is no map."""
        channels, labels = values.shape[axis], len(facts.labels)
        shown = f"{name!r} {values.dtype}{list(values.shape)}"
        if min(values.shape[1:]) <= 1 or max(values.shape[1:]) < 8:
            return
        if labels:
            raise refuse(
                f"it returns {shown}: {channels} channels, but there are {labels} labels: features, or the"
                " wrong label file; it is no segmentation model of these labels"
            )
        raise refuse(
            f"it returns {shown}: {channels} channels, and there are no labels (names): classes, an image (as of"
            " super-resolution), heat maps of keypoints, optical flow or features? if they are classes, give"
            " 'label_path' the labels, or say 'decoder: segmentation'"
        )

    def _image(
        self, facts: Facts, *, pytorch: bool, hugging_face: bool = False, plain_values: bool = False
    ) -> dict[str, Item]:
        if hugging_face:
            items = image_items(resize="stretch", way="antialias", mean=IMAGENET_MEAN, std=IMAGENET_STD)
            if facts.image.width == 0:
                items |= {"input_size": Item((512, 512), FAMILY)}
            return items
        image = facts.image
        if pytorch and image.channels_first and image.channels == 3 and image.info.dtype.startswith("float"):
            mean, std = ((0.0,) * 3, (1.0,) * 3) if plain_values else (IMAGENET_MEAN, IMAGENET_STD)
            items = image_items(resize="stretch", way="bilinear", mean=mean, std=std, source=ASSUMED)
            return items | known(FAMILY, color_order="rgb")
        return values_items(facts)
