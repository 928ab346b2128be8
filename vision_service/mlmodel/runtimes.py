"""The runtimes: which one is for a file, and how it opens it."""

from __future__ import annotations

from pathlib import Path

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.runtime import Runtime, RuntimeOptions

ENDINGS = {".tflite": "litert", ".onnx": "onnx"}
"""Which runtime is for which files."""

POINTER = b"version https://git-lfs"
"""How the file begins that Git LFS leaves in the place of a large one."""

OTHERS = {
    **dict.fromkeys(
        (".h5", ".keras", ".pb"),
        "it is of TensorFlow or Keras: convert it to .tflite with tf.lite.TFLiteConverter",
    ),
    **dict.fromkeys(
        (".pt", ".pth", ".torchscript", ".pt2", ".safetensors"),
        "it is of PyTorch: export it to .onnx (Ultralytics: yolo export model=… format=onnx; else torch.onnx.export)",
    ),
    **dict.fromkeys((".engine", ".trt", ".plan"), "it is of TensorRT: use the .onnx file that it was made of"),
    **dict.fromkeys((".zip", ".tgz", ".gz", ".tar"), "it is an archive: unpack it and give the model in it"),
    ".task": "it is an archive of MediaPipe: unpack it as a .zip and give the .tflite file in it",
    ".data": "it holds the weights of an ONNX model: give the .onnx file beside it",
    ".ort": "it is in ONNX Runtime's own form: use the .onnx file that it was made of",
    **dict.fromkeys((".xml", ".bin"), "if it is of OpenVINO, use the .onnx file that it was made of"),
    **dict.fromkeys((".param", ".rknn", ".hef", ".blob", ".mlmodel"), "use the .onnx file that it was made of"),
}
"""What to do with files that no runtime here is for."""


def find_runtime(path: str | Path, data: bytes) -> str:
    """Return which runtime a file is for, one of the values of ENDINGS: by its content, else by its ending.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is none.
    """
    if data[4:8] == b"TFL3":
        return "litert"
    if data.startswith(POINTER):
        msg = f"{str(path)!r} is no model but a pointer of Git LFS: run 'git lfs pull' in the repository it is from"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    ending = Path(path).suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    hint = OTHERS.get(ending, "export it in one of these forms")
    msg = f"{str(path)!r} is no model that can be run: TensorFlow Lite (.tflite) and ONNX (.onnx) files are; {hint}"
    raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def load_runtime(runtime: str) -> None:
    """Import a runtime, and what opens models by it.

    Args:
        runtime: One of the values of ENDINGS.

    Raises:
        VisionError: NOT_SUPPORTED, if it is not installed.
    """
    if runtime == "litert":
        from vision_service.mlmodel.litert import interpreter_module as load
    else:
        from vision_service.mlmodel.onnx_runtime import onnxruntime_module as load
    load()


def open_model(runtime: str, data: bytes, options: RuntimeOptions, *, path: str) -> Runtime:
    """Return a model, ready to run, in this very process.

    Args:
        runtime: One of the values of ENDINGS.
        data: The model's file.
        options: How it is run.
        path: What the file is called, for messages.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is unusable; NOT_SUPPORTED, if the runtime is not installed.
    """
    if runtime == "litert":
        from vision_service.mlmodel.litert import LiteRT

        return LiteRT(data, options, path=path)
    from vision_service.mlmodel.onnx_runtime import OnnxRuntime

    return OnnxRuntime(data, options, path=path)
