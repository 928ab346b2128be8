"""What the commands `list` and `call` do: what runs on the graph, and calls of it."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from typing import Any

from rich.text import Text

from vision_service.cli import results
from vision_service.cli.given import read_given
from vision_service.cli.outcome import FAILED, OK, keep_stdout, print_error
from vision_service.cli.output import for_people, print_json, working
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import LARGEST_IMAGE_FILE
from vision_service.pointcloud.objects import merged
from vision_service.types import LabelImage, Segmentation


def list_services(arguments: argparse.Namespace) -> int:
    """Print the names of the running services of this package; return 1 if they may not be all of them."""
    from vision_service.ros.calling.caller import Caller
    from vision_service.ros.calling.discovery import complete_listing

    keep_stdout()
    with working("looking at the graph"), closing(Caller()) as caller:
        listing = complete_listing(caller, arguments.wait)
    found, how = listing.services, listing.states
    if listing.lacking:
        print_error(f"this list is not complete: {listing.lacking}; look longer: --wait {2 * arguments.wait + 5:g}")
    code = FAILED if listing.lacking else OK
    if arguments.json:
        print_json(found)
        return code
    nodes: dict[str, list[str]] = {}
    for name in sorted(found):
        node, _, method = name.rpartition("/")
        nodes.setdefault(node, []).append(method)
    console = for_people()
    for node, methods in nodes.items():
        console.print(
            Text.assemble((node, "bold"), "  ", how.get(node, ""), (f"  {', '.join(methods)}", "dim")), soft_wrap=True
        )
    if not nodes:
        console.print("no cameras or vision services run here (is ROS_DOMAIN_ID the same here and there?)")
    return code


def call(arguments: argparse.Namespace) -> int:
    """Call one service and print the answer."""
    from vision_service.ros.calling.caller import DEFAULT_TIMEOUT, Caller
    from vision_service.ros.calling.discovery import find_service

    keep_stdout()
    name = f"/{arguments.service.strip('/')}/{arguments.method}"
    with working(f"waiting for {name}"), closing(Caller()) as caller:
        kind = find_service(caller, name, arguments.timeout or DEFAULT_TIMEOUT)
        request = _request(kind, arguments)
        response = caller.call(kind, name, request, lambda response: response, arguments.timeout).result()
    answer = as_json(response)
    if arguments.json:
        print_json(answer)
        return OK
    if not _print(f"{name} {getattr(response, 'camera_name', '')}".rstrip(), response):
        for_people().print_json(json.dumps(answer))
    return OK


def _print(title: str, response: Any) -> bool:
    """Print the results in a response, if it has any that people read as a table; return whether it has."""
    from vision_service.ros import conversion

    kinds = set(response.get_fields_and_field_types().values())
    size = getattr(response, "image_width", 0), getattr(response, "image_height", 0)
    if "vision_msgs/Detection2DArray" in kinds:
        results.print_results(title, size, conversion.detections_from_message(response.detections))
    elif "vision_msgs/Classification" in kinds:
        results.print_results(title, size, conversion.classifications_from_message(response.classifications))
    elif "vision_service/InstanceArray" in kinds:
        label_image = conversion.label_image_from_message(response.label_image, response.class_names)
        instances = tuple(conversion.instances_from_message(response.instances))
        results.print_segmentation(title, size, Segmentation(label_image, instances))
    elif "vision_service/ObjectKeypointsArray" in kinds:
        results.print_results(title, size, conversion.keypoints_from_message(response.keypoints))
    elif "vision_msgs/Detection3DArray" in kinds:
        results.print_detections_3d(title, conversion.detections_3d_from_message(response.detections))
    elif "sequence<vision_service/PointCloudObject>" in kinds:
        objects = [conversion.object_from_message(item) for item in response.objects]
        results.print_objects(title, merged(objects)[0], objects)
    else:
        return False
    return True


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
            fill_image(request, read_given(str(value), most=LARGEST_IMAGE_FILE))
        else:
            setattr(request, field, value)
    if hasattr(request, "image") and arguments.image is None:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{arguments.method} needs an image: give --image FILE")
    return request


def _rows(kind: str, value: Any, size: tuple[int, int]) -> list[dict[str, Any]] | None:
    """Return results of ours as the offline commands print them; None = they are none."""
    from vision_service.ros import conversion

    if kind == "vision_msgs/Detection2DArray":
        return [results.as_dict(item, size) for item in conversion.detections_from_message(value)]
    if kind == "vision_msgs/Classification":
        return [results.as_dict(item) for item in conversion.classifications_from_message(value)]
    if kind == "vision_service/InstanceArray":
        size = value.image_width, value.image_height
        return [results.as_dict(item, size) for item in conversion.instances_from_message(value)]
    if kind == "vision_service/ObjectKeypointsArray":
        return [results.as_dict(item, size) for item in conversion.keypoints_from_message(value)]
    if kind == "vision_msgs/Detection3DArray":
        return [results.detection_3d_as_dict(item) for item in conversion.detections_3d_from_message(value)]
    if kind == "sequence<vision_service/PointCloudObject>":
        return [results.object_as_dict(conversion.object_from_message(item)) for item in value]
    return None


def _label_image(message: Any) -> LabelImage | None:
    from vision_service.ros import conversion

    return conversion.label_image_from_message(message.label_image, message.class_names)


def as_json(message: Any) -> Any:
    """Return a message as JSON knows it: results as the offline commands print them, of large data only the size."""
    if not hasattr(message, "get_fields_and_field_types"):
        if isinstance(message, (list, tuple)):
            return [as_json(item) for item in message]
        return message.item() if hasattr(message, "item") else message
    size = getattr(message, "image_width", 0), getattr(message, "image_height", 0)
    fields: dict[str, Any] = {}
    for name, kind in message.get_fields_and_field_types().items():
        value = getattr(message, name)
        rows = _rows(kind, value, size)
        if rows is not None:
            fields[name] = rows
        elif name == "label_image":
            fields["classes"] = results.classes_of(Segmentation(_label_image(message)), size)
        elif kind == "sequence<uint8>":
            fields["bytes" if name == "data" else f"{name}_bytes"] = len(value)
        elif kind.startswith(("sequence", "double[")):
            fields[name] = [as_json(item) for item in value]
        elif name in ("status", "result") and isinstance(value, str):
            fields[name] = json.loads(value or "{}")
        else:
            fields[name] = as_json(value)
    return fields
