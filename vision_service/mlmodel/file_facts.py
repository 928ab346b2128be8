"""What a model's file says of itself: read once, when it is loaded; what a model is, is decided from it."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST_LITERAL = 2 << 20
"""Of a value in a file's metadata, characters: 20,000 class names have one million."""

MOST_LABELS = 1 << 16
"""More class numbers than any model has: a number beyond is no class number."""

FOR_PEOPLE = frozenset({"author", "date", "description", "docs", "license", "version"})
"""Entries of exporters' metadata that stay strings, even where they look like a number ("8.0")."""

NOT_READABLE = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
"""What reading a string as a literal or as JSON raises where it is none."""


@dataclass(frozen=True, eq=False)
class DetectorAnchors:
    """How MediaPipe's detectors without NMS encode boxes: DETECTOR_METADATA in the file.

    A box of the first output, by its anchor: centre = value / scale × the anchor's size + the anchor's centre; size =
    exp(value / scale) × the anchor's size, or value / scale × the anchor's size without
    ``apply_exponential_on_box_size``.

    Attributes:
        num_classes, num_boxes, num_coords: Classes, anchors, and values of a box.
        x_scale, y_scale, w_scale, h_scale: What a box's values are divided by.
        apply_exponential_on_box_size: Whether sizes are logarithms.
        sigmoid_score: Whether scores are logits.
        anchors: (N, 4) array of float32: x_center, y_center, width, height; fractions of the input.
    """

    num_classes: int
    num_boxes: int
    num_coords: int
    x_scale: float
    y_scale: float
    w_scale: float
    h_scale: float
    apply_exponential_on_box_size: bool
    sigmoid_score: bool
    anchors: NDArray[np.float32]


@dataclass(frozen=True)
class FileFacts:
    """What a model's file says of itself; empty where it says nothing.

    Attributes:
        metadata: Values by name that the model's exporter wrote; Python literals and JSON are decoded: lists, numbers,
            True and False.
        metadata_from: Where they were found, for people: "metadata_props", "metadata.json", "temp_meta.txt".
        labels_from: Where the class names of the model come from, for people.
        parameters: The names of the weights, in the file's order (ONNX).
        namespaces: The modules whose operations the graph has, each once, as torch's exporter writes them (ONNX).
        operations: The types of the operations in the graph.
        producer: What wrote the file.
        anchors: Of a MediaPipe detector without NMS.
    """

    metadata: Mapping[str, Any] = field(default_factory=dict)
    metadata_from: str = ""
    labels_from: str = ""
    parameters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    operations: frozenset[str] = frozenset()
    producer: str = ""
    anchors: DetectorAnchors | None = None


def decode_metadata(strings: Mapping[str, str]) -> dict[str, Any]:
    """Return metadata with those strings decoded that are Python literals or JSON; see :func:`decode_value`."""
    return {name: text if name in FOR_PEOPLE else decode_value(text) for name, text in strings.items()}


def decode_value(text: str) -> Any:
    """Return the value that a string is the Python literal or JSON of; the string, if it is neither, or very long."""
    if len(text) > LONGEST_LITERAL or not re.match(r"\s*([\[({'\"+.\d-]|True\b|False\b|None\b)", text):
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an odd escape in a string
            return ast.literal_eval(text.strip())
    except NOT_READABLE:
        pass
    try:
        return json.loads(text)
    except NOT_READABLE:
        return text


def labels_of(names: Any) -> tuple[str, ...]:
    """Return the class names in a decoded value, each at the place that is its class number; empty if it holds none.

    Args:
        names: A list of names, or a mapping from class numbers (integers, or integers as strings) to names.
    """
    if isinstance(names, Mapping):
        try:
            numbered = {int(number): str(name) for number, name in names.items() if not isinstance(number, bool)}
        except (ValueError, TypeError):
            return ()
        if not numbered or min(numbered) < 0 or max(numbered) >= MOST_LABELS:
            return ()
        return tuple(numbered.get(number, "") for number in range(max(numbered) + 1))
    if isinstance(names, (list, tuple)) and len(names) <= MOST_LABELS:
        return tuple(str(name) for name in names)
    return ()
