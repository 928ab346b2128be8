"""What goes through the package: frames in, detections, classifications and objects out. Metres, seconds, pixels."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vision_service.image import Image


@dataclass(frozen=True, slots=True)
class Keypoint:
    """A named place of an object, such as a joint.

    Attributes:
        name: What it is; its number as a string where the model gives no names.
        x, y: Pixels of the source image.
        confidence: 0 to 1; NaN = the model gives none.
    """

    name: str
    x: float
    y: float
    confidence: float = math.nan


@dataclass(frozen=True, slots=True)
class OrientedBox:
    """A box that may be turned.

    Attributes:
        center_x, center_y: Pixels of the source image.
        width, height: Edge lengths before it is turned, pixels; never swapped.
        angle: From the image's x axis towards its y axis (clockwise as seen), radians, in (-pi/2, pi/2].
    """

    center_x: float
    center_y: float
    width: float
    height: float
    angle: float

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """The four corners in order, pixels; the first is the upper left one of a box that is not turned."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        half = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
        return tuple(
            (
                self.center_x + across * self.width * cos - down * self.height * sin,
                self.center_y + across * self.width * sin + down * self.height * cos,
            )
            for across, down in half
        )

    @property
    def envelope(self) -> tuple[float, float, float, float]:
        """The smallest upright box around it: x_min, y_min, x_max, y_max, pixels."""
        across, down = zip(*self.corners, strict=True)
        return min(across), min(down), max(across), max(down)


def reduced_angle(angle: float) -> float:
    """Return the angle in (-pi/2, pi/2] that turns a box as a given one does, radians."""
    reduced = math.remainder(angle, math.pi) if math.isfinite(angle) else 0.0
    return math.pi / 2 if reduced <= -math.pi / 2 else reduced


@dataclass(frozen=True, slots=True)
class InstanceMask:
    """Which pixels of a rectangle of the source image belong to an object.

    The run lengths are those of COCO: column by column, zeros first.

    Attributes:
        x, y: The rectangle's left top pixel in the source image.
        width, height: Its size, pixels.
        counts: Run lengths of zeros and ones in turns; their sum is width × height.
    """

    x: int
    y: int
    width: int
    height: int
    counts: tuple[int, ...]

    @classmethod
    def of(cls, pixels: NDArray[np.bool_], x: int = 0, y: int = 0) -> InstanceMask:
        """Return the mask of pixels.

        Args:
            pixels: (H, W) bool.
            x: Where its left top pixel lies in the source image.
            y: Likewise.
        """
        flat = np.ascontiguousarray(pixels.T).reshape(-1).view(np.int8)
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        runs = np.diff(changes, prepend=0, append=flat.size).tolist() if flat.size else []
        starts_with_one = bool(flat.size and flat[0])
        return cls(x, y, pixels.shape[1], pixels.shape[0], tuple([0, *runs] if starts_with_one else runs))

    def pixels(self) -> NDArray[np.bool_]:
        """Return the (height, width) bool pixels of the rectangle.

        Raises:
            ValueError: If the run lengths are not those of the rectangle.
        """
        values = np.zeros(len(self.counts), bool)
        values[1::2] = True
        flat = values.repeat(np.array(self.counts, np.int64))
        return flat.reshape(self.width, self.height).T

    @property
    def area(self) -> int:
        """How many pixels belong to the object."""
        return sum(self.counts[1::2])


@dataclass(frozen=True, slots=True)
class DetectionExtra:
    """What only some models say of a detection.

    Attributes:
        box: The turned box whose upright envelope the detection's box is; None = the box is upright.
        mask: Its pixels; None = the model gives no masks.
        keypoints: All that the model has, in its order; empty = it has none.
    """

    box: OrientedBox | None = None
    mask: InstanceMask | None = None
    keypoints: tuple[Keypoint, ...] = ()


@dataclass(slots=True)
class Detection:
    """An object found in an image.

    Attributes:
        class_name: What it is.
        confidence: 0 to 1.
        x_min, y_min, x_max, y_max: The box's edges in pixels of the source image, x right, y down; a box around the
            single pixel in the corner is 0, 0, 1, 1. Of a turned box, its upright envelope.
        id: Of the track it belongs to; empty without tracking.
        class_index: The model's number of the class; -1 = it has none.
        extra: A turned box, a mask, keypoints; None = the model gives none of them.
    """

    class_name: str
    confidence: float
    x_min: float
    y_min: float
    x_max: float
    y_max: float
    id: str = ""
    class_index: int = -1
    extra: DetectionExtra | None = None

    @property
    def area(self) -> float:
        """The upright box's area, square pixels."""
        return (self.x_max - self.x_min) * (self.y_max - self.y_min)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Which pixels of an image show what.

    Attributes:
        label_image: The class of each pixel; None = the model tells objects apart, not classes of pixels.
        instances: Objects, each with its mask (``extra.mask``), best first; empty if the model gives no masks.
    """

    label_image: LabelImage | None = None
    instances: tuple[Detection, ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """What an image shows.

    Attributes:
        class_name: The label.
        confidence: 0 to 1.
    """

    class_name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What a camera shows has changed: the best label of its image, or an object has come or gone.

    Attributes:
        previous: What was there: a label, or the id of a track; empty = nothing.
        current: What is there; empty = nothing.
        confidence: Of `current`, 0 to 1; 0 where that is empty.
        camera_name: The camera.
        stamp: Of the frame that changed it, nanoseconds.
        frame_id: Of that frame.
    """

    previous: str
    current: str
    confidence: float
    camera_name: str = ""
    stamp: int = 0
    frame_id: str = ""


@dataclass(frozen=True, eq=False)
class LabelImage:
    """What each pixel of an image shows.

    Attributes:
        labels: (H, W) uint16 class numbers, in the size of the source image.
        class_names: By class number; there is one for each number in the image.
    """

    labels: NDArray[np.uint16]
    class_names: tuple[str, ...]

    def mask(self, class_name: str) -> NDArray[np.bool_]:
        """Return the (H, W) pixels that show a class; none if there is no such class."""
        numbers = [number for number, name in enumerate(self.class_names) if name == class_name]
        return np.isin(self.labels, numbers)


@dataclass(frozen=True, slots=True)
class CameraIntrinsics:
    """A pinhole camera, as in sensor_msgs/CameraInfo.

    Attributes:
        width, height: Of the images it belongs to, pixels.
        fx, fy: Focal lengths, pixels.
        cx, cy: The principal point, pixels from the centre of the top left pixel.
        distortion_model: ROS's name: plumb_bob, rational_polynomial, equidistant; empty = none.
        distortion: Its coefficients in ROS's order.
        skew: By how many pixels x grows with each unit of the (distorted) ray's y, which is K[1] of the camera matrix;
            0 for a sensor whose rows and columns are at right angles.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion_model: str = ""
    distortion: tuple[float, ...] = ()
    skew: float = 0.0


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points in space.

    Attributes:
        xyz: (N, 3) or, organized, (H, W, 3) float32, metres, counted from the origin; NaN = no point there.
        rgb: uint8 of the same shape, or None.
        origin: Where in the frame the coordinates are counted from, metres. Zeros, unless the points are so far from
            the frame's origin that single precision would not tell them apart, as on a map.
        viewpoints: Where the sensors were that measured the points, in the frame of these, as far as the source tells:
            one, several (points of several cameras; NaN = in an unknown place), or none = it tells nothing.
    """

    xyz: NDArray[np.float32]
    rgb: NDArray[np.uint8] | None = None
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    viewpoints: tuple[tuple[float, float, float], ...] = ()

    @property
    def organized(self) -> bool:
        """Whether the points lie in rows and columns like pixels."""
        return self.xyz.ndim == 3

    def __len__(self) -> int:
        """How many points, the missing ones counted."""
        return int(self.xyz.size // 3)

    @property
    def absolute(self) -> NDArray[np.float32] | NDArray[np.float64]:
        """The points' places in the frame, in the shape of xyz: that, or float64 if there is an origin."""
        return self.xyz + np.array(self.origin) if any(self.origin) else self.xyz


@dataclass(frozen=True, eq=False)
class PointCloudObject:
    """An object found in space.

    Attributes:
        cloud: Its points, in the frame of the frame it was found in.
        label: What it is; empty if the model does not say.
        confidence: 0 to 1.
        center: (3,) the box's centre, metres.
        size: (3,) the box's edge lengths, metres.
        orientation: The box's quaternion x, y, z, w.
        id: Of the track it belongs to; empty without tracking.
    """

    cloud: PointCloud
    label: str
    confidence: float
    center: NDArray[np.float64]
    size: NDArray[np.float64]
    orientation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    id: str = ""


@dataclass(frozen=True, eq=False)
class Detection3D:
    """An object found in space, without its points.

    Attributes:
        class_name: What it is; empty if the model does not say.
        confidence: 0 to 1.
        center: (3,) the box's centre, metres.
        size: (3,) the box's edge lengths, metres.
        orientation: The box's quaternion x, y, z, w.
        id: Of the track it belongs to; empty without tracking.
    """

    class_name: str
    confidence: float
    center: NDArray[np.float64]
    size: NDArray[np.float64]
    orientation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    id: str = ""


Made = TypeVar("Made")


class MadeOnce:
    """What is made of a frame by the first who asks, in its thread, once for all who use the frame."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}

    def get(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what has a name, made now if it was not yet; what making raises is raised to each who asks."""
        if name not in self._made:
            with self._lock:
                if name not in self._made:
                    self._made[name] = make()
        made: Made = self._made[name]
        return made


WHY_NOT_CALIBRATED = "why_not_calibrated"
"""The name in `Frame.extra` of the reason why a frame with depth has no intrinsics, and of what to do."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What a camera saw at one time; any number of threads may read it, nobody changes it.

    Attributes:
        image: The colour image, or None.
        depth: (H, W) float32, metres along the optical axis, NaN = unknown; or None.
        cloud: The points, or None.
        intrinsics: Of the colour image, or None if the camera is not calibrated.
        depth_intrinsics: Of the depth image where it is not the colour image's, else None.
        stamp: When it was taken, nanoseconds since the epoch of the camera's clock.
        frame_id: The coordinate frame, x right, y down, z forward.
        camera_name: Empty for a given image.
        extra: What a driver adds of its own, by name; for example the synthetic camera's ground truth.
        arrived: When it came to this process, or was published if nobody was there to receive it, nanoseconds of the
            steady clock; a copy with changes keeps it.
        once: What is made of it once for all its consumers; a copy with changes begins anew.
    """

    image: Image | None = None
    depth: NDArray[np.float32] | None = None
    cloud: PointCloud | None = None
    intrinsics: CameraIntrinsics | None = None
    depth_intrinsics: CameraIntrinsics | None = None
    stamp: int = 0
    frame_id: str = ""
    camera_name: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    arrived: int = field(default_factory=time.monotonic_ns)
    once: MadeOnce = field(default_factory=MadeOnce, init=False, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image (of the depth if there is no other), pixels; 0, 0 if there is none."""
        if self.image is not None:
            return self.image.size
        if self.depth is not None:
            return int(self.depth.shape[1]), int(self.depth.shape[0])
        return 0, 0
