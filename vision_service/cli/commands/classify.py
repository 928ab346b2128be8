"""The subcommand `classify`: what image files show."""

from __future__ import annotations

import argparse
from typing import Any

from vision_service.cli.arguments import add_command
from vision_service.cli.model_arguments import DRAWN, IMAGE_FILE, MODEL, add_model_arguments, begin_trial


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "classify",
        "say what image files show",
        "Say what image files show, best first.",
        {
            "vision-service classify photo.jpg --model-path classify.tflite --count 3": "",
            "vision-service classify photo.jpg --model-path net.onnx --label-path labels.txt": "",
        },
    )
    add_model_arguments(parser, file=IMAGE_FILE, model=MODEL, out=DRAWN)
    parser.add_argument(
        "--count", type=int, default=5, metavar="N", help="how many at most; negative = all (default: %(default)s)"
    )
    parser.set_defaults(func=classify)


def classify(arguments: argparse.Namespace) -> int:
    """Run `classify`; return the exit code."""
    begin_trial(arguments)
    from vision_service.cli.looking import look
    from vision_service.cli.making import made
    from vision_service.tasks import CLASSIFY

    with made(arguments, CLASSIFY) as model:
        return look(arguments, "classifications", lambda frame: model.classify(frame, arguments.count), _draw)


def _draw(*arguments: Any) -> Any:
    from vision_service.drawing import draw_classifications  # only where it is wanted

    return draw_classifications(*arguments)
