"""Subcommands that need no ROS: run a model on files, and say what there is to configure."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vision_service.camera import DRIVERS
from vision_service.camera.transforms import TRANSFORMS
from vision_service.cli.arguments import direction
from vision_service.cli.outcome import FAILED, OK, print_error
from vision_service.cli.settings import setting
from vision_service.configuration import Attribute, attributes, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.registry import Registry
from vision_service.vision import MODELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vision_service.types import Frame

Answer = TypeVar("Answer")

REGISTRIES: dict[str, Registry] = {"models": MODELS, "cameras": DRIVERS, "transforms": TRANSFORMS}
"""What `models` lists, under the names of its JSON."""


def add_parsers(subparsers: Any) -> None:
    """Add the subcommands detect, classify, segment and models."""
    picture = "an image: JPEG, PNG, BMP, TIFF, WebP; - = standard input"
    drawn = "write annotated images (PNG) into this folder"
    parser = _add_model_parser(
        subparsers, "detect", "find objects in image files", "Find objects in image files and say where they are."
    )
    _add_files(parser, file=picture, model="mlmodel, if --model-path is given", out=drawn)
    _add_paths(parser)
    parser.set_defaults(func=detect)

    parser = _add_model_parser(
        subparsers, "classify", "say what image files show", "Say what image files show, best first."
    )
    _add_files(parser, file=picture, model="mlmodel, if --model-path is given", out=drawn)
    _add_paths(parser)
    parser.add_argument(
        "--count", type=int, default=5, metavar="N", help="how many at most; negative = all (default: %(default)s)"
    )
    parser.set_defaults(func=classify)

    parser = _add_model_parser(
        subparsers,
        "segment",
        "say which pixels of images show what, or find objects in point cloud files",
        "Say which pixels of image files show what; or find objects in point cloud files, and say where in space they"
        " are.",
    )
    _add_files(
        parser,
        file="an image (JPEG, PNG, BMP, TIFF, WebP) or a point cloud (PCD; .bin of KITTI, .pcd.bin of nuScenes); - ="
        " standard input",
        model="mlmodel, if --model-path is given, and obstacles_pointcloud for point clouds",
        out="write annotated images (PNG), with the number of each pixel's class (.labels.png) and object"
        " (.instances.png) beside them, into this folder; of point clouds, labelled clouds (PCD with a field 'label':"
        " an object's number from 1 on, 0 = none) and images (PNG)",
    )
    _add_paths(parser)
    parser.add_argument(
        "--up",
        type=direction,
        metavar="X,Y,Z",
        help="which direction is up in point clouds: x, -y, z … or a vector; the same as --set"
        " ground_plane_normal_vec=[X,Y,Z] (default: as --frame tells, else a guess)",
    )
    parser.add_argument(
        "--frame",
        default="",
        metavar="NAME",
        help="the coordinate frame that point clouds are in: with 'optical' in its name it is a camera's (x right, y"
        " down, z forward), else z is up (default: what the file says)",
    )
    parser.set_defaults(func=_segment)

    parser = subparsers.add_parser(
        "models",
        help="list vision models, camera drivers and transforms, or the attributes of one of them",
        description="List vision models, camera drivers and the steps of the transform camera, one line each; with a"
        " name, that one's attributes.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "name", nargs="?", metavar="MODEL_OR_DRIVER", help="show its attributes, and those of what its parts may be"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=models)


def _add_model_parser(subparsers: Any, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name, help=summary, description=description, allow_abbrev=False
    )
    parser.set_defaults(usage_error=parser.error, default_model="")
    return parser


def _add_files(parser: argparse.ArgumentParser, *, file: str, model: str, out: str) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help=file)
    parser.add_argument("--model", metavar="M", help=f"the vision model (default: that of --params, or {model})")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=setting,
        metavar="NAME=VALUE",
        help="an attribute of the model (vision-service models M), value in YAML; for a map NAME.KEY=VALUE; repeatable",
    )
    parser.add_argument(
        "--params", metavar="FILE", help="a ROS parameter file whose vision node says the model and its attributes"
    )
    parser.add_argument("--node", default="", metavar="NAME", help="which vision node of that file, if it has several")
    parser.add_argument("--json", action="store_true", help="print one JSON object a file, each in one line")
    parser.add_argument("--out", type=Path, metavar="DIR", help=out)


def _add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model-path", metavar="FILE", help="the file of the model mlmodel; the same as --set model_path=FILE"
    )
    parser.add_argument("--label-path", metavar="FILE", help="the labels' file; the same as --set label_path=FILE")


def detect(arguments: argparse.Namespace) -> int:
    """Run `detect`; return the exit code."""
    from vision_service.cli.making import made
    from vision_service.drawing import draw_detections
    from vision_service.tasks import DETECT

    with made(arguments, DETECT) as model:
        draw = partial(draw_detections, skeleton=model.skeleton)
        return _look(arguments, "detections", model.detect, draw)


def classify(arguments: argparse.Namespace) -> int:
    """Run `classify`; return the exit code."""
    from vision_service.cli.making import made
    from vision_service.drawing import draw_classifications
    from vision_service.tasks import CLASSIFY

    with made(arguments, CLASSIFY) as model:
        return _look(
            arguments, "classifications", lambda frame: model.classify(frame, arguments.count), draw_classifications
        )


def _segment(arguments: argparse.Namespace) -> int:
    from vision_service.cli.segmenting import segment

    return segment(arguments)


def _look(
    arguments: argparse.Namespace,
    kind: str,
    answer: Callable[[Frame], list[Any]],
    draw: Callable[[NDArray[np.uint8], list[Any]], NDArray[np.uint8]],
) -> int:
    """Answer for each image, print and draw the results; return the exit code."""
    from vision_service.cli import output, results
    from vision_service.cli.given import given_image
    from vision_service.types import Frame

    def job(file: str, pictures: Sequence[Path]) -> None:
        image = given_image(file)
        found = answered(file, Frame(image=image), answer)
        size = image.width, image.height
        if arguments.json:
            rows = [results.as_dict(result, size) for result in found]
            output.print_json({"file": file, "width": size[0], "height": size[1], kind: rows})
        else:
            results.print_results(file, size, found)
        for picture in pictures:
            output.write_picture(picture, draw(image.rgb, found))

    return each(arguments, (".png",), job)


def each(arguments: argparse.Namespace, endings: Sequence[str], job: Callable[[str, Sequence[Path]], None]) -> int:
    """Do a job for each file, given where its results go if they are wanted; return the exit code."""
    from vision_service.cli import output

    results: Sequence[Sequence[Path]] = [()] * len(arguments.files)
    if arguments.out is not None:
        output.make_folder(arguments.out)
        results = output.result_paths(arguments.files, arguments.out, endings)
    code = OK
    for file, paths in zip(output.progress(arguments.files), results, strict=True):
        try:
            job(file, paths)
        except VisionError as error:
            print_error(error.message)
            code = FAILED
    return code


def answered(file: str, frame: Frame, answer: Callable[[Frame], Answer]) -> Answer:
    """Return the model's answer for a file's frame; every error names the file."""
    try:
        return answer(frame)
    except VisionError as error:
        raise VisionError(error.code, f"{file!r}: {error.message}") from error


def models(arguments: argparse.Namespace) -> int:
    """Run `models`; return the exit code.

    Args:
        arguments: Of the subcommand.

    Raises:
        VisionError: UNKNOWN_RESOURCE, if nothing has the name that is asked for.
    """
    from vision_service.cli import output

    known = {name for registry in REGISTRIES.values() for name in registry.names()}
    if arguments.name is not None and arguments.name not in known:
        kinds = " or ".join(registry.kind for registry in REGISTRIES.values())
        hint = did_you_mean(arguments.name, known)
        raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"no {kinds} {arguments.name!r}{hint}")
    found, code = _listed(arguments.name)
    if arguments.json:
        output.print_json({plural: {name: _as_dict(*one) for name, one in of.items()} for plural, of in found.items()})
    elif arguments.name is None:
        for plural, of in found.items():
            registry = REGISTRIES[plural]
            entries = [(name, _paragraphs(cls)[0], _methods(cls)) for name, (cls, _) in of.items()]
            output.print_entries(f"{registry.kind}s", entries)
    else:
        for plural, of in found.items():
            for name, (cls, items) in of.items():
                output.print_attributes(name, REGISTRIES[plural].kind, _methods(cls), _paragraphs(cls)[:2], items)
    return code


def _listed(wanted: str | None) -> tuple[dict[str, dict[str, tuple[type, list[Attribute]]]], int]:
    """Return classes and their attributes by the kind's plural and the name, and the exit code.

    Args:
        wanted: Only that of this name, and what its parts may be; None = all.
    """
    code = OK
    found: dict[str, dict[str, tuple[type, list[Attribute]]]] = {plural: {} for plural in REGISTRIES}
    of_parts: set[int] = set()  # the registries of what the parts of the one asked for may be
    for plural, registry in REGISTRIES.items():
        for message in registry.unused():
            print_error(message)
        for name in registry.names():
            if wanted not in {None, name} and id(registry) not in of_parts:
                continue
            try:
                cls = registry.get(name)
                items = attributes(cls.Config)
            except VisionError as error:
                print_error(error.message)
                code = FAILED
                continue
            except (AttributeError, TypeError) as error:  # a third party's class; it must not hide the others
                print_error(f"the {registry.kind} {name!r} has no Config made of attributes: {error}")
                code = FAILED
                continue
            of_parts |= {id(item.parts) for item in items.values() if item.parts is not None}
            found[plural][name] = cls, list(items.values())
    return found, code


def _as_dict(cls: type, items: Sequence[Attribute]) -> dict[str, Any]:
    from vision_service.cli import output

    return {
        "description": " ".join(_paragraphs(cls)[:2]),
        "methods": _methods(cls),
        "attributes": [output.attribute_as_dict(item) for item in items],
    }


def _methods(cls: type) -> list[str]:
    """Return what a vision model's class can do; nothing of what is none."""
    from vision_service.vision.model import METHODS

    return [method for method in METHODS if callable(getattr(cls, method, None))]


def _paragraphs(cls: type) -> list[str]:
    """Return the paragraphs of a class's description, each in one line; at least one, which may be empty."""
    return [" ".join(paragraph.split()) for paragraph in (cls.__doc__ or "").strip().split("\n\n")]
