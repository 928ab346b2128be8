"""The driver image_file: a colour image, a depth image and a point cloud from files."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.camera.calibration import INTRINSICS, intrinsics_from
from vision_service.camera.driver import CameraDriver
from vision_service.configuration import Names, attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import resolve
from vision_service.image import LARGEST_IMAGE_FILE, check_size, read_file, read_image
from vision_service.pointcloud.files import read_cloud
from vision_service.pointcloud.projection import in_metres
from vision_service.resources import Resources
from vision_service.types import Frame

Content = TypeVar("Content")


@dataclass(frozen=True)
class ImageFileConfig:
    """Attributes of the driver."""

    color_image_file_path: str = attribute(
        "Path of the colour image: JPEG, PNG, BMP, TIFF or WebP.", default="", names=Names.FILE
    )
    depth_image_file_path: str = attribute(
        "Path of the depth image: a 16-bit PNG in units of 'depth_scale', or metres as .npy or 32-bit TIFF.",
        default="",
        names=Names.FILE,
    )
    pointcloud_file_path: str = attribute(
        "Path of the point cloud: PCD; or .bin as KITTI, .pcd.bin as nuScenes write it, whose z is up: set frame_id.",
        default="",
        names=Names.FILE,
    )
    depth_scale: float = attribute(
        "Depth that one unit of an integer depth image stands for.",
        default=0.001,
        unit="m",
        minimum=0,
        above_minimum=True,
    )
    frame_rate: float = attribute(
        "Frame rate: how often the files are published.", default=10.0, unit="Hz", minimum=0, above_minimum=True
    )
    intrinsic_parameters: dict[str, float] = attribute(
        "Camera intrinsics by name, in pixels of the colour image (of the depth image, if there is no other):"
        f" {', '.join(INTRINSICS)}.",
        default={},
    )


class ImageFile(CameraDriver):
    """Image, depth and point cloud files, read again on changes.

    Every frame is what the files show now.

    The intrinsics belong to the colour image, and to the depth image where that is alone or of the same size. A
    depth image of another size than the colour is let through, but nothing is known of its camera
    (``depth_intrinsics`` is None), so that it gives no points.

    The scale of depth: whole numbers are multiplied by depth_scale, fractions are metres; zero, negative and not
    finite values are unknown.
    """

    Config: ClassVar[type] = ImageFileConfig

    def __init__(self, config: ImageFileConfig, resources: Resources) -> None:
        """Read the files.

        Raises:
            VisionError: INVALID_ARGUMENT, if no file is given, one cannot be read, or the intrinsics are incomplete or
                of another size than the image.
        """
        super().__init__(config, resources)
        self.frame_rate = config.frame_rate
        self.intrinsics = intrinsics_from(config.intrinsic_parameters)
        self._color = _File(config.color_image_file_path, read_image)
        self._depth = _File(config.depth_image_file_path, lambda path: read_depth(path, config.depth_scale))
        self._cloud = _File(config.pointcloud_file_path, lambda path: read_cloud(str(path)).cloud)
        images = {"color": config.color_image_file_path, "depth": config.depth_image_file_path}
        self.sources = tuple(name for name, path in images.items() if path)
        if not self.sources and not config.pointcloud_file_path:
            msg = (
                "image_file has no file to read: give color_image_file_path, depth_image_file_path or "
                "pointcloud_file_path"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        frame = self._read()
        self.supports_pcd = frame.cloud is not None or (
            frame.depth is not None
            and self.intrinsics is not None
            and frame.depth.shape == (self.intrinsics.height, self.intrinsics.width)
        )

    def read(self) -> Frame:
        """Return what is in the files now.

        Raises:
            VisionError: CAMERA_ERROR, if a file is gone or no longer good; it is tried again the next time.
        """
        try:
            return self._read()
        except VisionError as error:
            raise VisionError(ErrorCode.CAMERA_ERROR, error.message) from None

    def _read(self) -> Frame:
        frame = Frame(
            image=self._color.content(),
            depth=self._depth.content(),
            cloud=self._cloud.content(),
            intrinsics=self.intrinsics,
        )
        given = self.intrinsics
        if given is not None and self.sources and frame.size != (given.width, given.height):
            msg = (
                f"intrinsic_parameters are for {given.width}×{given.height} pixels, but the {self.sources[0]} image "
                f"has {frame.size[0]}×{frame.size[1]}"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        return frame


def read_depth(path: str | Path, depth_scale: float) -> NDArray[np.float32]:
    """Return the depth image in a file.

    Args:
        path: Of a .npy file or an image with one channel of 16 bits or of floats.
        depth_scale: Metres per unit, for whole numbers; fractions are metres.

    Returns:
        (H, W) float32, metres, NaN = unknown.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read or is no depth.
    """
    data = read_file(path, most=LARGEST_IMAGE_FILE)
    try:
        if Path(path).suffix.lower() == ".npy":
            raw: Any = np.load(io.BytesIO(data), allow_pickle=False)
        else:
            known = check_size(data)
            raw = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if known else None
    except VisionError as error:
        raise VisionError(error.code, f"{str(path)!r}: {error.message}") from None
    except (cv2.error, ValueError, EOFError, OSError, MemoryError) as error:
        msg = f"{str(path)!r} cannot be decoded: {error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
    if raw is None:
        msg = f"{str(path)!r} is no image, or is cut off"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if raw.ndim != 2 or raw.size == 0 or raw.dtype.kind not in "uif" or raw.dtype.itemsize < 2:
        msg = (
            f"{str(path)!r} is no depth: it has the shape {raw.shape} and type {raw.dtype}; one channel of 16 bits, or "
            "of floats in metres, is expected"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return in_metres(raw, 1.0 if raw.dtype.kind == "f" else depth_scale)


class _File(Generic[Content]):
    """A file's content, read again only when the file has changed."""

    def __init__(self, path: str, load: Callable[[Path], Content]) -> None:
        self._path = path
        self._load = load
        self._version: tuple[int, int, int] | None = None
        self._content: Content | None = None

    def content(self) -> Content | None:
        """Return the content; None without a path."""
        if not self._path:
            return None
        try:
            path = resolve(self._path)
            state = path.stat()
        except (OSError, RuntimeError, ValueError) as error:  # a home that is not known, a path with a zero byte
            msg = f"cannot read {self._path!r}: {getattr(error, 'strerror', None) or error}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        # The inode too: a file that is replaced by one of the same size within a clock tick is another file.
        version = (state.st_mtime_ns, state.st_size, state.st_ino)
        if version != self._version:
            self._content = self._load(path)
            self._version = version  # only now: what cannot be loaded is tried again
        return self._content
