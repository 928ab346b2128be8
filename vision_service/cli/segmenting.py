"""What the command `segment` does: pixels of images, and objects in point clouds, by what each file is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision_service.cli import clouds, output, results
from vision_service.cli.given import given_image, image_of, is_pipe, read_given
from vision_service.cli.looking import answered, each_file
from vision_service.cli.making import made
from vision_service.cli.outcome import print_error
from vision_service.drawing import draw_results
from vision_service.errors import VisionError
from vision_service.files import read_head
from vision_service.image import encode
from vision_service.masks import instance_image
from vision_service.other_files import CLOUD_HEADS
from vision_service.pointcloud.files import is_records, read_cloud
from vision_service.pointcloud.pcd import write_pcd
from vision_service.tasks import SEGMENT, SEGMENT_3D, require
from vision_service.types import Frame, Segmentation

if TYPE_CHECKING:
    from vision_service.vision.model import VisionModel

CLOUD_MODEL = "obstacles_pointcloud"
"""The model for point clouds, unless another is named."""
ENDINGS = (".png", ".pcd", ".labels.png", ".instances.png")


def segment(arguments: argparse.Namespace) -> int:
    """Run `segment`; return the exit code."""
    # What a pipe gives can be read but once.
    piped: dict[str, bytes] = {}
    for file in filter(is_pipe, arguments.files):
        with suppress(VisionError):  # said when it is its turn
            piped[file] = read_given(file)
    in_space = {file: is_cloud(file, piped.get(file)) for file in arguments.files}
    tasks = [task for task, of_clouds in ((SEGMENT, False), (SEGMENT_3D, True)) if of_clouds in in_space.values()]
    if tasks == [SEGMENT_3D]:
        arguments.default_model = CLOUD_MODEL
    if arguments.up is not None:
        arguments.settings.append(("ground_plane_normal_vec", arguments.up))
    with made(arguments, *tasks) as model:

        def job(file: str, paths: Sequence[Path]) -> None:
            if in_space[file]:
                _segment_cloud(file, piped.get(file), paths, model, arguments)
            else:
                _segment_image(file, piped.get(file), paths, model, arguments.json)

        return each_file(arguments, ENDINGS, job)


def is_cloud(file: str, data: bytes | None = None) -> bool:
    """Return whether a file is a point cloud rather than an image; one that cannot be read, by its name.

    Args:
        file: Its name.
        data: Its content; None = it is looked at.
    """
    try:
        head = read_head(file, 8) if data is None else data[:8]
    except (OSError, RuntimeError, ValueError):
        head = b""
    return head.startswith(CLOUD_HEADS) or file.lower().endswith(".pcd") or is_records(file)


def _segment_image(file: str, data: bytes | None, paths: Sequence[Path], model: VisionModel, json: bool) -> None:
    image = given_image(file) if data is None else image_of(file, data)
    methods = require(model, SEGMENT)
    frame = Frame(image=image)
    found = answered(file, frame, lambda frame: {method: getattr(model, method)(frame) for method in methods})
    segmentation: Segmentation = SEGMENT.result(found)
    size = image.width, image.height
    if json:
        shown = results.segmentation_as_dict(segmentation, size)
        output.print_json({"file": file, "width": size[0], "height": size[1], **shown})
    else:
        results.print_segmentation(file, size, segmentation)
    if paths:
        drawn, _, labels, instances = paths
        output.write_image(drawn, draw_results(image.rgb, found, skeleton=model.skeleton))
        if segmentation.label_image is not None:
            few = len(segmentation.label_image.class_names) <= 256
            _write_numbers(labels, segmentation.label_image.labels.astype("uint8" if few else "uint16"))
        if segmentation.instances:
            _write_numbers(instances, instance_image(segmentation.instances, *size))


def _write_numbers(path: Path, numbers: Any) -> None:
    encoding = "mono8" if numbers.dtype.itemsize == 1 else "mono16"
    output.write_file(path, encode(numbers, "image/png", encoding=encoding))


def _segment_cloud(
    file: str, data: bytes | None, paths: Sequence[Path], model: VisionModel, arguments: argparse.Namespace
) -> None:
    read = read_cloud(file, data)
    cloud = read.cloud
    (method,) = require(model, SEGMENT_3D)
    objects = answered(file, clouds.frame_of(cloud, arguments.frame or read.frame_id), getattr(model, method))
    ground = model.ground()
    if arguments.json:
        rows = [results.object_as_dict(item) for item in objects]
        more = {
            **({"assumed": read.assumed} if read.assumed else {}),
            **({"ground": ground.as_dict()} if ground is not None else {}),
            **({"warning": model.warning} if model.warning else {}),
        }
        output.print_json({"file": file, "points": len(cloud), "objects": rows, **more})
    else:
        told = [f"assumed: {read.assumed}"] if read.assumed else []
        if ground is not None:
            told.append(str(ground))
        results.print_objects(file, cloud, objects, told)
    if model.warning:
        print_error(f"{file!r}: {model.warning}")
    if paths:
        drawn, labelled, *_ = paths
        numbers = clouds.object_numbers(cloud, objects)
        output.write_file(labelled, write_pcd(cloud, labels=numbers))
        output.write_image(drawn, clouds.draw_cloud(cloud, objects, numbers))
