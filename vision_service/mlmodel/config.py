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
        "The usual name, 'image', by the name of the model's input. Never needed: there is only one.", default={}
    )
    remap_output_names: dict[str, str] = attribute(
        "What the model's outputs mean, where their names and values do not tell: by the tensor's name one of location,"
        " category, score, number of detections (detector) or probability (classifier).",
        default={},
    )
    decoder: str = attribute(
        "What reads the model's outputs; auto = as their form tells.", default="auto", choices=decoders.CHOICES
    )
    activation: str = attribute(
        "What makes probabilities of the model's scores: softmax (classes exclude each other), sigmoid (each for"
        " itself), none; auto = none, but for classifiers whose values are no probabilities softmax, or sigmoid if"
        " there is only one.",
        default="auto",
        choices=activation.CHOICES,
    )
    default_minimum_confidence: float = attribute(
        "From which confidence on a result counts; 0 = all.", default=0.0, minimum=0.0, maximum=1.0, live=True
    )
    label_confidences: dict[str, float] = attribute(
        "The same for single classes, by name (upper and lower case the same); if any is given, the default does not"
        " hold and classes that are not listed are dropped.",
        default={},
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    nms_iou_threshold: float = attribute(
        "From which overlap on (intersection over union) two boxes of a class are one, of which the better stays; 1 ="
        " all stay, 0 = as the decoder is made: 0.3 for blazeface, else all stay.",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    max_detections: int = attribute("How many detections at most, the best; 0 = all.", default=0, minimum=0, live=True)
    input_image_mean_value: tuple[float, ...] = attribute(
        "What a float model's input is made with: value = (colour from 0 to 1 - mean) / standard deviation. One mean"
        " for each channel in the model's order; empty = as the model's file says, else 0.5 each.",
        default=(),
    )
    input_image_std_dev: tuple[float, ...] = attribute(
        "The standard deviation of each channel, in the same formula; empty = as the model's file says, else 0.5 each.",
        default=(),
    )
    input_image_bgr: bool = attribute("Whether the model wants blue, green, red.", default=False)
    input_size: tuple[int, ...] = attribute(
        "Width and height of the model's picture, where the model takes any; empty = those of the camera's picture.",
        default=(),
        unit="px",
        minimum=1,
        maximum=16384,
    )
    resize: str = attribute(
        "How a picture is brought to the model's size: stretch (its aspect not kept) or letterbox (kept, with black"
        " beside it); auto = letterbox for blazeface, else stretch.",
        default="auto",
        choices=("auto", "stretch", "letterbox"),
    )
    box_format: str = attribute(
        "The four numbers of a box: two corners, left top corner and size, or centre and size; auto = as the model's"
        " file says, else corners.",
        default="auto",
        choices=("auto", *boxes.FORMATS),
    )
    box_coordinates: str = attribute(
        "Whether they are fractions of the model's picture or its pixels; auto = as the model's file says, else as they"
        " look.",
        default="auto",
        choices=("auto", "normalized", "pixels"),
    )
    xmin_ymin_xmax_ymax_order: tuple[int, ...] = attribute(
        "What stands where in a box: at each of its four places 0 = xmin, 1 = ymin, 2 = xmax (or width) or 3 = ymax (or"
        " height); empty = as the model's file says, else 1, 0, 3, 2 for corners and 0, 1, 2, 3 for sizes.",
        default=(),
        minimum=0,
        maximum=3,
    )
