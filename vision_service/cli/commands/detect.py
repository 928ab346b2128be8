"""The subcommand `detect`: objects in image files."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from vision_service.cli.arguments import add_command
from vision_service.cli.model_arguments import DRAWN, IMAGE_FILE, MODEL, add_model_arguments, begin_trial


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
            "vision-service detect photo.jpg --model-path detect.tflite --set default_minimum_confidence=0.6": "",
            """vision-service detect table.png --model color_detector --set detect_color='"#DB2323"'""": "",
            "vision-service detect photo.jpg --params my_robot.yaml --node people": "as a robot's vision node does",
        },
    )
    add_model_arguments(parser, file=IMAGE_FILE, model=MODEL, out=DRAWN)
    parser.set_defaults(func=detect)


def detect(arguments: argparse.Namespace) -> int:
    """Run `detect`; return the exit code."""
    begin_trial(arguments)
    from vision_service.cli.looking import look
    from vision_service.cli.making import made
    from vision_service.tasks import DETECT

    with made(arguments, DETECT) as model:
        return look(arguments, "detections", model.detect, partial(_draw, skeleton=model.skeleton))


def _draw(*arguments: Any, **named: Any) -> Any:
    from vision_service.drawing import draw_detections  # only where it is wanted: a tenth of the command's time

    return draw_detections(*arguments, **named)
