"""The transform rotate."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.camera.transforms.geometry import Float, GeometricStep, Geometry, Size
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import Resources
from vision_service.types import CameraIntrinsics

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class RotateConfig:
    """The attributes of `rotate`."""

    angle_degs: float = attribute(
        "Angle by which the images are rotated clockwise.", default=180.0, unit="deg", minimum=-36000, maximum=36000
    )


class Rotate(GeometricStep):
    """Rotates images clockwise by any angle.

    By multiples of 90° exactly, else the image grows, with black corners.

    What a camera sees turned is what it would see if it were itself turned about its optical axis, the other way round:
    a pinhole stays a pinhole. Its principal point moves with the image, depth stays what it is, and the points are
    turned about z, in the optical frame of the turned camera. By other angles than multiples of 90°, pixels that are
    not square (fx and fy differ) become square, because a turned grid of oblong pixels is none of a camera.
    """

    Config = RotateConfig
    config: RotateConfig

    def __init__(self, config: RotateConfig, resources: Resources) -> None:
        super().__init__(config, resources)
        self.turn = config.angle_degs % 360 % 360  # twice, because of a hair's breadth below 0 the first makes 360
        self._matrix = turning(self.turn)

    def geometry(self, size: Size, intrinsics: CameraIntrinsics | None, main: Size) -> Geometry:
        """Return where the turned pixels are."""
        if self.turn % 90 == 0:
            return QuarterTurns(size, int(self.turn // 90))
        return Turning(size, self.turn, (1.0, 1.0) if intrinsics is None else (intrinsics.fx, intrinsics.fy))

    def turned(self, xyz: NDArray[Float]) -> NDArray[Float]:
        """Return the points turned about z."""
        new = np.array(xyz)
        new[..., :2] = xyz[..., :2] @ self._matrix.T.astype(xyz.dtype)
        return new


def turning(degrees: float) -> Matrix:
    """Return the 2×2 matrix that turns clockwise, x being right and y down; exact for multiples of 90°."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if degrees % 90 == 0:
        cosine, sine = round(cosine), round(sine)
    return np.array([[cosine, -sine], [sine, cosine]], np.float64)


def turned_distortion(intrinsics: CameraIntrinsics, matrix: Matrix) -> tuple[float, ...]:
    """Return the distortion coefficients of a lens that is turned about its axis.

    What depends on the distance from the axis alone stays; decentring (p2, p1) and the thin prism's (s1, s3) and
    (s2, s4) are vectors in the image's plane and turn with it.

    Raises:
        VisionError: NOT_SUPPORTED, if the sensor is tilted, or its rows and columns are not at right angles: turned by
            other than 180°, its camera matrix would have its skew in the wrong place.
    """
    found = list(intrinsics.distortion)
    if intrinsics.skew and not np.array_equal(matrix, -np.eye(2)) and not np.array_equal(matrix, np.eye(2)):
        msg = "an image whose camera matrix has a skew cannot be rotated except by 180°: undistort it before"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    if intrinsics.distortion_model == "equidistant" or not any(found):
        return intrinsics.distortion
    if any(found[12:]):
        msg = "an image of a tilted sensor (14 distortion coefficients) cannot be turned: undistort it before"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    for x, y in ((3, 2), (8, 10), (9, 11)):
        if len(found) > max(x, y):
            found[x], found[y] = (matrix @ (found[x], found[y])).tolist()
    return tuple(found)


@dataclass(frozen=True)
class QuarterTurns:
    """Clockwise turns by 90°, pixel by pixel.

    Attributes:
        size: Before.
        count: How many turns, 0 to 3.
    """

    size: Size
    count: int

    def color(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the turned colours."""
        return self.nearest(pixels)

    def nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the turned values."""
        codes = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)
        return cv2.rotate(values, codes[self.count - 1]) if self.count else values

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics of the turned camera."""
        (width, height), (x, y) = self.size, (before.cx, before.cy)
        places = ((x, y), (height - 1 - y, x), (width - 1 - x, height - 1 - y), (y, width - 1 - x))
        across, down = (before.fx, before.fy) if self.count % 2 == 0 else (before.fy, before.fx)
        return dataclasses.replace(
            before,
            width=width if self.count % 2 == 0 else height,
            height=height if self.count % 2 == 0 else width,
            fx=across,
            fy=down,
            cx=places[self.count][0],
            cy=places[self.count][1],
            distortion=turned_distortion(before, turning(90 * self.count)),
        )


class Turning:
    """A clockwise turn by any angle, about the middle of the image, onto the smallest one that holds all of it."""

    def __init__(self, size: Size, degrees: float, focal_lengths: tuple[float, float]) -> None:
        """Lay out the new image.

        Args:
            size: Before.
            degrees: The angle.
            focal_lengths: fx and fy; what counts is their ratio.
        """
        self._degrees = degrees
        self._focal_length = math.sqrt(focal_lengths[0] * focal_lengths[1])
        linear = turning(degrees) * (self._focal_length / np.array(focal_lengths))
        half = np.array(size) / 2
        reach = np.abs(linear) @ half
        # A hair's breadth beyond a pixel is rounding.
        self.after = tuple(max(1, math.ceil(2 * length - 1e-6)) for length in reach)
        shift = (np.array(self.after) - 1) / 2 - linear @ (np.array(size) - 1) / 2
        self._affine = np.column_stack([linear, shift])

    def color(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the turned colours, interpolated."""
        return cv2.warpAffine(pixels, self._affine, self.after, flags=cv2.INTER_LINEAR)  # type: ignore

    def nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the turned values."""
        return cv2.warpAffine(values, self._affine, self.after, flags=cv2.INTER_NEAREST, borderValue=nothing(values))  # type: ignore

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics of the turned camera."""
        x, y = self._affine @ (before.cx, before.cy, 1.0)
        return dataclasses.replace(
            before,
            width=self.after[0],
            height=self.after[1],
            fx=self._focal_length,
            fy=self._focal_length,
            cx=float(x),
            cy=float(y),
            distortion=turned_distortion(before, turning(self._degrees)),
        )


def nothing(values: NDArray[Any]) -> tuple[float, ...]:
    """Return what OpenCV is to write where nothing is: NaN among floats, else 0."""
    return (math.nan if values.dtype.kind == "f" else 0.0,) * 4
