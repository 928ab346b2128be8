"""Clients for programs: a vision service, a camera and an ML model by name, as in the examples of the README.

All clients of a process share one connection to ROS for each context (`vision_service.ros.calling.connections`).
"""

from vision_service.ros.client.base import NamedClient
from vision_service.ros.client.camera import CameraClient
from vision_service.ros.client.mlmodel import MLModelClient
from vision_service.ros.client.requests import ImageLike, fill_image
from vision_service.ros.client.results import (
    CameraProperties,
    CaptureAllResult,
    Extrinsics,
    Geometry,
    ModelMetadata,
    NamedImage,
    Results,
    SourceFrame,
    VisionProperties,
)
from vision_service.ros.client.vision import VisionClient

__all__ = [
    "CameraClient",
    "CameraProperties",
    "CaptureAllResult",
    "Extrinsics",
    "Geometry",
    "ImageLike",
    "MLModelClient",
    "ModelMetadata",
    "NamedClient",
    "NamedImage",
    "Results",
    "SourceFrame",
    "VisionClient",
    "VisionProperties",
    "fill_image",
]
