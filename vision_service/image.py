"""An image in memory: pixels in one of ROS's encodings, or what becomes such pixels once, when they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.files import LARGEST_FILE, read_regular
from vision_service.image_size import Size, size_in_header
from vision_service.jpeg import START, JpegHeader, jpeg_end, jpeg_header, jpeg_of
from vision_service.limits import check_pixels
from vision_service.opencv import cv2
from vision_service.other_files import other_file


@dataclass(frozen=True)
class Encoding:
    """How a colour encoding lays out its pixels.

    Attributes:
        channels: Bytes a pixel.
        to_rgb: The name of OpenCV's conversion to RGB; None = it is RGB already.
    """

    channels: int
    to_rgb: str | None


ENCODINGS = {
    "rgb8": Encoding(3, None),
    "bgr8": Encoding(3, "COLOR_BGR2RGB"),
    "rgba8": Encoding(4, "COLOR_RGBA2RGB"),
    "bgra8": Encoding(4, "COLOR_BGRA2RGB"),
    "mono8": Encoding(1, "COLOR_GRAY2RGB"),
}
"""The encodings an Image may have: 8 bits a channel, named as in sensor_msgs/image_encodings."""


def to_rgb(pixels: NDArray[np.uint8], encoding: str) -> NDArray[np.uint8]:
    """Return pixels of any size as RGB, without a copy where they are RGB already.

    Args:
        pixels: (H, W, channels) or, with one channel, (H, W) array of uint8.
        encoding: One of ENCODINGS.

    Returns:
        (H, W, 3) array of uint8.
    """
    code = ENCODINGS[encoding].to_rgb
    return pixels if code is None else cv2.cvtColor(pixels, getattr(cv2, code))  # type: ignore[return-value]


class Image:
    """An image that any number of threads may read; nobody changes its pixels.

    What is no pixels yet is decoded or converted by the first who asks, in its thread, once for all consumers.
    """

    def __init__(self, pixels: NDArray[np.uint8], encoding: str = "rgb8") -> None:
        """Take pixels as they are.

        Args:
            pixels: (H, W, channels) or, with one channel, (H, W) array of uint8; rows may be padded (strided).
            encoding: One of ENCODINGS.

        Raises:
            VisionError: INVALID_ARGUMENT, if the encoding is unknown or the array is not of its form.
        """
        if encoding not in ENCODINGS:
            msg = f"unknown encoding {encoding!r}: a colour image is one of {', '.join(ENCODINGS)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        channels = ENCODINGS[encoding].channels
        expected = (3,) if channels > 1 else (2,)
        if pixels.dtype != np.uint8 or pixels.ndim not in expected or (channels > 1 and pixels.shape[2] != channels):
            msg = f"pixels of shape {pixels.shape} and type {pixels.dtype} are not {encoding}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if pixels.size == 0:
            msg = f"the image is empty: {pixels.shape[1]}×{pixels.shape[0]} pixels"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._pixels: NDArray[np.uint8] | None = pixels
        self._encoding = encoding
        self._make = lambda: pixels
        self._file: _File | None = None
        self._rgb: NDArray[np.uint8] | None = None
        self._lock = threading.Lock()

    @classmethod
    def deferred(cls, make: Callable[[], NDArray[np.uint8]], encoding: str = "rgb8") -> Image:
        """Return an image whose pixels are made on first use.

        Args:
            make: Returns them, in the form of the encoding; a VisionError that it raises comes to whoever asks.
            encoding: One of ENCODINGS.
        """
        image = cls.__new__(cls)
        image._pixels = None
        image._encoding = encoding
        image._make = make
        image._file = None
        image._rgb = None
        image._lock = threading.Lock()
        return image

    @classmethod
    def from_compressed(cls, data: bytes | memoryview) -> Image:
        """Return the image that JPEG, PNG or other compressed bytes hold; they are decoded on first use.

        Bytes that are no image raise VisionError INVALID_ARGUMENT from then on.
        """
        file = _File(data)
        image = cls.deferred(partial(file.decode, "IMREAD_COLOR"), "bgr8")
        image._file = file
        return image

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The pixels in ``encoding``: (H, W, channels), or (H, W) with one channel."""
        if self._pixels is None:
            with self._lock:
                if self._pixels is None:
                    self._pixels = pixels = self._make()
                    self._make = lambda: pixels  # lets go of what they were made of
        return self._pixels

    @property
    def compressed(self) -> bytes | memoryview | None:
        """The bytes of the file that the image came as, or None if it came otherwise."""
        return self._file.data if self._file is not None else None

    @property
    def claimed_size(self) -> Size | None:
        """Width and height as the header of its file says them; None = it came otherwise, or the file does not say."""
        return self._file.size if self._file is not None else None

    @property
    def decoded(self) -> bool:
        """Whether the pixels are there, so that asking for them takes no time."""
        return self._pixels is not None

    @property
    def encoding(self) -> str:
        """The name of the pixels' layout, one of ENCODINGS."""
        return self._encoding

    @property
    def width(self) -> int:
        """Columns, pixels."""
        return self.size[0]

    @property
    def height(self) -> int:
        """Rows, pixels."""
        return self.size[1]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels; a JPEG need not be decoded for that."""
        pixels = self._pixels
        if pixels is None:
            header = self._file.header if self._file is not None else None
            if header is not None and header.size is not None and not header.exif:
                return header.size
            pixels = self.pixels
        return pixels.shape[1], pixels.shape[0]

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """The pixels as (H, W, 3) RGB; converted once."""
        if self._rgb is None:
            self._rgb = to_rgb(self.pixels, self._encoding)
        return self._rgb


def decode(data: bytes | memoryview) -> NDArray[np.uint8]:
    """Return the (H, W, 3) BGR pixels of JPEG, PNG, BMP … bytes; a transparent image loses its transparency.

    Raises:
        VisionError: INVALID_ARGUMENT, if the bytes are no image or stop in the middle.
    """
    return _File(data).decode("IMREAD_COLOR")


def decode_unchanged(data: bytes | memoryview) -> NDArray[Any]:
    """Return the numbers that JPEG, PNG, TIFF … bytes hold, of the file's type and channels, as it lies.

    Returns:
        (H, W) or (H, W, channels) array, colours in the order BGR or BGRA if the file's own order is known.

    Raises:
        VisionError: INVALID_ARGUMENT, as `decode`.
    """
    return _File(data).decode("IMREAD_UNCHANGED")


class _File:
    """The bytes of an image's file, and what its header says, which is read once.

    Attributes:
        data: The bytes.
        header: Of a JPEG; None = it is none.
        size: Width and height that the header claims; None = it does not, or its format is not known.
    """

    __slots__ = ("_header", "_read", "_size", "data")

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = data
        self._read = False
        self._header: JpegHeader | None = None
        self._size: Size | None = None

    @property
    def header(self) -> JpegHeader | None:
        self._look()
        return self._header

    @property
    def size(self) -> Size | None:
        self._look()
        return self._size

    def decode(self, mode: str) -> NDArray[Any]:
        """Return the pixels as OpenCV does in one of its modes, by name; see `decode_unchanged`."""
        data = self.data
        if self.size is not None:
            check_pixels(*self.size)
        readable = self.size is not None and not self.cut_off
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), getattr(cv2, mode)) if readable else None
        except cv2.error as error:
            msg = f"an image that OpenCV does not decode: {error.err or error}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        if pixels is None:
            msg = f"{len(data)} bytes that are no image, or are cut off: JPEG, PNG, BMP, TIFF and WebP are read"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, other_file(data) or msg)
        return pixels

    @property
    def cut_off(self) -> bool:
        """Whether it is a JPEG without its end, whose missing part OpenCV 4 would paint grey."""
        return self.header is not None and jpeg_end(bytes(self.data), self.header) is None

    def _look(self) -> None:
        if self._read:
            return
        if bytes(self.data[: len(START)]) == START:
            self._header = jpeg_header(bytes(self.data))
            self._size = self._header.size
        else:
            self._size = size_in_header(self.data)
        self._read = True


def check_size(data: bytes | memoryview) -> bool:
    """Refuse the bytes of an image that is larger than max_image_pixels, by its header, before it is decoded.

    Returns:
        Whether its size is known. What it is not known of is not to be decoded: it may take any memory.

    Raises:
        VisionError: INVALID_ARGUMENT, with the size, the limit and how to raise it.
    """
    size = size_in_header(data)
    if size is not None:
        check_pixels(*size)
    return size is not None


_MAGIC = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}
"""How files of these kinds begin."""


def encode_image(image: Image, mime_type: str, *, quality: int = 90) -> bytes:
    """Return an image as the bytes of a JPEG or PNG file: those that it came as, if they are such a file already.

    A JPEG that is to be turned when it is shown (EXIF) is encoded anew, turned, because not every reader turns it. What
    follows the end of a JPEG, such as the video of a motion photo, is left out.

    Args:
        image: The image.
        mime_type: image/jpeg or image/png.
        quality: Of a JPEG that is made, 1 to 100.

    Raises:
        VisionError: INVALID_ARGUMENT, as `encode`, or if the image came as bytes that are no image.
    """
    if image.compressed is not None and mime_type in _MAGIC:
        data = bytes(image.compressed)
        if data.startswith(_MAGIC[mime_type]):
            if mime_type == "image/png":
                return data
            header = jpeg_header(data)
            if header.size is not None and not header.exif:
                try:
                    return jpeg_of(data, header)[0]
                except VisionError:  # cut off, which whoever asks for its pixels is told
                    pass
    return encode(image.pixels, mime_type, encoding=image.encoding, quality=quality)


LARGEST_IMAGE_FILE = 512 << 20
"""Bytes."""


def read_file(path: str | Path, *, most: int = LARGEST_FILE) -> bytes:
    """Return a regular file's bytes.

    Args:
        path: Of the file.
        most: How many bytes it may have.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the file and the reason, also if it is a pipe, a device, a folder, or too
            large.
    """
    try:
        return read_regular(path, most)
    except (OSError, RuntimeError, ValueError) as error:  # a home that is not known, a path with a zero byte
        msg = f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def read_image(path: str | Path) -> Image:
    """Return the image in a file, decoded.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read or is no image.
    """
    data = read_file(path, most=LARGEST_IMAGE_FILE)
    try:
        return Image(decode(data), "bgr8")
    except VisionError as error:
        raise VisionError(error.code, f"{str(path)!r}: {error.message}") from None


def encode(pixels: NDArray[np.uint8], mime_type: str, *, encoding: str = "rgb8", quality: int = 90) -> bytes:
    """Return pixels as the bytes of a JPEG or PNG file.

    Args:
        pixels: As Image takes them.
        mime_type: image/jpeg or image/png.
        encoding: One of ENCODINGS.
        quality: Of JPEG, 1 to 100.

    Raises:
        VisionError: INVALID_ARGUMENT, for another mime type or an image larger than the format allows.
    """
    endings = {"image/jpeg": ".jpg", "image/png": ".png"}
    if mime_type not in endings:
        msg = f"images are encoded as {' or '.join(endings)}, not as {mime_type!r}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if encoding not in {"mono8", "bgr8"}:
        pixels = cv2.cvtColor(to_rgb(pixels, encoding), cv2.COLOR_RGB2BGR)  # type: ignore[assignment]
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if mime_type == "image/jpeg" else []
    try:
        done, data = cv2.imencode(endings[mime_type], pixels, options)
    except cv2.error:
        done, data = False, np.empty(0, np.uint8)
    if not done:
        msg = f"an image of {pixels.shape[1]}×{pixels.shape[0]} pixels cannot be encoded as {mime_type}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return data.tobytes()
