"""The subcommand `models`: which vision models, camera drivers and transforms there are, and their attributes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from vision_service.camera import DRIVERS
from vision_service.camera.transforms import TRANSFORMS
from vision_service.cli.arguments import add_command
from vision_service.cli.outcome import FAILED, OK, print_error
from vision_service.configuration import Attribute, attributes, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.registry import Registry
from vision_service.vision import MODELS

REGISTRIES: dict[str, Registry] = {"models": MODELS, "cameras": DRIVERS, "transforms": TRANSFORMS}
"""What `models` lists, under the names of its JSON."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "models",
        "list vision models, camera drivers and transforms, or the attributes of one of them",
        "List vision models, camera drivers and the steps of the transform camera, one line each; with a"
        " name, that one's attributes.",
        {
            "vision-service models": "which there are",
            "vision-service models mlmodel": "what can be set of one",
        },
    )
    parser.add_argument(
        "name", nargs="?", metavar="MODEL_OR_DRIVER", help="show its attributes, and those of what its parts may be"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(func=models)


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
