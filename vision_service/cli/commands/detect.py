"""The subcommand `detect`: objects in image files."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from vision_service.cli.arguments import add_command
from vision_service.cli.model_arguments import DRAWN, IMAGE_FILE, MODEL, add_model_arguments


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "detect",
        "find objects in image files",
        "Find objects in image files and say where they are.",
        {
            "vision-service detect photo.jpg --model-path detect.tflite --out out/": "a table, and out/photo.png",
            "vision-service detect *.jpg --model-path detect.tflite --json": "one JSON object a file",
            """vision-service detect table.png --model color_detector --set detect_color='"#DB2323"'""": "",
            "vision-service detect photo.jpg --params my_robot.yaml --node people": "as a robot's vision node does",
        },
    )
    add_model_arguments(parser, file=IMAGE_FILE, model=MODEL, out=DRAWN)
    parser.set_defaults(func=detect)


def detect(arguments: argparse.Namespace) -> int:
    """Run `detect`; return the exit code."""
    from vision_service.cli.looking import look
    from vision_service.cli.making import made
    from vision_service.drawing import draw_detections
    from vision_service.tasks import DETECT

    with made(arguments, DETECT) as model:
        draw = partial(draw_detections, skeleton=model.skeleton)
        return look(arguments, "detections", model.detect, draw)
