"""The driver transform: another camera's frames, changed step by step."""

from __future__ import annotations

import dataclasses
import math
from contextlib import suppress
from dataclasses import dataclass

from vision_service.camera.driver import CameraDriver
from vision_service.camera.transforms import TRANSFORMS
from vision_service.camera.transforms.step import Step
from vision_service.configuration import Part, attribute, parts
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import Resources
from vision_service.types import CameraIntrinsics, Frame


@dataclass(frozen=True)
class TransformConfig:
    """The attributes of `transform`."""

    source: str = attribute("Name of the camera whose frames are transformed.")
    pipeline: tuple[Part, ...] = parts(
        "Steps of the pipeline in their order, by names of your own: NAME.type is the type of a step (rotate,"
        " crop, resize, undistort …), NAME.ATTRIBUTE its attributes.",
        TRANSFORMS,
    )


class Transform(CameraDriver):
    """Rotates, crops, undistorts … another camera's images.

    A pipeline of steps: rotate, crop, resize, undistort, draw the results of vision services.

    Calibration, depth and points follow every step that moves pixels. Stamp and sources are the source's, and so is the
    frame id, unless the steps turn the view: a point then has other coordinates, those of an optical frame turned about
    z, whose id is the source's with ``_rotated_`` and the angle, clockwise in degrees.

    Attributes:
        turn: By how many degrees the steps turn the view clockwise.
        parent_frame: The source's frame id, if the view is turned, as soon as a frame has been read.
    """

    Config = TransformConfig
    config: TransformConfig

    def __init__(self, config: TransformConfig, resources: Resources) -> None:
        """Find the source, and what the steps name.

        Raises:
            VisionError: INVALID_ARGUMENT, if there are no steps, one is wrong, or cameras depend on each other;
                UNKNOWN_RESOURCE, if there is no such camera or vision service.
        """
        super().__init__(config, resources)
        if not config.pipeline:
            msg = "the pipeline has no steps: name at least one, such as pipeline: [spin] with spin.type: rotate"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._source = resources.camera(config.source)
        self._steps: list[tuple[str, Step]] = []
        self.sources = tuple(getattr(self._source, "sources", ("color",)))
        self.supports_pcd = bool(getattr(self._source, "supports_pcd", False))
        intrinsics: CameraIntrinsics | None = getattr(self._source, "intrinsics", None)
        for part in config.pipeline:
            try:
                step: Step = TRANSFORMS.get(part.type)(part.config, resources)
                self._steps.append((part.name, step))
                self.sources = step.sources(self.sources)
                intrinsics = None if intrinsics is None else step.intrinsics(intrinsics)
            except VisionError as error:
                self.close()
                raise _of_step(part.name, error) from None
        self.intrinsics = intrinsics
        self.turn = sum(step.turn for _, step in self._steps) % 360 % 360
        self.parent_frame = ""

    @property
    def held(self) -> float | None:
        """How long ago the source's frame was published, seconds, if it holds; None = it does not."""
        age: float | None = getattr(self._source, "held", None)
        return age

    def read(self) -> Frame:
        """Return the source's next frame, transformed.

        Raises:
            VisionError: What the source raises; or why a step, which is named, cannot transform the frame.
        """
        frame = source = self._source.read()
        for name, step in self._steps:
            try:
                frame = _without_strange_depth(step.apply(frame), source)
            except VisionError as error:
                raise _of_step(name, error) from None
        self.intrinsics = frame.intrinsics
        if self.turn and frame.frame_id:
            self.parent_frame = source.frame_id
            frame = dataclasses.replace(frame, frame_id=f"{frame.frame_id}_rotated_{self.turn:g}")
        return frame

    def pose(self) -> tuple[tuple[float, float, float], tuple[float, float, float, float]]:
        """Return where the turned frame is in the source's: translation, and rotation as quaternion x, y, z, w."""
        half = math.radians(self.turn) / 2
        return (0.0, 0.0, 0.0), (0.0, 0.0, -math.sin(half), math.cos(half))

    def update(self, config: TransformConfig) -> None:
        """Let the steps take changed live attributes."""
        super().update(config)
        for (_, step), part in zip(self._steps, config.pipeline, strict=True):
            step.update(part.config)

    def close(self) -> None:
        """Let go of the steps; the source belongs to others too."""
        for _, step in self._steps:
            with suppress(Exception):
                step.close()
        self._steps = []


def _without_strange_depth(frame: Frame, source: Frame) -> Frame:
    """Return the frame without depth that is not known to be the image's, but has got its size by the steps."""
    if source.image is None or source.depth is None or source.depth_intrinsics is not None:
        return frame
    if frame.depth is None or frame.intrinsics is None or source.depth.shape == source.size[::-1]:
        return frame
    return dataclasses.replace(frame, depth=None) if frame.depth.shape == frame.size[::-1] else frame


def _of_step(name: str, error: VisionError) -> VisionError:
    return VisionError(error.code, f"step {name!r}: {error.message}")
