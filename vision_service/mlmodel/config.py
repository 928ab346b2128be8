"""The attributes of the model `mlmodel`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vision_service.areas import AreaLimits
from vision_service.configuration import Names, attribute
from vision_service.mlmodel import activation, boxes, placement, resizing, suppression
from vision_service.mlmodel.sending import AUTO, CHOICES
from vision_service.settings.model_file import ModelFileConfiguration


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class _OwnConfig(ModelFileConfiguration):
    """The attributes of `mlmodel` that no other model has; only part of the next class."""

    model_path: str = attribute(
        "Path of the model file: TensorFlow Lite (.tflite) or ONNX (.onnx); or leave it out and give 'mlmodel_name'.",
        default="",
        names=Names.FILE,
    )
    mlmodel_name: str = attribute(
        "Name of the ML model node that holds the model, instead of 'model_path'. Several names, as a list or separated"
        " by commas, are a pool: the same model on several hosts, of which the least busy is given the next image.",
        default="",
        several=True,
    )
    pool_patience: float = attribute(
        "How long one ML model of a pool may take before another one is given the same image too, and the late one is"
        " left out until it answers; 0 = four times as long as it usually takes, at least 0.25 s.",
        default=0.0,
        unit="s",
        minimum=0.0,
        maximum=600.0,
        live=True,
        rare=True,
    )
    tensor_encoding: str = attribute(
        "How the image reaches an ML model node of another process, resized to the model's input: raw, bytes (floats as"
        " one byte each, without loss), png (without loss) or jpeg (with loss, which changes results a little); auto ="
        " the fastest of those without loss, measured on the first calls.",
        default=AUTO,
        choices=CHOICES,
        live=True,
        rare=True,
    )
    tensor_jpeg_quality: int = attribute(
        "JPEG quality of the image that an ML model node of another process is sent, with 'tensor_encoding: jpeg'.",
        default=90,
        minimum=1,
        maximum=100,
        live=True,
        rare=True,
    )
    remap_input_names: dict[str, str] = attribute(
        "Map from the model's input tensor name to 'image'; never needed, because image models have one input.",
        default={},
        rare=True,
    )
    remap_output_names: dict[str, str] = attribute(
        "Map from output tensor names of the model to their meaning, where that is not recognised: location,"
        " category, score, number of detections (detectors) or probability (classifiers).",
        default={},
        rare=True,
    )
    decoder: str = attribute(
        "Family of the model, which decides how its output tensors are decoded: ultralytics, yolo, yolox, yolov5,"
        " yolo_rows, detr, rfdetr, torchvision, pytorch_ssd, detector (TensorFlow), end_to_end, detectnet_v2,"
        " mediapipe, blazeface, segmentation, classifier, or one of another package; auto = as the file and its outputs"
        " tell.",
        default="auto",
        rare=True,
    )
    require_certain: bool = attribute(
        "Whether a model is refused if anything about it is only assumed, because its file does not tell it.",
        default=False,
        rare=True,
    )
    activation: str = attribute(
        "Activation applied to the model's scores: softmax (one class at a time), sigmoid (each class by itself)"
        " or none; auto = as the model's family has it, decided once when the model is loaded.",
        default="auto",
        choices=activation.CHOICES,
        rare=True,
    )
    background: str = attribute(
        "Position of the class that means that there is nothing, among the scores of a detector: first, last or none;"
        " auto = as the model's family and its labels tell.",
        default="auto",
        choices=("auto", "none", "first", "last"),
        rare=True,
    )
    first_class_number: int = attribute(
        "Number that the model gives to the first label, for models that return class numbers; -1 = as the model's"
        " family has it.",
        default=-1,
        minimum=-1,
        maximum=1000,
        rare=True,
    )
    default_minimum_confidence: float = attribute(
        "Minimum confidence of the results; 0 = the family's own: 0.25 for YOLO, 0.5 for DETR and its kin and for"
        " blazeface, 0.35 for detectnet_v2, all results for others.",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    label_confidences: dict[str, float] = attribute(
        "Minimum confidence by class name, case-insensitive; if any is given, all other classes are dropped and"
        " default_minimum_confidence is not used.",
        default={},
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    nms: str = attribute(
        "Non-maximum suppression of overlapping boxes: per_class, class_agnostic (boxes of all classes suppress each"
        " other) or none; auto = as the model's family needs it.",
        default="auto",
        choices=("auto", *suppression.MODES),
    )
    nms_iou_threshold: float = attribute(
        "IoU from which on the worse of two overlapping boxes is dropped (non-maximum suppression); 1 = no suppression,"
        " 0 = the family's own.",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    max_detections: int = attribute(
        "Maximum number of detections, best first; 0 = the family's own: 300 for Ultralytics, no limit for others.",
        default=0,
        minimum=0,
        live=True,
    )
    keypoint_names: tuple[str, ...] = attribute(
        "Names of the model's keypoints, in its order; empty = as in the model file, else COCO's for 17, else numbers.",
        default=(),
        rare=True,
    )
    skeleton: tuple[int, ...] = attribute(
        "Which keypoints are joined when drawn, as pairs of their numbers from 0 on: 0, 1, 0, 2 joins 0 with 1 and 0"
        " with 2; empty = as in COCO, if the keypoints are COCO's.",
        default=(),
        minimum=0,
        rare=True,
    )
    tiles: tuple[int, ...] = attribute(
        "Number of columns and rows of overlapping tiles in which a detector looks at the image, besides the full"
        " image, so that small objects are found: [3, 2] runs the model seven times; empty = the full image only.",
        default=(),
        minimum=1,
        maximum=16,
    )
    tile_overlap: float = attribute(
        "Fraction of a tile that its neighbour covers as well; objects larger than that are found in the full image.",
        default=0.2,
        minimum=0.0,
        maximum=0.8,
    )
    input_image_mean_value: tuple[float, ...] = attribute(
        "Mean by which the image is normalized for models with a float input, one number for each channel in the"
        " model's order: (channel from 0 to 1 - mean) / standard deviation; empty = as the model file or its family"
        " has it.",
        default=(),
        rare=True,
    )
    input_image_std_dev: tuple[float, ...] = attribute(
        "Standard deviation by which the image is normalized for models with a float input, one number for each"
        " channel in the model's order: (channel from 0 to 1 - mean) / standard deviation; empty = as the model file"
        " or its family has it.",
        default=(),
        rare=True,
    )
    input_image_bgr: bool = attribute(
        "Whether the model expects the channel order BGR; false = as 'color_order' says.", default=False, rare=True
    )
    color_order: str = attribute(
        "Channel order that the model expects: rgb or bgr; auto = as the model's family has it.",
        default="auto",
        choices=("auto", "rgb", "bgr"),
        rare=True,
    )
    input_size: tuple[int, ...] = attribute(
        "Width and height of the input image, for models that accept any size; empty = as in the model file, else the"
        " size of the camera's images.",
        default=(),
        unit="px",
        minimum=1,
        maximum=16384,
        rare=True,
    )
    resize: str = attribute(
        "How the image is resized to the input size: stretch (the aspect ratio is not kept), letterbox (it is kept,"
        " with borders on both sides), letterbox_top_left (with borders right and below) or center_crop (the middle is"
        " cut out); auto = as the model's family has it.",
        default="auto",
        choices=("auto", *placement.RULES),
        rare=True,
    )
    interpolation: str = attribute(
        "How pixels are resized: bilinear (OpenCV's), area (bilinear, but averaged where the image is shrunk much),"
        " antialias or bicubic (with antialiasing, as Pillow and PyTorch do it); auto = as the model's family has it.",
        default="auto",
        choices=("auto", *resizing.CHOICES),
        rare=True,
    )
    letterbox_color: int = attribute(
        "Value of all channels of the borders of a letterboxed image; -1 = as the model's family has it.",
        default=-1,
        minimum=-1,
        maximum=255,
        rare=True,
    )
    shorter_edge: int = attribute(
        "Length to which the image's shorter edge is resized before the middle is cut out (resize: center_crop); 0 = as"
        " the model's family has it.",
        default=0,
        unit="px",
        minimum=0,
        maximum=16384,
        rare=True,
    )
    box_format: str = attribute(
        "Meaning of the four numbers of a box: corners = two corners, corner_size = upper left corner and size,"
        " center_size = centre and size; auto = as the model file or its family has it.",
        default="auto",
        choices=("auto", *boxes.FORMATS),
        rare=True,
    )
    box_coordinates: str = attribute(
        "Unit of the boxes: normalized = fractions of the input image, pixels = its pixels, source_pixels = pixels of"
        " the source image; auto = as the model file or its family has it.",
        default="auto",
        choices=("auto", "normalized", "pixels", "source_pixels"),
        rare=True,
    )
    xmin_ymin_xmax_ymax_order: tuple[int, ...] = attribute(
        "Order of the four numbers of a box: for each place 0 = xmin, 1 = ymin, 2 = xmax (or width), 3 = ymax (or"
        " height); empty = as the model file or its family has it.",
        default=(),
        minimum=0,
        maximum=3,
        rare=True,
    )


@dataclass(frozen=True, kw_only=True)
class MLModelConfig(AreaLimits, _OwnConfig):
    """The attributes of `mlmodel`."""


def given(config: MLModelConfig) -> dict[str, Any]:
    """Return the attributes that the user has set, by the name of the contract's item that they set.

    Args:
        config: The attributes; what stands for "not set" is left out.
    """
    unset: dict[str, Any] = {
        "activation": "auto",
        "background": "auto",
        "first_class_number": -1,
        "default_minimum_confidence": 0.0,
        "nms": "auto",
        "nms_iou_threshold": 0.0,
        "max_detections": 0,
        "input_image_mean_value": (),
        "input_image_std_dev": (),
        "color_order": "auto",
        "input_size": (),
        "resize": "auto",
        "interpolation": "auto",
        "letterbox_color": -1,
        "shorter_edge": 0,
        "box_format": "auto",
        "box_coordinates": "auto",
        "xmin_ymin_xmax_ymax_order": (),
    }
    found = {name: getattr(config, name) for name, empty in unset.items() if getattr(config, name) != empty}
    if config.input_image_bgr:
        found["color_order"] = "bgr"
    return found
