"""What the command says of results: JSON and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vision_service.cli.output import for_people, may_be_terminal, print_lines
from vision_service.cli.table import Column, Table

if TYPE_CHECKING:
    from vision_service.types import (
        Classification,
        Detection,
        DetectionExtra,
        PointCloud,
        PointCloudObject,
        Segmentation,
    )
    from vision_service.types import Detection3D as Found3D

SHOWN = 20
"""How many objects a terminal shows of one cloud; a room has hundreds."""
Size = tuple[int, int]
"""Width and height of an image, pixels."""


def as_dict(result: Detection | Classification, size: Size = (0, 0)) -> dict[str, Any]:
    """Return a result's fields by name, as JSON knows them; what there is only of some, only if it is there.

    Args:
        result: A detection or a classification.
        size: Of the image; masks are COCO's dicts of that size, with compressed counts.
    """
    names = ["confidence", "x_min", "y_min", "x_max", "y_max"]
    numbers = {name: float(getattr(result, name)) for name in names if hasattr(result, name)}
    track_id = getattr(result, "id", "")
    extra = getattr(result, "extra", None)
    return {
        "class_name": result.class_name,
        **numbers,
        **({"id": track_id} if track_id else {}),
        **(_extra_as_dict(extra, size) if extra is not None else {}),
    }


def _extra_as_dict(extra: DetectionExtra, size: Size) -> dict[str, Any]:
    from vision_service.masks import coco_rle

    found: dict[str, Any] = {}
    if extra.box is not None:
        names = ("center_x", "center_y", "width", "height", "angle")
        found["oriented_box"] = {name: float(getattr(extra.box, name)) for name in names}
    if extra.mask is not None:
        found["mask"] = coco_rle(extra.mask, *size)
    if extra.keypoints:
        found["keypoints"] = [
            {"name": point.name, "x": float(point.x), "y": float(point.y), "confidence": float(point.confidence)}
            for point in extra.keypoints
        ]
    return found


def segmentation_as_dict(found: Segmentation, size: Size) -> dict[str, Any]:
    """Return a segmentation as JSON knows it: the classes that are shown, largest first, and the objects.

    Args:
        found: What pixels show.
        size: Of the image; masks are COCO's dicts of that size, with compressed counts.
    """
    return {
        "classes": classes_of(found, size),
        "instances": [as_dict(instance, size) for instance in found.instances],
    }


def classes_of(found: Segmentation, size: Size, *, masks: bool = True) -> list[dict[str, Any]]:
    """Return the classes that a label image shows, the one with most pixels first; none, if there is none."""
    import numpy as np

    from vision_service.masks import coco_rle
    from vision_service.types import InstanceMask

    if found.label_image is None:
        return []
    labels = found.label_image.labels
    numbers, counts = np.unique(labels, return_counts=True)
    return [
        {
            "class_name": found.label_image.class_names[numbers[place]],
            "class_index": int(numbers[place]),
            "pixels": int(counts[place]),
            **({"mask": coco_rle(InstanceMask.of(labels == numbers[place]), *size)} if masks else {}),
        }
        for place in np.argsort(-counts, kind="stable")
    ]


def print_results(file: str, size: Size, results: Sequence[Detection | Classification]) -> None:
    """Print a table of a file's results.

    Args:
        file: Its name, as the user wrote it.
        size: Width and height of the image, pixels.
        results: Detections or classifications, in this order.
    """
    title = ((file, "bold"), (f"  {size[0]}×{size[1]}", "dim"))
    if not results:
        print_lines((*title, ("  nothing found", "dim")))
        return
    columns: dict[str, list[str]] = {"id": [getattr(result, "id", "") for result in results]}
    for name in ("confidence", "x_min", "y_min", "x_max", "y_max"):
        if hasattr(results[0], name):
            decimals = 2 if name == "confidence" else 1
            columns[name] = [f"{float(getattr(result, name)):.{decimals}f}" for result in results]
    extras = [getattr(result, "extra", None) for result in results]
    columns["angle"] = [
        f"{math.degrees(extra.box.angle):.1f}°" if extra is not None and extra.box is not None else ""
        for extra in extras
    ]
    columns["mask"] = [
        f"{extra.mask.area} px" if extra is not None and extra.mask is not None else "" for extra in extras
    ]
    columns["keypoints"] = [str(len(extra.keypoints)) if extra and extra.keypoints else "" for extra in extras]
    shown = {name: texts for name, texts in columns.items() if any(texts)}
    heads = [Column("class", least=8), *(Column(name, number=name != "id") for name in shown)]
    table = Table(heads, dense=True)
    for number, result in enumerate(results):
        table.add(result.class_name, *(texts[number] for texts in shown.values()))
    print_lines(title, table=table)


def print_segmentation(file: str, size: Size, found: Segmentation) -> None:
    """Print which classes and objects an image shows, with their pixels.

    Args:
        file: Its name, as the user wrote it.
        size: Of the image.
        found: What its pixels show.
    """
    classes = classes_of(found, size, masks=False)
    if found.instances or not classes:
        print_results(file, size, found.instances)
    if not classes:
        return
    table = Table([Column("class"), *(Column(name, number=True) for name in ("number", "pixels", "share"))])
    for row in classes:
        share = f"{100 * row['pixels'] / max(1, size[0] * size[1]):.1f} %"
        table.add(row["class_name"] or "–", str(row["class_index"]), str(row["pixels"]), share)
    print_lines(((file, "bold"), (f"  {size[0]}×{size[1]}", "dim")), table=table)


def object_as_dict(item: PointCloudObject) -> dict[str, Any]:
    """Return an object as JSON knows it; how its box is turned, only if it is, and the track's id only if there is one.

    Lengths are in metres; the orientation is a quaternion x, y, z, w.
    """
    return {
        "label": item.label,
        "confidence": float(item.confidence),
        "points": len(item.cloud),
        **_box_as_dict(item),
    }


def detection_3d_as_dict(item: Found3D) -> dict[str, Any]:
    """Return a 3D detection as JSON knows it, as :func:`object_as_dict` an object."""
    return {
        "class_name": item.class_name,
        "confidence": float(item.confidence),
        **_box_as_dict(item),
    }


def _box_as_dict(item: PointCloudObject | Found3D) -> dict[str, Any]:
    from vision_service.pointcloud.motion import IDENTITY

    return {
        "center": [float(number) for number in item.center],
        "size": [float(number) for number in item.size],
        **({"orientation": list(item.orientation)} if item.orientation != IDENTITY else {}),
        **({"id": item.id} if item.id else {}),
    }


def print_objects(file: str, cloud: PointCloud, objects: Sequence[PointCloudObject], told: Sequence[str] = ()) -> None:
    """Print a table of the objects in a file: in a terminal the first ones, else all.

    Args:
        file: Its name, as the user wrote it.
        cloud: Its points.
        objects: What was found among them, in this order.
        told: What else is to be said of it, a line each: the ground, what was assumed.
    """
    shape = f"{cloud.xyz.shape[1]}×{cloud.xyz.shape[0]}" if cloud.organized else f"{len(cloud)}"
    title = ((file, "bold"), (f"  {shape} points", "dim"))
    lines = [((f"  {line}", "dim"),) for line in told]
    if not objects:
        print_lines((*title, ("  nothing found", "dim")), *lines)
        return
    numbers = (Column(name, number=True) for name in ("confidence", "points", "center (m)", "size (m)"))
    table = Table([Column("#", number=True), Column("label"), *numbers])
    few = len(objects) > SHOWN + 1 and may_be_terminal() and for_people().is_terminal
    shown = objects[:SHOWN] if few else objects
    for number, item in enumerate(shown, start=1):
        table.add(
            str(number),
            item.label or "–",
            f"{item.confidence:.2f}",
            str(len(item.cloud)),
            *(" ".join(f"{length:.3f}" for length in lengths) for lengths in (item.center, item.size)),
        )
    print_lines(title, *lines, table=table)
    if len(shown) < len(objects):
        print_lines(((f"… and {len(objects) - len(shown)} more: --json, a file or a pipe has all", "dim"),))


def print_detections_3d(title: str, found: Sequence[Found3D]) -> None:
    """Print a table of 3D detections."""
    if not found:
        print_lines(((title, "bold"), ("  nothing found", "dim")))
        return
    table = Table([Column("class"), *(Column(name, number=True) for name in ("confidence", "center (m)", "size (m)"))])
    for item in found:
        places = (" ".join(f"{length:.3f}" for length in lengths) for lengths in (item.center, item.size))
        table.add(item.class_name or "–", f"{item.confidence:.2f}", *places)
    print_lines(((title, "bold"),), table=table)
