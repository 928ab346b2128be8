"""ONNX models, run by ONNX Runtime."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError, missing_package
from vision_service.mlmodel.file_facts import labels_of
from vision_service.mlmodel.onnx_file import read_facts
from vision_service.mlmodel.onnx_weights import check_complete
from vision_service.mlmodel.runtime import Check, RuntimeOptions, TensorInfo, Tensors

PROCESSOR = "CPUExecutionProvider"

DTYPES = {"float": "float32", "double": "float64"}
"""NumPy's names of types that ONNX calls otherwise; the others have one name."""

FATAL_ONLY = 4
"""The level of ONNX Runtime's own log: lesser errors are raised as well."""

REASONS = (
    (
        r"INVALID_PROTOBUF|Protobuf parsing failed|does not have a graph|No graph was found",
        "it is no ONNX file, or it is cut off",
    ),
    (
        r"Unsupported model IR version|is under development and support for this is limited",
        "the installed runtime is older than the model; update onnxruntime, or export it with a lower opset",
    ),
    (
        r"is not a registered function/op|No Op registered|NOT_IMPLEMENTED",
        "it needs an operation that this runtime does not have; export it with standard ONNX operations",
    ),
)
"""What the runtime says of a file that it cannot use, and what that means."""


class OnnxRuntime:
    """An ONNX model in memory; see :class:`vision_service.mlmodel.runtime.Runtime`."""

    kind = "ONNX Runtime"

    def __init__(self, data: bytes, options: RuntimeOptions, *, path: str) -> None:
        """Load a model.

        Args:
            data: The model's file, with all its weights in it.
            options: How it is run; the delegate is the name of an execution provider.
            path: What the file is called, for messages.

        Raises:
            VisionError: INVALID_ARGUMENT, if the runtime cannot use the file or the execution provider; NOT_SUPPORTED,
                if there is no runtime.
        """
        onnxruntime = onnxruntime_module()
        try:
            check_complete(data)
        except VisionError as error:
            raise VisionError(error.code, f"the model {path!r} cannot be used: {error.message}") from None
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.num_threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = FATAL_ONLY
        providers = _providers(onnxruntime, options)
        try:
            session = onnxruntime.InferenceSession(data, settings, providers=providers)
        except Exception as error:  # its errors have no common type but this
            msg = f"the model {path!r} cannot be used: {_reason(str(error))}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from error
        about = session.get_modelmeta()
        self.name = str(about.graph_name)
        self.description = str(about.description or about.graph_description)
        facts = read_facts(data)
        self.labels = labels_of(facts.metadata.get("names"))
        self.facts = replace(facts, labels_from=f"names in the model's {facts.metadata_from}") if self.labels else facts
        self.inputs = tuple(_info(item, path) for item in session.get_inputs())
        self.outputs = tuple(_info(item, path) for item in session.get_outputs())
        self._names = [info.name for info in self.outputs]
        self._check = Check(self.inputs)
        self._path = path
        self._session: Any = session
        self._lock = threading.Lock()

    def infer(self, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
        """Run the model; see :meth:`vision_service.mlmodel.runtime.Runtime.infer`."""
        with self._lock:
            if self._session is None:
                raise VisionError(ErrorCode.MODEL_ERROR, f"the model {self._path!r} was closed")
            self._check(tensors)
            try:
                values = self._session.run(self._names, dict(tensors))
            except Exception as error:  # its errors have no common type but this
                taken = ", ".join(f"{name!r} {tensor.dtype}{list(tensor.shape)}" for name, tensor in tensors.items())
                msg = f"the model {self._path!r} failed while it ran on {taken}: {_first_line(str(error))}"
                raise VisionError(ErrorCode.MODEL_ERROR, msg) from error
            return dict(zip(self._names, values, strict=True))

    def close(self) -> None:
        """Let go of the model; may be called twice."""
        with self._lock:
            self._session = None


def onnxruntime_module() -> Any:
    """Return ONNX Runtime's module.

    Raises:
        VisionError: NOT_SUPPORTED, if it is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise missing_package("onnxruntime", "running an .onnx model", extra="onnx") from None
    return onnxruntime


def _providers(onnxruntime: Any, options: RuntimeOptions) -> list[Any]:
    """Return the execution providers in the order of preference.

    Raises:
        VisionError: INVALID_ARGUMENT, if the installed runtime has none of that name.
    """
    if not options.delegate:
        return [PROCESSOR]
    available = onnxruntime.get_available_providers()
    if options.delegate not in available:
        msg = f"the delegate {options.delegate!r} is no execution provider of the installed onnxruntime, which has"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{msg} {', '.join(available)}")
    others = [] if options.delegate == PROCESSOR else [PROCESSOR]
    return [(options.delegate, dict(options.delegate_options)), *others]


def _info(item: Any, path: str) -> TensorInfo:
    found = re.fullmatch(r"tensor\((\w+)\)", item.type)
    name = DTYPES.get(found[1], found[1]) if found else ""
    try:
        dtype = np.dtype(name or "object").name
    except TypeError:
        dtype = "object"
    if dtype == "object":
        msg = f"the model {path!r} cannot be used: its {item.name!r} is a {item.type}; tensors of numbers are served"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    shape = tuple(size if isinstance(size, int) and size >= 0 else -1 for size in item.shape)
    return TensorInfo(item.name, dtype, shape)


def _reason(error: str) -> str:
    """Return what the runtime's words mean, or their first line."""
    for pattern, meaning in REASONS:
        if re.search(pattern, error):
            return meaning
    return _first_line(error)


def _first_line(error: str) -> str:
    line = error.strip().partition("\n")[0]
    return line if len(line) <= 200 else line[:200] + "…"
