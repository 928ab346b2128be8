"""The driver webcam: a camera that is plugged in, through Video4Linux."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.camera import v4l2
from vision_service.camera.calibration import INTRINSICS, calibrated, intrinsics_from
from vision_service.camera.driver import CameraDriver
from vision_service.camera.live import Live
from vision_service.configuration import Names, attribute, did_you_mean
from vision_service.encodings import FULL_RANGE, RAW_ENCODINGS
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import resolve
from vision_service.image import Image
from vision_service.jpeg import jpeg_of
from vision_service.pointcloud.projection import in_metres
from vision_service.resources import Resources
from vision_service.types import CameraIntrinsics, Frame

USUAL_SIZE = (640, 480)
OPEN_TIMEOUT = 5.0
"""How long a camera may take to open and set up, seconds."""
MOST_SPOILT = 10
"""How many frames in a row may come spoilt, as some do on a busy bus, before the camera is opened anew."""

Bytes = NDArray[np.uint8]
Unpack = Callable[[Bytes, int, int], NDArray[np.uint8]]
"""Makes pixels of a frame's bytes, its width and its height."""


@dataclass(frozen=True)
class Layout:
    """A format of images.

    Attributes:
        fourccs: What the kernel calls it.
        bytes_per_pixel: 0 = as many as there are.
        unpack: Makes its pixels; None = it is compressed, or depth.
        encoding: Of these pixels.
    """

    fourccs: tuple[str, ...]
    bytes_per_pixel: float
    unpack: Unpack | None = None
    encoding: str = "rgb8"


def _raw(encoding: str) -> Unpack:
    known = RAW_ENCODINGS[encoding]

    def unpack(data: Bytes, width: int, height: int) -> NDArray[np.uint8]:
        return known.convert(data.reshape(-1, width * known.pixel), width, False, FULL_RANGE)

    return unpack


def _i420(data: Bytes, width: int, height: int) -> NDArray[np.uint8]:
    return cv2.cvtColor(data.reshape(-1, width), cv2.COLOR_YUV2RGB_I420)  # type: ignore[return-value]


def _i444(data: Bytes, width: int, height: int) -> NDArray[np.uint8]:
    planes = data.reshape(3, height, width)
    nv24 = np.concatenate([planes[0].ravel(), np.stack([planes[1], planes[2]], axis=-1).ravel()])
    return _raw("nv24")(nv24, width, height)


def _rgba(data: Bytes, width: int, height: int) -> NDArray[np.uint8]:
    return data.reshape(height, width, 4)


LAYOUTS = {
    "I420": Layout(("YU12",), 1.5, _i420),
    "I444": Layout(("YM24",), 3, _i444),
    "MJPEG": Layout(("MJPG", "JPEG"), 0),
    "NV12": Layout(("NV12",), 1.5, _raw("nv12")),
    "NV21": Layout(("NV21",), 1.5, _raw("nv21")),
    "RGBA": Layout(("AB24",), 4, _rgba, "rgba8"),
    "UYVY": Layout(("UYVY",), 2, _raw("uyvy")),
    "YUY2": Layout(("YUYV",), 2, _raw("yuyv")),
    "Z16": Layout(("Z16 ",), 2),
}
"""The formats by the names of the attribute `format`."""


@dataclass(frozen=True)
class WebcamConfig:
    """Attributes of the driver."""

    video_path: str = attribute(
        "Video device: /dev/videoN, or better its path in /dev/v4l/by-id, which stays the same; empty = the first"
        " camera.",
        default="",
        names=Names.DEVICE,
    )
    format: str = attribute(
        "Pixel format to request: I420, I444, MJPEG, NV12, NV21, RGBA, UYVY, YUY2, Z16; empty = the one that"
        " offers the closest size and frame rate.",
        default="",
    )
    width_px: int = attribute(
        "Width of the images to request; 0 = the closest to 640.", default=0, unit="px", minimum=0, maximum=16384
    )
    height_px: int = attribute(
        "Height of the images to request; 0 = the closest to 480.", default=0, unit="px", minimum=0, maximum=16384
    )
    frame_rate: float = attribute(
        "Frame rate to request; the camera gives the closest that it offers.",
        default=30.0, unit="Hz", minimum=0, above_minimum=True, maximum=1000,
    )  # fmt: skip
    read_timeout: float = attribute(
        "How long the camera may send no frame before the device is opened again.",
        default=2.0,
        unit="s",
        minimum=0.1,
        maximum=60,
    )
    depth_scale: float = attribute(
        "Depth that one unit of the pixel format Z16 stands for.",
        default=0.001,
        unit="m",
        minimum=0,
        above_minimum=True,
    )
    intrinsic_parameters: dict[str, float] = attribute(
        f"Camera intrinsics by name, in pixels: {', '.join(INTRINSICS)}.", default={}
    )


@dataclass(frozen=True)
class Choice:
    """The format and size in which a camera is used.

    Attributes:
        layout: A name in LAYOUTS.
        fourcc: The kernel's name.
        width, height: Pixels.
    """

    layout: str
    fourcc: str
    width: int
    height: int


def choose(device: v4l2.Device, config: WebcamConfig) -> Choice:
    """Return the format and size of a device that come nearest to what is configured.

    A size that is given must be there exactly. Among formats, those that reach the frame rate go before the others,
    then the device's own order counts.

    Raises:
        VisionError: CAMERA_ERROR, with what the device offers.
    """
    known = {fourcc: name for name, layout in LAYOUTS.items() for fourcc in layout.fourccs}
    wanted = (config.width_px, config.height_px)
    usual = (wanted[0] or USUAL_SIZE[0], wanted[1] or USUAL_SIZE[1])
    found: list[tuple[tuple[float, bool, int], Choice]] = []
    for order, offered in enumerate(device.formats):
        name = known.get(offered.fourcc, "")
        if not name or (config.format and name != config.format) or (not config.format and name == "Z16"):
            continue
        for mode in offered.modes or (v4l2.Mode(*usual),):
            if mode.offers(*wanted):
                low = mode.smallest or (mode.width, mode.height)
                width = min(max(usual[0], low[0]), mode.width)
                height = min(max(usual[1], low[1]), mode.height)
                far = abs(width - usual[0]) + abs(height - usual[1])
                slow = bool(mode.frame_rates) and max(mode.frame_rates) < config.frame_rate - 0.5
                found.append(((far, slow, order), Choice(name, offered.fourcc, width, height)))
    if found:
        return min(found, key=lambda pair: pair[0])[1]
    asked = " ".join(
        filter(None, (config.format, "×".join(str(side or "any") for side in wanted) if any(wanted) else ""))
    )
    offers = "; ".join(
        f"{known.get(kind.fourcc, kind.fourcc.strip())}: {', '.join(map(str, kind.modes)) or 'sizes unknown'}"
        for kind in device.formats
    )
    msg = (
        f"{device.path} ({device.name}) does not offer {asked or 'a format that we know'}; it offers {offers or 'none'}"
    )
    raise VisionError(ErrorCode.CAMERA_ERROR, msg)


class Webcam(CameraDriver):
    """USB and other V4L2 cameras, reopened when unplugged.

    Gives the newest frame; a camera that was unplugged, or hangs, comes back by itself.

    The camera is opened when the first frame is wanted, and let go a few seconds after the last was.
    """

    commands: ClassVar[dict[str, str]] = {
        "cameras": "The cameras that are plugged in: their paths, names, formats, sizes in pixels and rates in Hz."
    }

    Config: ClassVar[type] = WebcamConfig

    def __init__(self, config: WebcamConfig, resources: Resources) -> None:
        """Take the configuration; the camera need not be there yet.

        Raises:
            VisionError: INVALID_ARGUMENT, if there is no such format, or the intrinsics are incomplete.
        """
        super().__init__(config, resources)
        if config.format and config.format not in LAYOUTS:
            msg = f"unknown format {config.format!r}{did_you_mean(config.format, LAYOUTS)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self.intrinsics = intrinsics_from(config.intrinsic_parameters)
        self.sources = ("depth",) if config.format == "Z16" else ("color",)
        self.supports_pcd = config.format == "Z16" and self.intrinsics is not None
        self._live = Live(
            config.video_path or "the camera",
            partial(_Opened, config, self.intrinsics),
            open_timeout=OPEN_TIMEOUT,
            read_timeout=config.read_timeout,
        )

    def read(self) -> Frame:
        """Wait for the next frame and return it.

        Raises:
            VisionError: CAMERA_ERROR, if there is no camera (with what there is), or it gives nothing.
        """
        return self._live.read()

    @property
    def facts(self) -> Mapping[str, str]:  # type: ignore[override]  # read only here
        """Which device is read and in what form, once it has been opened."""
        return self._live.facts

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the cameras that are plugged in."""
        return {"cameras": [device.as_dict() for device in v4l2.cameras()]}

    def close(self) -> None:
        """Let go of the camera."""
        self._live.close()


def find(path: str, devices: Sequence[v4l2.Device]) -> v4l2.Device:
    """Return the device at a path, or the first that offers a format that we know if the path is empty.

    Raises:
        VisionError: CAMERA_ERROR, with what is plugged in.
    """
    known = {fourcc for layout in LAYOUTS.values() for fourcc in layout.fourccs}
    if path:
        real = os.path.realpath(path)
        fitting = [device for device in devices if os.path.realpath(device.path) == real]
    else:
        fitting = [device for device in devices if any(kind.fourcc in known for kind in device.formats)]
    if fitting and not fitting[0].problem:
        return fitting[0]
    if fitting:
        raise VisionError(ErrorCode.CAMERA_ERROR, f"{path} {fitting[0].problem}")
    there = f"plugged in: {', '.join(map(str, devices))}" if devices else "no camera is plugged in"
    wanted = f"there is no camera at {path}" if path else "there is no camera that can be used"
    raise VisionError(ErrorCode.CAMERA_ERROR, f"{wanted}; {there}")


class _Opened:
    """A camera that is open and set up; its frames are taken as they come, and unpacked when they are looked at."""

    def __init__(self, config: WebcamConfig, intrinsics: CameraIntrinsics | None) -> None:
        self.read_timeout = config.read_timeout
        path = str(resolve(config.video_path)) if config.video_path else ""
        own = v4l2.device_at(path) if path else None  # which may lie elsewhere than in /dev
        device = find(path, v4l2.cameras() if own is None else [own])
        self._path, self._config, self._intrinsics = device.path, config, intrinsics
        self._choice = choose(device, config)
        size = f"{self._choice.width}×{self._choice.height}"
        self.facts = {"device": device.path, "pixels": f"{self._choice.layout} {size}"}
        # How long OpenCV waits for a frame, whole seconds, for all cameras of the process; its own ten are too long.
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", f"{math.ceil(config.read_timeout)}")
        self._capture = cv2.VideoCapture(device.path, cv2.CAP_V4L2)
        try:
            self._set_up()
        except BaseException:
            self._capture.release()
            raise

    def _set_up(self) -> None:
        if not self._capture.isOpened():
            msg = f"cannot open {self._path}: is another program using it?"
            raise VisionError(ErrorCode.CAMERA_ERROR, msg)
        chosen = self._choice
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*chosen.fourcc))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, chosen.width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, chosen.height)
        self._capture.set(cv2.CAP_PROP_FPS, self._config.frame_rate)
        self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        size = tuple(int(self._capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        fourcc = v4l2.fourcc_of(int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF)
        if size != (chosen.width, chosen.height) or fourcc != chosen.fourcc:
            msg = (
                f"{self._path} does not take {chosen.layout} {chosen.width}×{chosen.height}, which it offers, but "
                f"{fourcc.strip()} {size[0]}×{size[1]}"
            )
            raise VisionError(ErrorCode.CAMERA_ERROR, msg)

    def read(self) -> Frame:
        """Return the next frame that is whole."""
        for last in range(1 - MOST_SPOILT, 1):
            read, data = self._capture.read()
            if not read:
                msg = f"{self._path} gives no frames any more: was it unplugged, or does it hang?"
                raise VisionError(ErrorCode.CAMERA_ERROR, msg)
            try:
                frame = frame_of(np.ascontiguousarray(data).view(np.uint8).ravel(), self._choice, self._config)
                break
            except VisionError as error:
                if last == 0:
                    msg = f"{self._path} gives only spoilt frames: {error.message}"
                    raise VisionError(ErrorCode.CAMERA_ERROR, msg) from None
        return calibrated(frame, self._intrinsics)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def frame_of(data: Bytes, chosen: Choice, config: WebcamConfig) -> Frame:
    """Return the frame that a camera's bytes hold; what is to be decoded or converted is so when it is looked at.

    Raises:
        VisionError: CAMERA_ERROR, if they are too few, or no JPEG.
    """
    layout, width, height = LAYOUTS[chosen.layout], chosen.width, chosen.height
    if chosen.layout == "MJPEG":
        return Frame(image=Image.from_compressed(jpeg_of(data.tobytes())[0]))
    expected = round(width * height * layout.bytes_per_pixel)
    if data.size < expected:
        msg = f"{data.size} bytes instead of the {expected} of {chosen.layout} {width}×{height}"
        raise VisionError(ErrorCode.CAMERA_ERROR, msg)
    data = data[:expected]
    if layout.unpack is None:
        return Frame(depth=in_metres(data.view("<u2").reshape(height, width), config.depth_scale))
    return Frame(image=Image.deferred(partial(layout.unpack, data, width, height), layout.encoding))
