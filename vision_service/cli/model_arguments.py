"""The arguments of the commands that run a model on files."""

from __future__ import annotations

import argparse
from pathlib import Path

from vision_service.cli.settings import setting

IMAGE_FILE = "an image: JPEG, PNG, BMP, TIFF, WebP; - = standard input"
DRAWN = "write annotated images (PNG) into this folder"
MODEL = "mlmodel, if --model-path is given"


def add_model_arguments(parser: argparse.ArgumentParser, *, file: str, model: str, out: str) -> None:
    """Add the files, and what says which model looks at them.

    Args:
        parser: Of the subcommand.
        file: What a file may be.
        model: What the model is where none is named.
        out: What is written into the folder for results.
    """
    parser.set_defaults(usage_error=parser.error, default_model="")
    parser.add_argument("files", nargs="+", metavar="FILE", help=file)
    parser.add_argument("--model", metavar="M", help=f"the vision model (default: that of --params, or {model})")
    add_settings(parser, "an attribute of the model (vision-service models M)")
    parser.add_argument(
        "--params", metavar="FILE", help="a ROS parameter file whose vision node says the model and its attributes"
    )
    parser.add_argument("--node", default="", metavar="NAME", help="which vision node of that file, if it has several")
    parser.add_argument("--json", action="store_true", help="print one JSON object a file, each in one line")
    parser.add_argument("--out", type=Path, metavar="DIR", help=out)
    parser.add_argument(
        "--model-path", metavar="FILE", help="the file of the model mlmodel; the same as --set model_path=FILE"
    )
    parser.add_argument("--label-path", metavar="FILE", help="the labels' file; the same as --set label_path=FILE")


def add_settings(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option --set, which sets attributes.

    Args:
        parser: Of the subcommand.
        what: What an attribute is one of, and who lists them.
    """
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=setting,
        metavar="NAME=VALUE",
        help=f"{what}, value in YAML; for a map NAME.KEY=VALUE; repeatable",
    )


def begin_trial(arguments: argparse.Namespace) -> None:
    """Begin to try the model's file, before that is imported what will load it, where it is known how that will be.

    Args:
        arguments: Of a subcommand that has the model's arguments.
    """
    others = {"model_path", "num_threads", "delegate", "delegate_options"}
    names = {name.partition(".")[0] for name, _ in arguments.settings}
    if arguments.model_path and arguments.model in (None, "mlmodel") and not arguments.params and not names & others:
        from vision_service.mlmodel.trial_process import begin

        begin(arguments.model_path)
