"""How a model's file is loaded: what an ML model node shares with the vision model `mlmodel`."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import Names, attribute


@dataclass(frozen=True, kw_only=True)
class ModelFileConfiguration:
    """Which model file is loaded, and how it is run."""

    model_path: str = attribute("Path of the model file: TensorFlow Lite (.tflite) or ONNX (.onnx).", names=Names.FILE)
    label_path: str = attribute(
        "Path of the label file: one class name per line, in the order of the class numbers, or data.yaml, pbtxt, JSON"
        " (COCO's too) or CSV; empty = the labels inside the model file, else the class numbers. A first line"
        " '???' or 'background' is skipped where the model numbers its classes from 0 (torchvision's begin at 1).",
        default="",
        names=Names.FILE,
    )
    num_threads: int = attribute(
        "Number of CPU threads for one inference.", default=1, minimum=1, maximum=256, rare=True
    )
    delegate: str = attribute(
        "What runs the model instead of the CPU: path of a LiteRT delegate library (.tflite), or name of an execution"
        " provider of ONNX Runtime (.onnx); empty = the CPU. It can be"
        " given at the start only.",
        default="",
        names=Names.LIBRARY,
        rare=True,
    )
    delegate_options: dict[str, str] = attribute(
        "Options of the delegate or execution provider. They can be given at the start only.",
        default={},
        names=Names.LIBRARY,
        rare=True,
    )
    trial_timeout: float = attribute(
        "How long the trial of the model file in a separate process (load it, run it once) may take.",
        default=10.0,
        unit="s",
        minimum=0.0,
        above_minimum=True,
        maximum=600.0,
        rare=True,
    )
