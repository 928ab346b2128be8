"""The attributes of the model `mlmodel`."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import attribute
from vision_service.mlmodel import activation, boxes, decoders
from vision_service.settings.mlmodel import ModelFileConfiguration


@dataclass(frozen=True, kw_only=True)
class MLModelConfig(ModelFileConfiguration):
    """The attributes of `mlmodel`."""

    model_path: str = attribute(
        "Path of the model file: TensorFlow Lite (.tflite) or ONNX (.onnx); or leave it out and give 'mlmodel_name'.",
        default="",
    )
    mlmodel_name: str = attribute(
        "Name of the ML model node that holds the model, instead of 'model_path'.", default=""
    )
    remap_input_names: dict[str, str] = attribute(
        "Map from the model's input tensor name to 'image'; never needed, because image models have one input.",
        default={},
    )
    remap_output_names: dict[str, str] = attribute(
        "Map from output tensor names of the model to their meaning, where that is not recognised: location,"
        " category, score, number of detections (detectors) or probability (classifiers).",
        default={},
    )
    decoder: str = attribute(
        "How the output tensors are decoded; auto = by their names, shapes and values.",
        default="auto",
        choices=decoders.CHOICES,
    )
    activation: str = attribute(
        "Activation applied to the model's scores: softmax (one class at a time), sigmoid (each class by itself)"
        " or none; auto = none, but for classifiers whose scores are no probabilities softmax, or sigmoid if"
        " there is only one.",
        default="auto",
        choices=activation.CHOICES,
    )
    default_minimum_confidence: float = attribute(
        "Minimum confidence of the results; 0 = all.", default=0.0, minimum=0.0, maximum=1.0, live=True
    )
    label_confidences: dict[str, float] = attribute(
        "Minimum confidence by class name, case-insensitive; if any is given, all other classes are dropped and"
        " default_minimum_confidence is not used.",
        default={},
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    nms_iou_threshold: float = attribute(
        "IoU from which on the worse of two overlapping boxes of one class is dropped (non-maximum suppression);"
        " 1 = no suppression, 0 = the decoder's own: 0.3 for blazeface, none for others.",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    max_detections: int = attribute(
        "Maximum number of detections, best first; 0 = no limit.", default=0, minimum=0, live=True
    )
    input_image_mean_value: tuple[float, ...] = attribute(
        "Mean by which the image is normalized for models with a float input, one number for each channel in the"
        " model's order: (channel from 0 to 1 - mean) / standard deviation; empty = as in the model file, else"
        " 0.5.",
        default=(),
    )
    input_image_std_dev: tuple[float, ...] = attribute(
        "Standard deviation by which the image is normalized for models with a float input, one number for each"
        " channel in the model's order: (channel from 0 to 1 - mean) / standard deviation; empty = as in the"
        " model file, else 0.5.",
        default=(),
    )
    input_image_bgr: bool = attribute("Whether the model expects the channel order BGR instead of RGB.", default=False)
    input_size: tuple[int, ...] = attribute(
        "Width and height of the input image, for models that accept any size; empty = the size of the camera's"
        " images.",
        default=(),
        unit="px",
        minimum=1,
        maximum=16384,
    )
    resize: str = attribute(
        "How the image is resized to the input size: stretch (the aspect ratio is not kept) or letterbox (it is"
        " kept, with black borders); auto = letterbox for blazeface, else stretch.",
        default="auto",
        choices=("auto", "stretch", "letterbox"),
    )
    box_format: str = attribute(
        "Meaning of the four numbers of a box: corners = two corners, corner_size = upper left corner and size,"
        " center_size = centre and size; auto = as in the model file, else corners.",
        default="auto",
        choices=("auto", *boxes.FORMATS),
    )
    box_coordinates: str = attribute(
        "Unit of the boxes: normalized = fractions of the input image, pixels = its pixels; auto = as in the"
        " model file, else by the values.",
        default="auto",
        choices=("auto", "normalized", "pixels"),
    )
    xmin_ymin_xmax_ymax_order: tuple[int, ...] = attribute(
        "Order of the four numbers of a box: for each place 0 = xmin, 1 = ymin, 2 = xmax (or width), 3 = ymax (or"
        " height); empty = as in the model file, else 1, 0, 3, 2 for corners and 0, 1, 2, 3 for sizes.",
        default=(),
        minimum=0,
        maximum=3,
    )
