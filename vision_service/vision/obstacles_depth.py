"""The model `obstacles_depth`: finds the ground, and what is not the ground, in a depth image."""

from __future__ import annotations

from vision_service.types import Frame
from vision_service.vision.model import Needs
from vision_service.vision.obstacles import OPTICAL_UP, Obstacles
from vision_service.vision.upward import FRAME, Upward


class ObstaclesDepth(Obstacles):
    """As obstacles_pointcloud, for depth images.

    Points are made of depth and calibration; up is the top of the image.

    The camera must be calibrated: depth alone says how far ahead something is, but not where.
    """

    needs = Needs.DEPTH | Needs.INTRINSICS

    def _up(self, frame: Frame) -> Upward:
        return Upward(OPTICAL_UP, FRAME, "-y, the top of the depth image")
