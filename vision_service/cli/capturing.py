"""What the command `capture` does: one frame of a camera, with all that a vision service that runs says of it."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision_service.cli import output, results
from vision_service.cli.outcome import OK, keep_stdout
from vision_service.drawing import draw_results
from vision_service.pointcloud.objects import merged
from vision_service.pointcloud.pcd import write_pcd
from vision_service.types import Segmentation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vision_service.ros.client import CaptureAllResult, VisionProperties
    from vision_service.zones.view import ZoneView


def capture(arguments: argparse.Namespace) -> int:
    """Capture one frame, print what is said of it, and write it into a folder; return the exit code."""
    from vision_service.ros.calling.caller import DEFAULT_TIMEOUT, Caller
    from vision_service.ros.calling.discovery import find_capture
    from vision_service.ros.client import VisionClient

    keep_stdout()
    name = arguments.service.strip("/")
    if arguments.out is not None:
        output.make_folder(arguments.out)
    with output.working(f"waiting for /{name}"), VisionClient(f"/{name}") as client:
        with closing(Caller()) as caller:
            find_capture(caller, name, arguments.timeout or DEFAULT_TIMEOUT)
        can = client.get_properties(timeout=arguments.timeout)
        result = client.capture_all_from_camera(
            arguments.camera or "",
            return_image=arguments.out is not None,
            return_detections=can.detections_supported,
            return_classifications=can.classifications_supported,
            return_object_point_clouds=can.object_point_clouds_supported,
            return_segmentation=can.segmentation_supported,
            return_keypoints=can.keypoints_supported,
            max_age=arguments.max_age or 0.0,
            timeout=arguments.timeout,
        )
        counted = client.get_zones(timeout=arguments.timeout) if arguments.out is not None else {}
    camera = result.frame.camera_name
    zones = [
        counts.view(of, result.size) for of, counts in counted.items() if counts.camera == camera and counts.points
    ]
    found = as_json(name, can, result)
    if arguments.json:
        output.print_json(found)
    else:
        _print(name, result)
    if arguments.out is not None:
        for path in _write(arguments.out, name.replace("/", "_"), found, result, zones):
            if not arguments.json:
                output.for_people().print(str(path), soft_wrap=True)
    return OK


def as_json(service: str, can: VisionProperties, result: CaptureAllResult) -> dict[str, Any]:
    """Return a capture as JSON knows it; what the service cannot say is left out."""
    frame = result.frame
    found: dict[str, Any] = {
        "service": service,
        "model": can.model,
        "camera": frame.camera_name,
        "stamp": frame.stamp,
        "frame_id": frame.frame_id,
        "width": result.size[0],
        "height": result.size[1],
    }
    if result.detections is not None:
        found["detections"] = [results.as_dict(item, result.size) for item in result.detections]
    if result.classifications is not None:
        found["classifications"] = [results.as_dict(item) for item in result.classifications]
    if result.objects is not None:
        found["objects"] = [results.object_as_dict(item) for item in result.objects]
    if result.segmentation is not None:
        found["classes"] = results.classes_of(result.segmentation, result.size)
    return found


def _print(service: str, result: CaptureAllResult) -> None:
    title = f"/{service} {result.frame.camera_name}"
    for items in (result.detections, result.classifications):
        if items is not None:
            results.print_results(title, result.size, items)
    if result.segmentation is not None and result.segmentation.label_image is not None:
        results.print_segmentation(title, result.size, Segmentation(result.segmentation.label_image))
    if result.objects is not None:
        results.print_objects(title, merged(result.objects)[0], result.objects)


def _write(
    folder: Path, service: str, found: dict[str, Any], result: CaptureAllResult, zones: Sequence[ZoneView]
) -> list[Path]:
    """Write a capture's files: what was said as JSON, the image with that drawn, the objects' points; return them."""
    stem = folder / f"{service}_{result.frame.camera_name.strip('/').replace('/', '_')}_{result.frame.stamp}"
    written = [stem.with_name(f"{stem.name}.json")]
    output.write_file(written[0], json.dumps(found, indent=2).encode())
    if result.frame.image is not None:
        label_image = result.segmentation.label_image if result.segmentation is not None else None
        kinds = {"label": label_image, "detect": result.detections, "classify": result.classifications}
        said = {method: items for method, items in kinds.items() if items is not None}
        written.append(stem.with_name(f"{stem.name}.png"))
        output.write_image(written[-1], draw_results(result.frame.image.rgb, said, zones=zones))
    if result.objects:
        cloud, labels = merged(result.objects)
        written.append(stem.with_name(f"{stem.name}.pcd"))
        output.write_file(written[-1], write_pcd(cloud, labels=labels))
    return written
