"""Starts a detector (or classifier) on a camera's topic, without any parameter file; look at detector/detections."""

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.parameter_descriptions import ParameterValue

from vision_service.files import resolve
from vision_service.ros.launching import (
    checked_file,
    common_arguments,
    described,
    given,
    our_node,
    rviz_argument,
    rviz_of,
)

CAMERA = "camera"
ALIASES = {"model": "model_path", "input_image_topic": "image_topic"}
"""What yolo_ros calls these arguments; they are understood too."""


def _text(value: str) -> ParameterValue:
    """Keep a text that looks like a number one."""
    return ParameterValue(value, value_type=str)


def _path(value: str) -> ParameterValue:
    return _text(value if value.startswith("package://") else str(resolve(value).absolute()))


OPTIONS = (
    DeclareLaunchArgument(
        "model_path", default_value="", description="The model's file, TFLite or ONNX; yolo_ros calls it model."
    ),
    DeclareLaunchArgument(
        "image_topic",
        default_value="",
        description="Topic of the images, such as /camera/image_raw; yolo_ros calls it input_image_topic.",
    ),
    DeclareLaunchArgument(
        "transport",
        default_value="raw",
        choices=["raw", "compressed"],
        description="How the images come; compressed = from IMAGE_TOPIC/compressed.",
    ),
    DeclareLaunchArgument(
        "threshold", default_value="0.5", description="Confidence from which on a detection is reported, 0 to 1."
    ),
    DeclareLaunchArgument(
        "labels", default_value="", description="Report only these, with commas: person,dog; empty = all."
    ),
    DeclareLaunchArgument(
        "label_path",
        default_value="",
        description="File of the labels, one a line; empty = those inside the model's file.",
    ),
    DeclareLaunchArgument(
        "max_rate", default_value="", description="Up to how many images a second are looked at [Hz]; empty = all."
    ),
    DeclareLaunchArgument(
        "iou",
        default_value="",
        description="Overlap of two boxes of a class from which on only the better stays, 0 to 1; empty = as the model "
        "is made.",
    ),
    DeclareLaunchArgument(
        "max_detections", default_value="", description="How many detections at most; empty = as many as there are."
    ),
    DeclareLaunchArgument("num_threads", default_value="", description="Threads of one run of the model; empty = 1."),
    DeclareLaunchArgument(
        "delegate",
        default_value="",
        description="What runs the model: a LiteRT delegate's library, or an ONNX Runtime provider such as "
        "CUDAExecutionProvider; empty = the processor.",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value="",
        description="Parameter file for anything else, with a section of the node's name; arguments go before it.",
    ),
    DeclareLaunchArgument("name", default_value="detector", description="Name of the node."),
    *common_arguments(),
    rviz_argument(),
)


def _detector(context: LaunchContext) -> list[Any]:
    """Return the node, with the parameters that the arguments stand for."""
    values = context.launch_configurations
    for alias, name in ALIASES.items():
        values[name] = values[name] or values.get(alias, "")
    missing = [f"{name}:=…" for name in ("model_path", "image_topic") if not values[name]]
    if missing:
        msg = f"give {' and '.join(missing)} (more: ros2 launch -s vision_service detect.launch.py)"
        raise RuntimeError(msg)
    threshold = given(context, [("threshold", "threshold", float)]).get("threshold", 0.5)
    parameters = {
        "model": "mlmodel",
        "cameras": [CAMERA],
        "default_minimum_confidence": threshold,
        **{f"label_confidences.{label.strip()}": threshold for label in values["labels"].split(",") if label.strip()},
        **given(
            context,
            [
                ("model_path", "model_path", _path),
                ("label_path", "label_path", _path),
                ("image_topic", f"{CAMERA}.image", _text),
                ("transport", f"{CAMERA}.transport", _text),
                ("max_rate", "max_rate", float),
                ("iou", "nms_iou_threshold", float),
                ("max_detections", "max_detections", int),
                ("num_threads", "num_threads", int),
                ("delegate", "delegate", _text),
            ],
        ),
    }
    name = values["name"]
    file = [checked_file(context, values["params_file"], name)] if values["params_file"] else []
    return [our_node("vision", [*file, parameters], name=LaunchConfiguration("name"))]


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    shown = rviz_of("vision", "name", "params_file", model="mlmodel")
    return described(OPTIONS, [OpaqueFunction(function=_detector), shown], also_known=ALIASES)
