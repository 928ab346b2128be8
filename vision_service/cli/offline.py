"""Subcommands that need no ROS: run a model on picture files, and say what there is to configure."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision_service.camera import DRIVERS
from vision_service.cli.outcome import FAILED, OK, print_error
from vision_service.cli.settings import setting, values
from vision_service.configuration import attributes, configure, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.registry import Registry
from vision_service.resources import LocalResources
from vision_service.vision import MODELS
from vision_service.vision.model import VisionModel, methods

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vision_service.image import Image
    from vision_service.types import Frame

REGISTRIES: dict[str, Registry] = {"models": MODELS, "cameras": DRIVERS}
"""What `models` lists, under the names of its JSON."""


def add_parsers(subparsers: Any) -> None:
    """Add the subcommands detect, classify and models."""
    _add_model_parser(
        subparsers, "detect", "find things in picture files", "Find things in picture files and say where they are."
    ).set_defaults(func=detect)

    parser = _add_model_parser(
        subparsers, "classify", "say what picture files show", "Say what picture files show, best first."
    )
    parser.add_argument(
        "--count", type=int, default=5, metavar="N", help="how many at most; negative = all (default: %(default)s)"
    )
    parser.set_defaults(func=classify)

    parser = subparsers.add_parser(
        "models",
        help="list vision models and camera drivers, and what each can be told",
        description="List vision models and camera drivers with their attributes.",
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", metavar="MODEL_OR_DRIVER", help="only this one")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=models)


def _add_model_parser(subparsers: Any, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name, help=summary, description=description, allow_abbrev=False
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a picture: JPEG, PNG, BMP, TIFF, WebP")
    parser.add_argument("--model", metavar="M", help="the vision model (default: mlmodel, if --model-path is given)")
    parser.add_argument("--model-path", metavar="FILE", help="the ML model's file; the same as --set model_path=FILE")
    parser.add_argument("--label-path", metavar="FILE", help="the labels' file; the same as --set label_path=FILE")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=setting,
        metavar="NAME=VALUE",
        help="an attribute of the model (vision-service models M), value in YAML; for a map NAME.KEY=VALUE; repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a file, each in one line")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write annotated pictures (PNG) into this folder")
    parser.set_defaults(usage_error=parser.error)
    return parser


def detect(arguments: argparse.Namespace) -> int:
    """Run `detect`; return the exit code."""
    from vision_service.drawing import draw_detections

    with closing(_make_model(arguments, "detect")) as model:
        return _run(arguments, "detections", model.detect, draw_detections)


def classify(arguments: argparse.Namespace) -> int:
    """Run `classify`; return the exit code."""
    from vision_service.drawing import draw_classifications

    with closing(_make_model(arguments, "classify")) as model:
        return _run(
            arguments, "classifications", lambda frame: model.classify(frame, arguments.count), draw_classifications
        )


def _make_model(arguments: argparse.Namespace, method: str) -> Any:
    """Return the model that the arguments describe.

    Raises:
        VisionError: There is none of that name, its configuration is wrong, or it has no such method.
    """
    name: str = arguments.model or ("mlmodel" if arguments.model_path else "")
    if not name:
        arguments.usage_error(f"give --model, one of {', '.join(MODELS.names())}, or --model-path FILE")
    paths = {"model_path": arguments.model_path, "label_path": arguments.label_path}
    given = {attribute: path for attribute, path in paths.items() if path is not None}
    cls = MODELS.get(name)
    config = configure(cls.Config, given | values(cls.Config, arguments.settings), of=f"the model {name}")
    model: VisionModel = cls(config, LocalResources())
    available = methods(model)
    if method not in available:
        model.close()
        msg = f"the model {name} cannot {method}: it can {' and '.join(sorted(available)) or 'do nothing'}"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    return model


def _run(
    arguments: argparse.Namespace,
    kind: str,
    answer: Callable[[Frame], list[Any]],
    draw: Callable[[NDArray[np.uint8], list[Any]], NDArray[np.uint8]],
) -> int:
    """Answer for each file, print and draw the results; return the exit code."""
    from vision_service.cli import output

    pictures: Sequence[Path | None] = [None] * len(arguments.files)
    if arguments.out is not None:
        output.make_folder(arguments.out)
        pictures = output.picture_paths(arguments.files, arguments.out)
    code = OK
    for file, picture in zip(output.progress(arguments.files), pictures, strict=True):
        try:
            image, results = _answer(file, answer)
            size = image.width, image.height
            if arguments.json:
                rows = [output.as_dict(result) for result in results]
                output.print_json({"file": file, "width": size[0], "height": size[1], kind: rows})
            else:
                output.print_results(file, size, results)
            if picture is not None:
                output.write_picture(picture, draw(image.rgb, results))
        except VisionError as error:
            print_error(error.message)
            code = FAILED
    return code


def _answer(file: str, answer: Callable[[Frame], list[Any]]) -> tuple[Image, list[Any]]:
    """Return a file's picture and the model's answer for it; every error names the file."""
    from vision_service.image import read_image
    from vision_service.types import Frame

    image = read_image(file)
    try:
        return image, answer(Frame(image=image))
    except VisionError as error:
        raise VisionError(error.code, f"{file!r}: {error.message}") from error


def models(arguments: argparse.Namespace) -> int:
    """Run `models`; return the exit code."""
    from vision_service.cli import output

    known = {name for registry in REGISTRIES.values() for name in registry.names()}
    if arguments.name is not None and arguments.name not in known:
        kinds = " or ".join(registry.kind for registry in REGISTRIES.values())
        hint = did_you_mean(arguments.name, known)
        raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"no {kinds} {arguments.name!r}{hint}")
    code = OK
    found: dict[str, dict[str, Any]] = {plural: {} for plural in REGISTRIES}
    for plural, registry in REGISTRIES.items():
        for name in registry.names():
            if arguments.name not in {None, name}:
                continue
            try:
                cls = registry.get(name)
            except VisionError as error:
                print_error(error.message)
                code = FAILED
                continue
            items = attributes(cls.Config)
            if arguments.json:
                found[plural][name] = {
                    "description": _summary(cls),
                    "attributes": [output.attribute_as_dict(item) for item in items.values()],
                }
            else:
                output.print_attributes(name, registry.kind, _summary(cls), items.values())
    if arguments.json:
        output.print_json(found)
    return code


def _summary(cls: type) -> str:
    """Return the first paragraph of a class's description, in one line."""
    return " ".join((cls.__doc__ or "").strip().partition("\n\n")[0].split())
