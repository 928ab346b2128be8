"""What an ML runtime is: a loaded model that turns named tensors into named tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.file_facts import FileFacts

Tensors = dict[str, NDArray[Any]]
"""Tensors by name."""


@dataclass(frozen=True)
class Hints:
    """How a tensor is meant to be used, where the model's file says so.

    Attributes:
        title: What its makers call it; often clearer than the tensor's name.
        mean, std: Of an image's channels, or one for all: value = (channel value from 0 to 255 - mean) / std; empty =
            unknown.
        box_format: Of boxes, one of :data:`vision_service.mlmodel.boxes.FORMATS`; empty = unknown.
        box_order: What stands where in a box; empty = unknown.
        box_coordinates: "normalized" or "pixels"; empty = unknown.
    """

    title: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    box_format: str = ""
    box_order: tuple[int, ...] = ()
    box_coordinates: str = ""


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a model, as its file describes it.

    Attributes:
        name: Its name, unique among the inputs or outputs.
        dtype: NumPy's name of its type.
        shape: Its size along each axis; -1 = dynamic.
        scales, zero_points: Of a quantized tensor: real value = scale × (value - zero point); empty = not quantized.
        description: What the model's file says of it, for people.
        labels: The class names that the file gives to its values or to the places of its last axis; empty = none.
        role: What the tensor means, where the file proves it (one of :data:`vision_service.mlmodel.roles.ROLES`).
        hints: How it is meant to be used.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    description: str = ""
    labels: tuple[str, ...] = ()
    role: str = ""
    hints: Hints = Hints()

    def __str__(self) -> str:
        return f"{self.name!r} {self.dtype}{list(self.shape)}"


@dataclass(frozen=True)
class RuntimeOptions:
    """How a model is run.

    Attributes:
        num_threads: How many threads one run may use.
        delegate: What runs it instead of the CPU: the path of a delegate's library (LiteRT), or the name of an
            execution provider (ONNX Runtime); empty = the CPU.
        delegate_options: Names and values that are given to it.
    """

    num_threads: int = 1
    delegate: str = ""
    delegate_options: tuple[tuple[str, str], ...] = ()


class Described(Protocol):
    """What is known of a loaded model.

    Attributes:
        kind: What runs it, for people: "LiteRT".
        name, description: What the model's file says of the model; empty = nothing.
        inputs, outputs: Its tensors, in the order of the model's file.
        labels: The class names that the model's file carries; empty = none.
        facts: What else its file says; empty where another node holds the model.
    """

    kind: str
    name: str
    description: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    labels: tuple[str, ...]
    facts: FileFacts


class Runtime(Described, Protocol):
    """A loaded model. Any number of threads may call it; it runs once at a time."""

    def infer(self, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
        """Run the model.

        Args:
            tensors: One array for each input, of its type and shape.

        Returns:
            One array for each output, which nobody else changes.

        Raises:
            VisionError: INVALID_ARGUMENT, if the tensors are not those of the inputs; MODEL_ERROR, if the model fails
                or was closed.
        """

    def close(self) -> None:
        """Let go of the model; may be called twice."""


def check(inputs: Sequence[TensorInfo], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Check that tensors are what a model takes.

    Raises:
        VisionError: INVALID_ARGUMENT, naming what is missing, unknown or of another type or shape.
    """
    expected = {info.name: info for info in inputs}
    wrong = [f"{name!r} is missing" for name in expected if name not in tensors]
    wrong += [f"there is no input {name!r}" for name in tensors if name not in expected]
    for name, tensor in tensors.items():
        info = expected.get(name)
        if info and (tensor.dtype != np.dtype(info.dtype) or not _fits(tensor.shape, info.shape)):
            wrong.append(f"{name!r} is {tensor.dtype}{list(tensor.shape)}")
    if wrong:
        msg = f"the model takes {describe(inputs)}, but " + "; ".join(wrong)
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


class Check:
    """Checks tensors as :func:`check` does, in less time where they are right."""

    def __init__(self, inputs: Sequence[TensorInfo]) -> None:
        """Take the inputs."""
        self._inputs = inputs
        self._wanted = {info.name: (np.dtype(info.dtype), info.shape) for info in inputs}

    def __call__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Raise VisionError INVALID_ARGUMENT unless tensors are those of the inputs."""
        if tensors.keys() != self._wanted.keys():
            check(self._inputs, tensors)
        for name, (dtype, shape) in self._wanted.items():
            tensor = tensors[name]
            if tensor.dtype != dtype or (tensor.shape != shape and not _fits(tensor.shape, shape)):
                check(self._inputs, tensors)


def _fits(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return len(shape) == len(expected) and all(
        wanted in (-1, size) for size, wanted in zip(shape, expected, strict=True)
    )


def describe(tensors: Sequence[TensorInfo]) -> str:
    """Return what tensors there are, for an error message."""
    return ", ".join(str(info) for info in tensors) or "nothing"
