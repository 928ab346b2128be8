"""What a TensorFlow Lite file says of itself: metadata in a buffer of the model, labels in a zip archive at its end.

The form is that of https://github.com/tensorflow/tflite-support, metadata_schema.fbs (version 1.1.0); the slots below
are the places of the fields in its tables.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np

IDENTIFIER = b"M001"
BUFFER_NAME = b"TFLITE_METADATA"
LABELS_FILE = "labels.txt"

_RGB = 1  # ColorSpaceType
_BOUNDARIES = 1  # BoundingBoxType
_AXIS_LABELS, _VALUE_LABELS = 2, 3  # AssociatedFileType
_FEATURE, _IMAGE, _BOXES = 1, 2, 3  # ContentProperties
_NORMALIZATION = 1  # ProcessUnitOptions

Table = dict[int, Any]
"""A table's fields by slot: texts, tables, vectors of these or of float32 or uint32, and NumPy's int8 and int32."""


def image(name: str, description: str) -> Table:
    """Return the metadata of an input that takes an RGB image of 0 to 255 and makes -1 to 1 of it."""
    normalization = {0: np.full(1, 127.5, np.float32), 1: np.full(1, 127.5, np.float32)}
    return {
        0: name,
        1: description,
        3: {0: np.int8(_IMAGE), 1: {0: np.int8(_RGB)}},
        4: [{0: np.int8(_NORMALIZATION), 1: normalization}],
        5: {0: np.full(1, 255, np.float32), 1: np.zeros(1, np.float32)},
    }


def boxes(name: str, description: str) -> Table:
    """Return the metadata of an output of boxes: y_min, x_min, y_max, x_max as fractions of the image."""
    properties = {0: np.array([1, 0, 3, 2], np.uint32), 1: np.int8(_BOUNDARIES)}
    return {0: name, 1: description, 3: {0: np.int8(_BOXES), 1: properties, 2: {0: np.int32(2), 1: np.int32(2)}}}


def numbers(name: str, description: str, *, per_object: bool = False, labels: str = "") -> Table:
    """Return the metadata of an output of numbers.

    Args:
        name: Of the output.
        description: What it means.
        per_object: Whether there is one number for each object.
        labels: "axis" if its places are the labels' numbers, "values" if its values are.
    """
    content: Table = {0: np.int8(_FEATURE), 1: {}}
    if per_object:
        content[2] = {0: np.int32(1), 1: np.int32(1)}
    table: Table = {0: name, 1: description, 3: content}
    if labels:
        kind = {"axis": _AXIS_LABELS, "values": _VALUE_LABELS}[labels]
        table[6] = [{0: LABELS_FILE, 1: "The names of the classes.", 2: np.int8(kind)}]
    return table


def model_metadata(
    name: str, description: str, version: str, inputs: Sequence[Table], outputs: Sequence[Table]
) -> bytes:
    """Return the buffer that describes a model; its inputs and outputs in the order of the model's."""
    builder = flatbuffers.Builder(1024)
    root = {
        0: name,
        1: description,
        2: version,
        3: [{2: list(inputs), 3: list(outputs)}],
        4: "The authors of vision_service",
        5: "Apache-2.0",
        7: "1.0.0",
    }
    builder.Finish(_written(builder, root), IDENTIFIER)
    return bytes(builder.Output())


def with_labels(model: bytes, labels: Sequence[str]) -> bytes:
    """Return a model's file with a file of labels in a zip archive at its end, one label a line."""
    stream = io.BytesIO(model)
    with zipfile.ZipFile(stream, "a") as archive:
        # A fixed date, so that the same model is the same file.
        archive.writestr(zipfile.ZipInfo(LABELS_FILE), "".join(f"{label}\n" for label in labels))
    return stream.getvalue()


def _written(builder: flatbuffers.Builder, value: Any) -> int:
    """Write a text, a vector or a table into the builder and return its place."""
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, np.ndarray):
        return builder.CreateNumpyVector(value)
    if isinstance(value, list):
        places = [_written(builder, item) for item in value]
        builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            builder.PrependUOffsetTRelative(place)
        return builder.EndVector()
    # What a table refers to comes before it.
    numbers = (np.int8, np.int32)
    before = {slot: _written(builder, item) for slot, item in value.items() if not isinstance(item, numbers)}
    builder.StartObject(max(value, default=-1) + 1)
    for slot, item in value.items():
        if slot in before:
            builder.PrependUOffsetTRelativeSlot(slot, before[slot], 0)
        elif isinstance(item, np.int8):
            builder.PrependInt8Slot(slot, int(item), 0)
        else:
            builder.PrependInt32Slot(slot, int(item), 0)
    return builder.EndObject()
