"""TensorFlow Lite models, run by LiteRT (or by tflite_runtime, its older name, where the machine has that)."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError, missing_package
from vision_service.image import read_file
from vision_service.mlmodel.labels import labels_in_model
from vision_service.mlmodel.runtime import TensorInfo, Tensors, check, describe

PACKAGES = ("ai_edge_litert", "tflite_runtime")
"""The packages that bring the interpreter, the one to prefer first."""

POST_PROCESS = "TFLite_Detection_PostProcess"
"""The operation that ends TensorFlow's SSD detectors; its outputs have this order by definition:"""

POST_PROCESS_OUTPUTS = ("boxes", "classes", "scores", "count")

REASONS = (
    (r"edgetpu-custom-op", "it is compiled for the Edge TPU; use the same model without '_edgetpu' in its name"),
    (
        r"unresolved custom op: (?P<what>[^\s.]+)",
        "it needs the operation {what}, which is not part of TensorFlow Lite; export it with built-in operations only",
    ),
    (
        r"Select TensorFlow op|Flex",
        "it needs operations of full TensorFlow (Flex); export it with built-in operations only",
    ),
    (
        r"Didn't find op for builtin opcode '(?P<what>\w+)'",
        "the installed runtime is older than the model's operation {what}; update ai-edge-litert",
    ),
    (
        r"not a valid Flatbuffer|model_content",
        "it is no TensorFlow Lite file, or it is cut off; fetch or export it again",
    ),
)
"""What the runtime says of a file that it cannot use, and what that means."""


class LiteRT:
    """A TensorFlow Lite model in memory: the file may be replaced meanwhile.

    Not safe for threads: the interpreter has one set of tensors. See :class:`vision_service.mlmodel.runtime.Runtime`.
    """

    def __init__(self, path: str | Path, *, num_threads: int = 1) -> None:
        """Load a model and allocate its tensors.

        Raises:
            VisionError: INVALID_ARGUMENT, if the file cannot be read or the runtime cannot use it; NOT_SUPPORTED, if
                there is no runtime.
        """
        interpreter_class = _interpreter_class()
        data = read_file(path)
        try:
            # The bytes, not the path: a file that shrinks under a memory map ends the process.
            interpreter = interpreter_class(model_content=data, num_threads=num_threads)
            roles = _roles(interpreter)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            msg = f"the model {str(path)!r} cannot be used: {_reason(str(error))}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from error
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        self._interpreter: Any = interpreter
        self._path = str(path)
        self.inputs = tuple(_info(item, name, "") for item, name in zip(inputs, _names(inputs), strict=True))
        self.outputs = tuple(
            _info(item, name, roles.get(int(item["index"]), ""))
            for item, name in zip(outputs, _names(outputs), strict=True)
        )
        self.labels = labels_in_model(data)
        self._input_indices = {info.name: int(item["index"]) for info, item in zip(self.inputs, inputs, strict=True)}
        self._output_indices = {info.name: int(item["index"]) for info, item in zip(self.outputs, outputs, strict=True)}

    def infer(self, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
        """Run the model; see :meth:`vision_service.mlmodel.runtime.Runtime.infer`."""
        if self._interpreter is None:
            raise VisionError(ErrorCode.MODEL_ERROR, f"the model {self._path!r} was closed")
        check(self.inputs, tensors)
        try:
            for name, tensor in tensors.items():
                self._interpreter.set_tensor(self._input_indices[name], tensor)
            self._interpreter.invoke()
            return {name: self._interpreter.get_tensor(index) for name, index in self._output_indices.items()}
        except (ValueError, RuntimeError) as error:
            msg = f"the model {self._path!r} failed while it ran on {describe(self.inputs)}: {_first_line(str(error))}"
            raise VisionError(ErrorCode.MODEL_ERROR, msg) from error

    def close(self) -> None:
        """Let go of the model; may be called twice."""
        self._interpreter = None


def _interpreter_class() -> Any:
    """Return the Interpreter of the first package that is installed."""
    for package in PACKAGES:
        try:
            return importlib.import_module(f"{package}.interpreter").Interpreter
        except ImportError:
            continue
    raise missing_package("ai-edge-litert", "running a .tflite model", extra="litert")


def _roles(interpreter: Any) -> dict[int, str]:
    """Return by tensor number what the outputs of the detection operation mean; empty if the model has none.

    The list of operations is not part of the runtime's public interface, so it may be missing.
    """
    try:
        operations = interpreter._get_ops_details()
    except (AttributeError, ValueError, RuntimeError):
        return {}
    return {
        int(index): role
        for operation in operations
        if operation["op_name"] == POST_PROCESS
        for index, role in zip(operation["outputs"], POST_PROCESS_OUTPUTS, strict=False)
    }


def _names(details: list[dict[str, Any]]) -> list[str]:
    """Return the tensors' names; one that is empty or not unique becomes "name_position"."""
    names = [str(item["name"]) for item in details]
    return [
        name if name and names.count(name) == 1 else f"{name or 'tensor'}_{position}"
        for position, name in enumerate(names)
    ]


def _info(details: dict[str, Any], name: str, role: str) -> TensorInfo:
    quantization = details["quantization_parameters"]
    return TensorInfo(
        name=name,
        dtype=np.dtype(details["dtype"]).name,
        shape=tuple(int(size) for size in details["shape_signature"]),
        scales=tuple(float(scale) for scale in quantization["scales"]),
        zero_points=tuple(int(point) for point in quantization["zero_points"]),
        role=role,
    )


def _reason(error: str) -> str:
    """Return what the runtime's words mean, or their first line."""
    for pattern, meaning in REASONS:
        found = re.search(pattern, error)
        if found:
            return meaning.format(**found.groupdict())
    return _first_line(error)


def _first_line(error: str) -> str:
    line = error.strip().partition("\n")[0]
    return line if len(line) <= 200 else line[:200] + "…"
