"""Vision models of tiny files, whose answers are known: loaded in this process, without the trial in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinymodels
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel.found import Found
from vision_service.mlmodel.loading import load
from vision_service.mlmodel.runtime import Runtime, RuntimeOptions
from vision_service.mlmodel.runtimes import open_model
from vision_service.mlmodel.suppression import NO_SUPPRESSION, kept
from vision_service.resources import LocalResources
from vision_service.types import Detection, Frame
from vision_service.vision.mlmodel import MLModel

SQUARE = {"images": ("float32", (1, 3, 320, 320))}
"""The input of most of these models."""

SOURCE = (640, 360)
"""Width and height of the images that they look at: at half their size in the input, 70 pixels down if letterboxed."""

COCO80 = tuple(f"class {number}" for number in range(80))


def serve(runtime: Runtime, **attributes: Any) -> MLModel:
    """Return the model of a loaded file.

    Args:
        runtime: The loaded file.
        **attributes: Of `mlmodel`.
    """
    resources = LocalResources({"mlmodel": {"tiny": lambda _: runtime}})
    return MLModel(configure(MLModel.Config, {"mlmodel_name": "tiny", **attributes}, of="it"), resources)


def onnx(
    outputs: Mapping[str, np.ndarray],
    inputs: Mapping[str, tuple[str, tuple[int | str, ...]]] | None = None,
    *,
    labels: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    parameters: Sequence[str] = (),
    namespace: str = "",
    **attributes: Any,
) -> MLModel:
    """Return the model of an ONNX file that always returns the same.

    Args:
        outputs: By name.
        inputs: Type and shape by name.
        labels: The class names, in the file's metadata.
        metadata: What else they say.
        parameters: The names of weights.
        namespace: Of the nodes.
        **attributes: Of `mlmodel`.
    """
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    said = {**({"names": dict(enumerate(labels))} if labels else {}), **(metadata or {})}
    data = tinymodels.onnx(
        inputs or SQUARE,
        outputs,
        metadata={name: str(value) for name, value in said.items()},
        parameters=parameters,
        namespace=namespace,
    )
    return serve(open_model("onnx", data, RuntimeOptions(), path="tiny.onnx"), **attributes)


def tflite(
    outputs: Mapping[str, np.ndarray],
    inputs: Mapping[str, tuple[str, tuple[int, ...]]] | None = None,
    *,
    labels: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    quantization: Mapping[str, tuple[float, int]] | None = None,
    **attributes: Any,
) -> MLModel:
    """Return the model of a TensorFlow Lite file that always returns the same; see :func:`onnx`."""
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    files = {**({"labels.txt": "\n".join(labels)} if labels else {}), **(files or {})}
    data = tinymodels.tflite(
        inputs or {"images": ("float32", (1, 320, 320, 3))}, outputs, files=files, quantization=quantization
    )
    return serve(open_model("litert", data, RuntimeOptions(), path="tiny.tflite"), **attributes)


def refusal(make: Any, *arguments: Any, **values: Any) -> str:
    """Return why a model is refused: the message of INVALID_ARGUMENT."""
    with pytest.raises(VisionError) as raised:
        make(*arguments, **values)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    return raised.value.message


def frame(width: int = SOURCE[0], height: int = SOURCE[1], colour: Sequence[int] = (128, 128, 128)) -> Frame:
    """Return an image of one colour."""
    return Frame(image=Image(np.full((height, width, 3), colour, np.uint8)))


def brief(found: Sequence[Detection]) -> list[tuple[str, float, tuple[float, ...]]]:
    """Return class, score and box of detections, rounded."""
    return [
        (item.class_name, round(item.confidence, 3), (*(round(v, 1) for v in (item.x_min, item.y_min)),
         *(round(v, 1) for v in (item.x_max, item.y_max))))
        for item in found
    ]  # fmt: skip


def detect(model: MLModel, minimum: float = 0.25) -> list[tuple[str, float, tuple[float, ...]]]:
    """Return what a model finds, as :func:`brief` says it."""
    return brief([item for item in model.detect(frame()) if item.confidence >= minimum])


def sources(model: MLModel, *names: str) -> dict[str, tuple[Any, str]]:
    """Return value and source of some items of a model's contract."""
    return {name: (model.contract[name].value, model.contract[name].source) for name in names}


@cache
def cells(size: tuple[int, int] = (320, 320), strides: tuple[int, ...] = (8, 16, 32)) -> np.ndarray:
    """Return the (N, 2) middles of all places of a head's grids, pixels."""
    found = []
    for stride in strides:
        rows, columns = np.mgrid[: size[1] // stride, : size[0] // stride]
        found.append((np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) * stride)
    return np.concatenate(found)


def head(
    rows: Mapping[int, Sequence[float]],
    numbers: int,
    *,
    size: tuple[int, int] = (320, 320),
    strides: tuple[int, ...] = (8, 16, 32),
    anchors: int = 1,
) -> np.ndarray:
    """Return a raw head [1, numbers, N] as real ones are: at all other places small boxes that are nothing.

    Args:
        rows: Centre x, centre y, width, height and what follows, by place.
        numbers: How many numbers each place has.
        size: Width and height of the input.
        strides: Of the grids.
        anchors: How many boxes at each place.
    """
    middles = np.concatenate([cells(size, strides)] * anchors)
    made = np.full((numbers, len(middles)), 0.001, np.float32)
    made[:2], made[2:4] = middles.T, 6
    for place, values in rows.items():
        made[: len(values), place] = values
        made[len(values) :, place] = 0.001
    return made[np.newaxis]


def one_hot(classes: int, number: int, score: float, rest: float = 0.001) -> list[float]:
    """Return the scores of all classes, of which one is high."""
    return [score if place == number else rest for place in range(classes)]


def load_form(path: Path) -> Runtime:
    """Return a file of the test data loaded: in this process, but for those with weights in other files."""
    if "external" in path.name:
        return load(path)
    kind = "onnx" if path.suffix == ".onnx" else "litert"
    return open_model(kind, path.read_bytes(), RuntimeOptions(), path=path.name)


def meaningful(found: Found) -> Found:
    """Return what means something of what a decoder has found, best first."""
    return found.take(kept(found, NO_SUPPRESSION)[1])
