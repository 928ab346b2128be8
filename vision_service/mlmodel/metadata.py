"""What a TensorFlow Lite file says of itself: the record TFLITE_METADATA and the files in the archive at its end.

Both are FlatBuffers: tables whose fields have numbers, and may be missing. The numbers are those of the public schemas
`schema.fbs` (the model) and `metadata_schema.fbs` (its metadata) of TensorFlow Lite.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vision_service.mlmodel.labels import archived_labels, labels_in_model
from vision_service.mlmodel.runtime import Hints

RECORD = "TFLITE_METADATA"
"""The name of the record among the model's own."""

MODEL_BUFFERS, MODEL_METADATA = 4, 6
"""Fields of the table Model."""

RECORD_NAME, RECORD_BUFFER = 0, 1
"""Fields of the table Metadata: a record's name, and which of the buffers it is."""

BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE = 0, 1, 2
"""Fields of the table Buffer; large ones lie elsewhere in the file."""

NAME, DESCRIPTION = 0, 1
"""Fields that the tables ModelMetadata, TensorMetadata and AssociatedFile begin with."""

SUBGRAPHS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS = 3, 2, 3
"""Of ModelMetadata; of SubGraphMetadata."""

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
        labels: The class names in the file: those of an output, else those that lie in its archive.
    """

    name: str = ""
    description: str = ""
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()
    labels: tuple[str, ...] = field(default=())


def read_metadata(data: bytes) -> ModelMetadata:
    """Return what a model's file says of itself; what is damaged counts as not said.

    Args:
        data: The file.
    """
    try:
        from flatbuffers.table import Table
    except ImportError:  # it comes with ai-edge-litert, not with tflite_runtime
        return ModelMetadata(labels=labels_in_model(data))
    try:
        record = _record(_root(Table, data), data)
        found = _model(_root(Table, record), data) if record else ModelMetadata()
    except (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError):
        found = ModelMetadata()
    labels = next((output.labels for output in found.outputs if output.labels), ()) or labels_in_model(data)
    return ModelMetadata(found.name, found.description, found.inputs, found.outputs, labels)


class _Fields:
    """The fields of a table by number."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def _find(self, number: int) -> int:
        """Return where a field lies, relative to the table; 0 = it is missing."""
        return int(self._table.Offset(4 + 2 * number))

    def text(self, number: int) -> str:
        place = self._find(number)
        return bytes(self._table.String(place + self._table.Pos)).decode("utf-8", "replace") if place else ""

    def number(self, number: int, form: str) -> int:
        """Return a number that struct reads by this form."""
        place = self._find(number)
        return int(struct.unpack_from(form, self._table.Bytes, place + self._table.Pos)[0]) if place else 0

    def numbers(self, number: int, form: str) -> tuple[Any, ...]:
        place = self._find(number)
        if not place:
            return ()
        start, length = self._table.Vector(place), self._table.VectorLen(place)
        if length * struct.calcsize(form) > len(self._table.Bytes):
            msg = "a list that is longer than the file"
            raise ValueError(msg)
        return struct.unpack_from(f"<{length}{form}", self._table.Bytes, start)

    def child(self, number: int) -> _Fields | None:
        place = self._find(number)
        return self._at(self._table.Indirect(place + self._table.Pos)) if place else None

    def children(self, number: int) -> list[_Fields]:
        place = self._find(number)
        if not place:
            return []
        start, length = self._table.Vector(place), self._table.VectorLen(place)
        if length * 4 > len(self._table.Bytes):
            msg = "a list that is longer than the file"
            raise ValueError(msg)
        return [self._at(self._table.Indirect(start + 4 * item)) for item in range(length)]

    def _at(self, position: int) -> _Fields:
        return _Fields(type(self._table)(self._table.Bytes, position))


def _root(table: Callable[[bytes, int], Any], data: bytes) -> _Fields:
    return _Fields(table(data, struct.unpack_from("<I", data)[0]))


def _record(model: _Fields, data: bytes) -> bytes:
    """Return the record with the metadata; empty = there is none."""
    for record in model.children(MODEL_METADATA):
        if record.text(RECORD_NAME) == RECORD:
            buffer = model.children(MODEL_BUFFERS)[record.number(RECORD_BUFFER, "<I")]
            offset, size = buffer.number(BUFFER_OFFSET, "<Q"), buffer.number(BUFFER_SIZE, "<Q")
            return data[offset : offset + size] if size else bytes(buffer.numbers(BUFFER_DATA, "B"))
    return b""


def _model(model: _Fields, data: bytes) -> ModelMetadata:
    subgraphs = model.children(SUBGRAPHS)
    inputs = subgraphs[0].children(SUBGRAPH_INPUTS) if subgraphs else []
    outputs = subgraphs[0].children(SUBGRAPH_OUTPUTS) if subgraphs else []
    return ModelMetadata(
        model.text(NAME),
        model.text(DESCRIPTION),
        tuple(_tensor(item, data) for item in inputs),
        tuple(_tensor(item, data) for item in outputs),
    )


def _tensor(tensor: _Fields, data: bytes) -> TensorMetadata:
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    for unit in tensor.children(TENSOR_PROCESSING):
        options = unit.child(UNION_VALUE)
        if options and unit.number(UNION_TYPE, "<B") == NORMALIZATION:
            mean, std = options.numbers(MEAN, "f"), options.numbers(STD, "f")
    if not mean or len(mean) != len(std) or 0 in std:
        mean = std = ()
    content = tensor.child(TENSOR_CONTENT)
    boxes = content.child(UNION_VALUE) if content and content.number(UNION_TYPE, "<B") == BOXES else None
    hints = Hints(
        title=tensor.text(NAME),
        mean=mean,
        std=std,
        box_format=BOX_TYPES.get(boxes.number(BOX_TYPE, "<b"), "") if boxes else "",
        box_order=_order(boxes.numbers(BOX_ORDER, "I")) if boxes else (),
        box_coordinates=("pixels" if boxes.number(BOX_COORDINATES, "<b") == PIXELS else "normalized") if boxes else "",
    )
    return TensorMetadata(tensor.text(DESCRIPTION), _labels(tensor, data), hints)


def _order(order: tuple[int, ...]) -> tuple[int, ...]:
    return order if sorted(order) == [0, 1, 2, 3] else ()


def _labels(tensor: _Fields, data: bytes) -> tuple[str, ...]:
    """Return the labels in the tensor's first label file; one for no certain language goes before translations."""
    files = [
        file for file in tensor.children(TENSOR_FILES) if file.number(FILE_TYPE, "<b") in (AXIS_LABELS, VALUE_LABELS)
    ]
    files.sort(key=lambda file: file.text(FILE_LOCALE) not in ("", "en"))
    return archived_labels(data, files[0].text(NAME)) if files else ()
