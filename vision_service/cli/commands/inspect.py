"""The subcommand `inspect`: what a model's file is, and what it can serve as; what a bag is, and what is read of it."""

from __future__ import annotations

import argparse
from typing import Any

from vision_service.cli.arguments import add_command
from vision_service.cli.model_arguments import add_settings


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "inspect",
        "say what a model's file, or a bag, is, and what it can serve as",
        "Say what a model's file is and what it can serve as, or why it cannot and what may help: all that"
        " is known of how it takes its image and what its outputs mean, and who says so. Of a bag: its topics, what the"
        " driver replay reads of them, and what is wrong with it. Exit code 0 if it can be served, else 1.",
        {
            "vision-service inspect yolo11n.onnx": "",
            "vision-service inspect net.onnx --set box_format=xyxy --strict": "with what is told, nothing assumed",
            "vision-service inspect recording.mcap --json": "a bag",
        },
    )
    parser.add_argument("model", metavar="FILE", help="the model's file: .tflite or .onnx; or a bag")
    parser.add_argument("--label-path", metavar="FILE", help="the labels' file; the same as --set label_path=FILE")
    add_settings(parser, "an attribute of mlmodel (vision-service models mlmodel), or of replay for a bag")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 as well if anything about the model is only assumed"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=_inspect)


def _inspect(arguments: argparse.Namespace) -> int:
    from vision_service.cli.inspecting import inspect

    return inspect(arguments)
