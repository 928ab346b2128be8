"""Classifiers: one score for each class, [1, N]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.activation import probabilities
from vision_service.mlmodel.contract import ASSUMED, ATTRIBUTE, FAMILY, LABELS, METADATA, NAMES, PROBE, Item, known
from vision_service.mlmodel.decoders.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Facts,
    Recognition,
    are_probabilities,
    image_items,
    refuse,
    sum_to_one,
)
from vision_service.mlmodel.decoders.tensorflow import values_items

CROP = 0.875
"""Which part of the resized image's shorter edge the input is, as most of PyTorch's classifiers have it."""

FEW_SCORES = 8

MOST_COORDINATES = 8
"""A unit vector of more numbers than these is an embedding."""


@dataclass(frozen=True)
class ClassificationDecoder:
    """Reads the scores of classes.

    Attributes:
        output: The output's name.
        size: How many classes.
        activation: What makes probabilities of them: "none", "softmax" or "sigmoid".
    """

    output: str
    size: int
    activation: str = "none"

    serves: ClassVar[str] = "classify"
    extras: ClassVar[frozenset[str]] = frozenset()

    def scores(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return the (N,) scores, 0 to 1, by class number.

        Args:
            tensors: What the model returned, in real values.
        """
        return probabilities(tensors[self.output].reshape(-1), self.activation)


class Classifier:
    """Classifiers of any framework: told by their labels, their name or their probabilities."""

    name = "classifier"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what labels, names and the probe say; vectors that are no scores are refused by name."""
        name = self._output(facts)
        if not name:
            return None
        info = next(info for info in facts.outputs if info.name == name)
        values = facts.probe[name]
        longer = [length for length in values.shape if length != 1]
        if values.size == 0 or values.ndim < 2 or values.shape[0] != 1 or len(longer) > 1:
            return None
        scores, size = values.reshape(-1).astype(np.float64), values.size
        raw = facts.given.get("activation")
        if raw in (None, "auto"):
            raw = None
        named = info.name == facts.roles.get("probability") or _is_named(info.name, info.hints.title)
        certain = named or facts.asked == self.name or bool(info.hints.title == "probability")
        soft = sum_to_one(scores) and size > 1
        if facts.labels and len(facts.labels) != size:
            raise refuse(
                f"length of output ({size}) expected to be length of label list ({len(facts.labels)}): give"
                " 'label_path' the file that belongs to this model, one line for each class (often the first line is"
                " 'background')"
            )
        if not (facts.labels or soft or certain or raw):
            self._refuse(scores, size)
        items = self._image(facts) | {"activation": self._activation(scores, soft=soft)}
        source = ATTRIBUTE if facts.asked else LABELS if facts.labels else NAMES if certain else PROBE
        return Recognition(
            "classifier",
            source,
            items,
            lambda told: ClassificationDecoder(name, size, told["activation"]),
            why=f"{len(facts.labels)} labels for {size} numbers" if facts.labels else "",
        )

    def _output(self, facts: Facts) -> str:
        """Return the output with the scores; empty = it is not clear which."""
        if "probability" in facts.roles:
            return facts.roles["probability"]
        if facts.roles:
            return ""
        called = [info.name for info in facts.outputs if _is_named(info.name, info.hints.title)]
        candidates = called or [info.name for info in facts.outputs]
        name = candidates[0] if len(candidates) == 1 else ""
        is_score = name and (facts.probe[name].dtype.kind == "f" or facts.probe[name].dtype in (np.uint8, np.int8))
        return name if is_score else ""

    def _refuse(self, scores: NDArray[np.float64], size: int) -> None:
        """Raise VisionError for a vector without labels that is no probabilities."""
        if size == 1:
            raise refuse(
                "it returns one number: a regression (age, quality) or the score of one class; if it is a score, give"
                " 'label_path' a file with its one label"
            )
        if size > MOST_COORDINATES and abs(np.linalg.norm(scores) - 1) < 1e-2:
            raise refuse(
                f"it returns {size} numbers of length 1: an embedding (of a face, for example), which has no classes;"
                " it is not served, unless 'label_path' gives as many labels"
            )
        raise refuse(
            f"it returns {size} numbers that are no probabilities (they do not sum to 1), and there are no labels:"
            " class scores, an embedding or coordinates (landmarks)? if they are scores, give 'label_path' the labels"
        )

    def _activation(self, scores: NDArray[np.float64], *, soft: bool) -> Item:
        """Return what makes probabilities of the scores; decided once, on noise."""
        if soft:
            return Item("none", PROBE, "its scores sum to 1")
        if are_probabilities(scores):
            # Few logits may all lie there by chance.
            source = PROBE if len(scores) >= FEW_SCORES else ASSUMED
            return Item("none", source, "its scores lie in 0 to 1, each by itself")
        if len(scores) == 1:
            return Item("sigmoid", PROBE, "its only score is a logit")
        return Item("softmax", ASSUMED if len(scores) == 2 else PROBE, "its scores are logits")

    def _image(self, facts: Facts) -> dict[str, Item]:
        image = facts.image
        if not image.channels_first or image.channels != 3 or image.info.dtype not in ("float32", "float16", "float64"):
            items = values_items(facts)
            if image.info.hints.mean or image.info.dtype in ("uint8", "int8"):
                return items
            return items | known(ASSUMED, resize="stretch")
        if image.info.hints.mean:
            return values_items(facts) | known(METADATA, resize="stretch")
        items = image_items(resize="center_crop", way="antialias", mean=IMAGENET_MEAN, std=IMAGENET_STD, source=ASSUMED)
        edge = round(max(facts.size) / CROP)
        return items | known(FAMILY, color_order="rgb") | known(ASSUMED, interpolation="antialias", shorter_edge=edge)


def _is_named(name: str, title: str) -> bool:
    return name.lower() == "probability" or title == "probability"
