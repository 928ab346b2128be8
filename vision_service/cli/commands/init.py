"""The subcommand `init`: a first parameter file, of the cameras, topics and models that are here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vision_service.cli.arguments import add_command, amount, ros_text


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "init",
        "write a first parameter file from the cameras and models that are here",
        "Write a first parameter file from what is here: cameras that are plugged in (/dev/video*), image topics on the"
        " graph, model files. Comments say what was found and what is only assumed. In a terminal it asks which of them"
        " to take; what the arguments say is not asked.",
        {
            "vision-service init": "my_robot.yaml, asking; models are looked for here and in ~/models",
            "vision-service init --yes --model detect.onnx": "all cameras that are found, and this model",
            "vision-service init robot.yaml --camera front=/dev/video0 --camera back=/usb_cam/image_raw": "",
            "vision-service init - --wait 0": "print it; the graph is not looked at",
        },
    )
    parser.add_argument(
        "file",
        nargs="?",
        default="my_robot.yaml",
        metavar="PARAMS.yaml",
        help="file to write; - = standard output (default: %(default)s)",
    )
    parser.add_argument(
        "--camera",
        dest="cameras",
        action="append",
        default=[],
        type=ros_text,
        metavar="[NAME=]SOURCE",
        help="a camera: /dev/videoN, an image topic, an image or video file, a URL, or 'synthetic'; repeatable; others"
        " are not looked for then",
    )
    parser.add_argument(
        "--model",
        dest="models",
        action="append",
        default=[],
        metavar="FILE",
        help="a model's file, .tflite or .onnx; repeatable; others are not looked for then",
    )
    parser.add_argument(
        "--models-dir",
        type=Path,
        metavar="DIR",
        help="where to look for model files, also in the folders in it (default: ~/models, and this folder itself)",
    )
    parser.add_argument(
        "--wait", type=amount, default=3.0, metavar="S", help="how long to look for topics at most; 0 = not at all"
    )
    parser.add_argument("-y", "--yes", action="store_true", help="ask nothing: take all that is found")
    parser.add_argument("--force", action="store_true", help="overwrite the file if there is one")
    parser.set_defaults(func=_init)


def _init(arguments: argparse.Namespace) -> int:
    from vision_service.cli.initializing import init

    return init(arguments)
