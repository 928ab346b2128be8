"""What a vision service says of a file that somebody drops on the page."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

from rclpy.node import Node

from vision_service.control.backend import Shown, Watch
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud.pcd import read_pcd
from vision_service.results import Result
from vision_service.ros.client import VisionClient
from vision_service.ros.client.results import with_extras
from vision_service.ros.control.running import ANSWERING
from vision_service.types import Frame

PATIENCE = 20.0
"""How long an answer may take, seconds: a model may be loaded."""


def ask_image(node: Node, service: str, data: bytes) -> Shown:
    """Return what a service says of an image file."""
    image = Image.from_compressed(data)
    frame = Frame(image=image)
    _ = frame.image.pixels if frame.image is not None else None  # what is no image is refused here
    began = time.monotonic()
    with VisionClient(service, node) as client:
        can = client.get_properties(timeout=ANSWERING)
        asked: dict[str, Future[Any]] = {}
        if can.detections_supported:
            asked["detect"] = client.get_detections_async(data, timeout=PATIENCE)
        if can.classifications_supported:
            asked["classify"] = client.get_classifications_async(data, timeout=PATIENCE)
        if can.segmentation_supported:
            asked["segmentation"] = client.get_segmentation_async(data, timeout=PATIENCE)
        if can.keypoints_supported:
            asked["keypoints"] = client.get_keypoints_async(data, timeout=PATIENCE)
        if not asked:
            why = "is not configured"
            if can.object_point_clouds_supported:
                why = "looks at no single image: it finds objects in space; drop a point cloud (PCD)"
            raise VisionError(ErrorCode.NOT_SUPPORTED, f"{service} {why}")
        answers = {name: future.result() for name, future in asked.items()}
    found: dict[str, Any] = {name: answers[name] for name in ("detect", "classify") if name in answers}
    segmentation = answers.get("segmentation")
    instances = segmentation.instances if segmentation is not None else ()
    if "detect" in found or instances or "keypoints" in answers:
        found["detect"] = with_extras(
            found.get("detect", instances or answers.get("keypoints", ())), instances, answers.get("keypoints", ())
        )
    if segmentation is not None and segmentation.label_image is not None:
        found["label"] = segmentation.label_image
    result = Result("", frame, found, seconds=time.monotonic() - began)
    return Shown(Watch(service), frame, result)


def ask_cloud(node: Node, service: str, data: bytes) -> Shown:
    """Return what a service says of a point cloud file."""
    cloud = read_pcd(data)
    began = time.monotonic()
    with VisionClient(service, node) as client:
        objects = client.get_object_point_clouds(cloud=cloud, timeout=PATIENCE)
    frame = Frame(cloud=cloud)
    return Shown(Watch(service), frame, Result("", frame, {"segment": objects}, seconds=time.monotonic() - began))
