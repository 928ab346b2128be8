"""The subcommands `list` and `call`: what runs on the graph, and calls of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

from rich.console import Console

from vision_service.cli.outcome import OK, keep_stdout
from vision_service.cli.output import as_dict, object_as_dict, print_json, print_objects, print_results
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import read_file
from vision_service.pointcloud.objects import merged


def list_services(arguments: argparse.Namespace) -> int:
    """Print the names of the running services of this package."""
    from vision_service.ros.calling import Caller
    from vision_service.ros.discovery import settled_services

    keep_stdout()
    with closing(Caller()) as caller:
        found = settled_services(caller, arguments.wait)
    if arguments.json:
        print_json(found)
        return OK
    nodes: dict[str, list[str]] = {}
    for name in sorted(found):
        node, _, method = name.rpartition("/")
        nodes.setdefault(node, []).append(method)
    console = Console(highlight=False)
    for node, methods in nodes.items():
        console.print(f"[bold]{node}[/bold]  {', '.join(methods)}", soft_wrap=True)
    if not nodes:
        console.print("no cameras or vision services run here (is ROS_DOMAIN_ID the same here and there?)")
    return OK


def call(arguments: argparse.Namespace) -> int:
    """Call one service and print the answer."""
    from vision_service.ros import conversion
    from vision_service.ros.calling import DEFAULT_TIMEOUT, Caller
    from vision_service.ros.discovery import find_service

    keep_stdout()
    name = f"/{arguments.service.strip('/')}/{arguments.method}"
    with closing(Caller()) as caller:
        kind = find_service(caller, name, arguments.timeout or DEFAULT_TIMEOUT)
        request = _request(kind, arguments)
        response = caller.call(kind, name, request, lambda response: response, arguments.timeout).result()
    answer = as_json(response)
    if arguments.json:
        print_json(answer)
        return OK
    for field, convert in _results().items():
        if hasattr(response, field):
            size = (response.image_width, response.image_height)
            print_results(f"{name} {response.camera_name}".rstrip(), size, convert(getattr(response, field)))
            return OK
    if hasattr(response, "objects"):
        objects = [conversion.object_from_message(item) for item in response.objects]
        print_objects(f"{name} {response.camera_name}".rstrip(), merged(objects)[0], objects)
        return OK
    Console(highlight=False).print_json(json.dumps(answer))
    return OK


def _request(kind: Any, arguments: argparse.Namespace) -> Any:
    """Return a request with what was given; what the method does not take is refused.

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    from vision_service.ros.client import fill_image

    request = kind.Request()
    given = {
        "camera_name": ("--camera", arguments.camera),
        "count": ("--count", arguments.count),
        "command": ("--command", arguments.command),
        "max_age": ("--max-age", arguments.max_age),
        "image": ("--image", arguments.image),
    }
    for field, (option, value) in given.items():
        if value is None:
            continue
        if not hasattr(request, field):
            msg = f"{arguments.method} does not take {option}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if field == "image":
            fill_image(request, read_file(value))
        else:
            setattr(request, field, value)
    if hasattr(request, "image") and arguments.image is None:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{arguments.method} needs an image: give --image FILE")
    return request


def _results() -> dict[str, Callable[[Any], Any]]:
    """Return the fields of responses that are results of ours, and what makes them of the messages."""
    from vision_service.ros import conversion

    return {
        "detections": conversion.detections_from_message,
        "classifications": conversion.classifications_from_message,
    }


def as_json(message: Any) -> Any:
    """Return a message as JSON knows it: results as the offline commands print them, of large data only the size."""
    if not hasattr(message, "get_fields_and_field_types"):
        if isinstance(message, (list, tuple)):
            return [as_json(item) for item in message]
        return message.item() if hasattr(message, "item") else message
    from vision_service.ros import conversion

    results = _results()
    fields: dict[str, Any] = {}
    for name, kind in message.get_fields_and_field_types().items():
        value = getattr(message, name)
        if name in results:
            fields[name] = [as_dict(result) for result in results[name](value)]
        elif kind == "sequence<vision_service/PointCloudObject>":
            fields[name] = [object_as_dict(conversion.object_from_message(item)) for item in value]
        elif kind == "sequence<uint8>":
            fields["bytes" if name == "data" else f"{name}_bytes"] = len(value)
        elif kind.startswith(("sequence", "double[")):
            fields[name] = [as_json(item) for item in value]
        elif name in ("status", "result") and isinstance(value, str):
            fields[name] = json.loads(value or "{}")
        else:
            fields[name] = as_json(value)
    return fields
