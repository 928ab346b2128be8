"""What a TensorFlow Lite file says of itself: the record TFLITE_METADATA and the files in the archive at its end.

Model and record are FlatBuffers. The numbers of their fields are those of the public schemas `schema.fbs` (the model)
and `metadata_schema.fbs` (its metadata) of TensorFlow Lite, and `object_detector_metadata_schema.fbs` of MediaPipe.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from vision_service.mlmodel.archive import EXPORTER_FILES, file_names, read_member
from vision_service.mlmodel.file_facts import LONGEST_LITERAL, NOT_READABLE, DetectorAnchors, labels_of
from vision_service.mlmodel.flatbuffer import DAMAGED, Table
from vision_service.mlmodel.labels import archived_labels, labels_in_model
from vision_service.mlmodel.runtime import Hints

RECORD = "TFLITE_METADATA"
"""The name of the record among the model's own."""

MODEL_DESCRIPTION, MODEL_BUFFERS, MODEL_METADATA = 3, 4, 6
"""Fields of the table Model."""

RECORD_NAME, RECORD_BUFFER = 0, 1
"""Fields of the table Metadata: a record's name, and which of the buffers it is."""

BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE = 0, 1, 2
"""Fields of the table Buffer; large ones lie elsewhere in the file."""

NAME, DESCRIPTION = 0, 1
"""Fields that the tables ModelMetadata, TensorMetadata and AssociatedFile begin with."""

SUBGRAPHS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_CUSTOM = 3, 2, 3, 9
"""Of ModelMetadata; of SubGraphMetadata."""

CUSTOM_NAME, CUSTOM_DATA = 0, 1
"""Fields of the table CustomMetadata."""

DETECTOR = "DETECTOR_METADATA"
"""The name of MediaPipe's custom metadata; the table ObjectDetectorOptions."""

ANCHOR_OPTIONS, DECODING_OPTIONS, ANCHOR_SCHEMA, ANCHORS = 1, 2, 0, 0
"""Of ObjectDetectorOptions; of SsdAnchorsOptions; of FixedAnchorsSchema."""

NUM_CLASSES, NUM_BOXES, NUM_COORDS = 0, 1, 2
X_SCALE, Y_SCALE, W_SCALE, H_SCALE = 6, 7, 8, 9
EXPONENTIAL, SIGMOID = 10, 11
"""Of the table TensorsDecodingOptions."""

TENSOR_CONTENT, TENSOR_PROCESSING, TENSOR_FILES = 3, 4, 6
"""Fields of the table TensorMetadata."""

UNION_TYPE, UNION_VALUE = 0, 1
"""The only fields of ProcessUnit, and the first of Content."""

NORMALIZATION, MEAN, STD = 1, 0, 1
"""The type of a process unit, and its fields."""

BOXES, BOX_ORDER, BOX_TYPE, BOX_COORDINATES = 3, 0, 1, 2
"""The type of a content, and its fields."""

BOX_TYPES = {1: "corners", 2: "corner_size", 3: "center_size"}
"""BOUNDARIES, UPPER_LEFT and CENTER."""

FILE_TYPE, FILE_LOCALE, AXIS_LABELS, VALUE_LABELS = 2, 3, 2, 3
"""Of the table AssociatedFile: two fields, and two types."""

PIXELS = 1
"""The type of coordinates that are not fractions."""


@dataclass(frozen=True)
class TensorMetadata:
    """What the metadata say of one tensor."""

    description: str = ""
    labels: tuple[str, ...] = ()
    hints: Hints = Hints()  # noqa: RUF009 - it is frozen


@dataclass(frozen=True)
class ModelMetadata:
    """What the metadata say of a model; empty where they say nothing.

    Attributes:
        name, description: For people.
        inputs, outputs: Of its tensors, in their order; empty if that does not fit.
        labels: The class names in the file: those of an output, else the exporter's, else those in its archive.
        labels_from: Where they were found, for people.
        producer: What wrote the file.
        anchors: Of a MediaPipe detector without NMS.
        exported: What the exporter says, by name.
        exported_from: In which file of the archive.
    """

    name: str = ""
    description: str = ""
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()
    labels: tuple[str, ...] = ()
    labels_from: str = ""
    producer: str = ""
    anchors: DetectorAnchors | None = None
    exported: Mapping[str, Any] = field(default_factory=dict)
    exported_from: str = ""


def read_metadata(data: bytes) -> ModelMetadata:
    """Return what a model's file says of itself; what is damaged counts as not said.

    Args:
        data: The file.
    """
    producer, found = "", ModelMetadata()
    try:
        model = Table.root(data)
        producer = model.text(MODEL_DESCRIPTION)
        record = _record(model, data)
        found = _model(Table.root(record), data) if record else found
    except DAMAGED:
        pass
    exported_from, exported = _exported(data)
    labels, labels_from = _first_labels(found, exported, exported_from, data)
    return replace(
        found,
        labels=labels,
        labels_from=labels_from,
        producer=producer,
        exported=exported,
        exported_from=exported_from,
    )


def _first_labels(
    found: ModelMetadata, exported: Mapping[str, Any], exported_from: str, data: bytes
) -> tuple[tuple[str, ...], str]:
    """Return the labels of the place that is surest of them, and which place that is."""
    for output in found.outputs:
        if output.labels:
            return output.labels, "the label file in the model's metadata"
    labels = labels_of(exported.get("names"))
    if labels:
        return labels, f"names in the model's {exported_from}"
    labels = labels_in_model(data)
    return labels, "the text file in the model's archive" if labels else ""


def _exported(data: bytes) -> tuple[str, Mapping[str, Any]]:
    """Return the file of the archive in which an exporter describes the model, and what it says; empty = none."""
    names = file_names(data)
    for name in EXPORTER_FILES:
        if name in names:
            text = read_member(data, name).decode("utf-8", "replace")
            try:
                said = json.loads(text) if name.endswith(".json") else ast.literal_eval(text[:LONGEST_LITERAL].strip())
            except NOT_READABLE:
                continue
            if isinstance(said, dict):
                return name, {str(key): value for key, value in said.items()}
    return "", {}


def _record(model: Table, data: bytes) -> bytes:
    """Return the record with the metadata; empty = there is none."""
    for record in model.children(MODEL_METADATA):
        if record.text(RECORD_NAME) == RECORD:
            buffer = model.children(MODEL_BUFFERS)[record.number(RECORD_BUFFER, "I")]
            offset, size = buffer.number(BUFFER_OFFSET, "Q"), buffer.number(BUFFER_SIZE, "Q")
            return data[offset : offset + size] if size else buffer.data(BUFFER_DATA)
    return b""


def _model(model: Table, data: bytes) -> ModelMetadata:
    subgraphs = model.children(SUBGRAPHS)
    inputs = subgraphs[0].children(SUBGRAPH_INPUTS) if subgraphs else []
    outputs = subgraphs[0].children(SUBGRAPH_OUTPUTS) if subgraphs else []
    return ModelMetadata(
        model.text(NAME),
        model.text(DESCRIPTION),
        tuple(_tensor(item, data) for item in inputs),
        tuple(_tensor(item, data) for item in outputs),
        anchors=_anchors(subgraphs[0]) if subgraphs else None,
    )


def _anchors(subgraph: Table) -> DetectorAnchors | None:
    """Return what MediaPipe's writer says of a detector without NMS; None = nothing, or nothing that can be."""
    custom = next((item for item in subgraph.children(SUBGRAPH_CUSTOM) if item.text(CUSTOM_NAME) == DETECTOR), None)
    if custom is None:
        return None
    options = Table.root(custom.data(CUSTOM_DATA))
    decoding, anchors = options.child(DECODING_OPTIONS), options.child(ANCHOR_OPTIONS)
    schema = anchors.child(ANCHOR_SCHEMA) if anchors else None
    if decoding is None or schema is None:
        return None
    items = schema.children(ANCHORS)
    places = np.array([[item.number(place, "f") for place in range(4)] for item in items], np.float32).reshape(-1, 4)
    scales = [decoding.number(number, "f") for number in (X_SCALE, Y_SCALE, W_SCALE, H_SCALE)]
    if not len(places) or not np.isfinite(places).all() or not np.isfinite(scales).all() or 0 in scales:
        return None
    return DetectorAnchors(
        num_classes=decoding.number(NUM_CLASSES, "i"),
        num_boxes=decoding.number(NUM_BOXES, "i"),
        num_coords=decoding.number(NUM_COORDS, "i"),
        x_scale=scales[0],
        y_scale=scales[1],
        w_scale=scales[2],
        h_scale=scales[3],
        apply_exponential_on_box_size=bool(decoding.number(EXPONENTIAL, "B")),
        sigmoid_score=bool(decoding.number(SIGMOID, "B")),
        anchors=places,
    )


def _tensor(tensor: Table, data: bytes) -> TensorMetadata:
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    for unit in tensor.children(TENSOR_PROCESSING):
        options = unit.child(UNION_VALUE)
        if options and unit.number(UNION_TYPE, "B") == NORMALIZATION:
            mean, std = options.numbers(MEAN, "f"), options.numbers(STD, "f")
    if not mean or len(mean) != len(std) or 0 in std:
        mean = std = ()
    content = tensor.child(TENSOR_CONTENT)
    boxes = content.child(UNION_VALUE) if content and content.number(UNION_TYPE, "B") == BOXES else None
    hints = Hints(
        title=tensor.text(NAME),
        mean=mean,
        std=std,
        box_format=BOX_TYPES.get(boxes.number(BOX_TYPE, "b"), "") if boxes else "",
        box_order=_order(boxes.numbers(BOX_ORDER, "I")) if boxes else (),
        box_coordinates=("pixels" if boxes.number(BOX_COORDINATES, "b") == PIXELS else "normalized") if boxes else "",
    )
    return TensorMetadata(tensor.text(DESCRIPTION), _labels(tensor, data), hints)


def _order(order: tuple[int, ...]) -> tuple[int, ...]:
    return order if sorted(order) == [0, 1, 2, 3] else ()


def _labels(tensor: Table, data: bytes) -> tuple[str, ...]:
    """Return the labels in the tensor's first label file; one for no certain language goes before translations.

    Ultralytics' older exporters call all that they say of the model a label file: that is none.
    """
    files = [
        file for file in tensor.children(TENSOR_FILES) if file.number(FILE_TYPE, "b") in (AXIS_LABELS, VALUE_LABELS)
    ]
    files = [file for file in files if file.text(NAME) not in EXPORTER_FILES]
    files.sort(key=lambda file: file.text(FILE_LOCALE) not in ("", "en"))
    return archived_labels(data, files[0].text(NAME)) if files else ()
