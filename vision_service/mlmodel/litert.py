"""TensorFlow Lite models, run by LiteRT (or by tflite_runtime, its older name, where the machine has that)."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError, missing_package
from vision_service.mlmodel.file_facts import FileFacts
from vision_service.mlmodel.metadata import TensorMetadata, read_metadata
from vision_service.mlmodel.runtime import Check, RuntimeOptions, TensorInfo, Tensors

PACKAGES = ("ai_edge_litert", "tflite_runtime")
"""The packages that bring the interpreter, the one to prefer first."""

POST_PROCESS = "TFLite_Detection_PostProcess"
"""The operation that ends TensorFlow's SSD detectors; its outputs have this order by definition:"""

POST_PROCESS_OUTPUTS = ("boxes", "classes", "scores", "count")

FLOAT16 = (
    "it computes in float16, which LiteRT cannot do on the CPU; use the float32 file of the same model (onnx2tf writes"
    " both: …_float32.tflite beside …_float16.tflite)"
)
"""Why many files with inputs or outputs of float16 cannot be used."""

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
        r"(?P<what>quantized_dimension must be in range \[\d+, \d+\))",
        "its quantization is none that this runtime takes ({what}); it may be made for TensorFlow Lite Micro",
    ),
    (
        r"(?i)float16.*not.*supported",
        FLOAT16,
    ),
    (
        r"not a valid Flatbuffer|model_content",
        "it is no TensorFlow Lite file, or it is cut off; fetch or export it again",
    ),
)
"""What the runtime says of a file that it cannot use, and what that means."""


class LiteRT:
    """A TensorFlow Lite model in memory; see :class:`vision_service.mlmodel.runtime.Runtime`."""

    kind = "LiteRT"

    def __init__(self, data: bytes, options: RuntimeOptions, *, path: str) -> None:
        """Load a model and allocate its tensors.

        Args:
            data: The model's file. Not the file itself, because one that shrinks under a memory map ends the process.
            options: How it is run.
            path: What the file is called, for messages.

        Raises:
            VisionError: INVALID_ARGUMENT, if the runtime cannot use the file or the delegate; NOT_SUPPORTED, if there
                is no runtime.
        """
        module = interpreter_module()
        delegates = [_load_delegate(module, options)] if options.delegate else None
        interpreter: Any = None
        try:
            interpreter = module.Interpreter(
                model_content=data, num_threads=options.num_threads, experimental_delegates=delegates
            )
            operations = _operations(interpreter)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            msg = f"the model {path!r} cannot be used: {_reason(str(error), float16=_is_float16(interpreter))}"
            if options.delegate:
                msg += f" (with the delegate {options.delegate!r}: try without)"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from error
        metadata = read_metadata(data)
        self.name = metadata.name
        self.description = metadata.description
        self.labels = metadata.labels
        self.facts = FileFacts(
            metadata=metadata.exported,
            metadata_from=metadata.exported_from,
            labels_from=metadata.labels_from,
            operations=frozenset(str(operation["op_name"]) for operation in operations),
            producer=metadata.producer,
            anchors=metadata.anchors,
        )
        self.inputs = _infos(interpreter.get_input_details(), metadata.inputs, {})
        self.outputs = _infos(interpreter.get_output_details(), metadata.outputs, _roles(operations))
        self._interpreter = interpreter
        self._check = Check(self.inputs)
        self._path = path
        self._lock = threading.Lock()
        self._inputs = {
            info.name: int(item["index"])
            for info, item in zip(self.inputs, interpreter.get_input_details(), strict=True)
        }
        self._outputs = {
            info.name: int(item["index"])
            for info, item in zip(self.outputs, interpreter.get_output_details(), strict=True)
        }
        self._allocated = {
            info.name: tuple(int(size) for size in item["shape"])
            for info, item in zip(self.inputs, interpreter.get_input_details(), strict=True)
            if -1 in info.shape
        }

    def infer(self, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
        """Run the model; see :meth:`vision_service.mlmodel.runtime.Runtime.infer`."""
        with self._lock:
            if self._interpreter is None:
                raise VisionError(ErrorCode.MODEL_ERROR, f"the model {self._path!r} was closed")
            self._check(tensors)
            try:
                if self._allocated and any(tensors[name].shape != shape for name, shape in self._allocated.items()):
                    self._allocate(tensors)
                for name, tensor in tensors.items():
                    self._interpreter.set_tensor(self._inputs[name], tensor)
                self._interpreter.invoke()
                return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}
            except (ValueError, RuntimeError) as error:
                taken = ", ".join(f"{name!r} {tensor.dtype}{list(tensor.shape)}" for name, tensor in tensors.items())
                reason = _reason(str(error), float16=_is_float16(self._interpreter))
                msg = f"the model {self._path!r} failed while it ran on {taken}: {reason}"
                raise VisionError(ErrorCode.MODEL_ERROR, msg) from error

    def _allocate(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Make place for inputs of other sizes than the last."""
        for name in self._allocated:
            self._interpreter.resize_tensor_input(self._inputs[name], tensors[name].shape)
        self._interpreter.allocate_tensors()
        self._allocated = {name: tensors[name].shape for name in self._allocated}

    def close(self) -> None:
        """Let go of the model; may be called twice."""
        with self._lock:
            self._interpreter = None


def interpreter_module() -> Any:
    """Return the interpreter's module of the first package that is installed.

    Raises:
        VisionError: NOT_SUPPORTED, if none is.
    """
    for package in PACKAGES:
        try:
            return importlib.import_module(f"{package}.interpreter")
        except ImportError:
            continue
    raise missing_package("ai-edge-litert", "running a .tflite model", extra="litert")


def _load_delegate(module: Any, options: RuntimeOptions) -> Any:
    """Return the delegate of a library.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the library and what it says.
    """
    try:
        return module.load_delegate(options.delegate, dict(options.delegate_options))
    except (OSError, ValueError, AttributeError) as error:  # no library; refused; a library of something else
        reason = _first_line(str(error)) or "it gives no reason"
        shown = ", ".join(f"{name}={value}" for name, value in options.delegate_options) or "no options"
        msg = (
            f"the delegate {options.delegate!r} cannot be loaded with {shown}: {reason}; give 'delegate' the path of a"
            " LiteRT delegate's library, or leave it out to run on the CPU"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from error


def _operations(interpreter: Any) -> list[dict[str, Any]]:
    """Return the operations of a model; empty where the runtime does not list them.

    The list is not part of the runtime's public interface, so it may be missing.
    """
    try:
        return list(interpreter._get_ops_details())
    except (AttributeError, ValueError, RuntimeError):
        return []


def _roles(operations: list[dict[str, Any]]) -> dict[int, str]:
    """Return by tensor number what the outputs of the detection operation mean; empty if the model has none."""
    return {
        int(index): role
        for operation in operations
        if operation["op_name"] == POST_PROCESS
        for index, role in zip(operation["outputs"], POST_PROCESS_OUTPUTS, strict=False)
    }


def _infos(
    details: list[dict[str, Any]], metadata: tuple[TensorMetadata, ...], roles: Mapping[int, str]
) -> tuple[TensorInfo, ...]:
    if len(metadata) != len(details):
        metadata = (TensorMetadata(),) * len(details)
    return tuple(
        _info(item, name, roles.get(int(item["index"]), ""), said)
        for item, name, said in zip(details, _names(details), metadata, strict=True)
    )


def _names(details: list[dict[str, Any]]) -> list[str]:
    """Return the tensors' names; one that is empty or not unique becomes "name_position"."""
    names = [str(item["name"]) for item in details]
    return [
        name if name and names.count(name) == 1 else f"{name or 'tensor'}_{position}"
        for position, name in enumerate(names)
    ]


def _info(details: dict[str, Any], name: str, role: str, metadata: TensorMetadata) -> TensorInfo:
    quantization = details["quantization_parameters"]
    return TensorInfo(
        name=name,
        dtype=np.dtype(details["dtype"]).name,
        shape=tuple(int(size) for size in details["shape_signature"]),
        scales=tuple(float(scale) for scale in quantization["scales"]),
        zero_points=tuple(int(point) for point in quantization["zero_points"]),
        description=metadata.description,
        labels=metadata.labels,
        role=role,
        hints=metadata.hints,
    )


def _is_float16(interpreter: Any) -> bool:
    """Return whether a model takes or returns float16."""
    details = [*interpreter.get_input_details(), *interpreter.get_output_details()] if interpreter else []
    return any(item["dtype"] == np.float16 for item in details)


def _reason(error: str, *, float16: bool) -> str:
    """Return what the runtime's words mean, or their first line.

    Args:
        error: The words.
        float16: Whether the model takes or returns float16: then what it cannot do is mostly that.
    """
    for pattern, meaning in REASONS:
        found = re.search(pattern, error)
        if found:
            return meaning.format(**found.groupdict())
    return f"{FLOAT16} ({_first_line(error)})" if float16 else _first_line(error)


def _first_line(error: str) -> str:
    line = error.strip().partition("\n")[0]
    return line if len(line) <= 200 else line[:200] + "…"
