"""The data of the transport compressedDepth to depth.

The format is that of compressed_depth_image_transport: 12 bytes of configuration (a number, and two floats A and B),
then a 16-bit PNG, or columns, rows and an RVL stream. Of 16UC1 these are millimetres; of 32FC1 they are A / depth + B.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import check_size
from vision_service.limits import check_pixels
from vision_service.messages.formats import Format
from vision_service.messages.rvl import decode_rvl
from vision_service.opencv import cv2
from vision_service.pointcloud.projection import in_metres

_CONFIGURATION = struct.Struct("<iff")
_SIZE = struct.Struct("<II")
_PNG = b"\x89PNG\r\n\x1a\n"


def decode_compressed_depth(form: Format, data: memoryview) -> NDArray[np.float32]:
    """Return the depth of the data of a message of the transport compressedDepth.

    Args:
        form: Its format.
        data: What the message holds.

    Returns:
        (H, W) array of float32, metres, NaN = unknown.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is of another format, or damaged.
    """
    decoder = _DECODERS.get(form.text.partition(";")[2].strip(), None if ";" in form.text else _decode_png)
    if form.source not in ("", "16UC1", "mono16", "32FC1") or decoder is None:
        known = ", ".join(name for name in _DECODERS if " " in name)
        raise _wrong(f"depth of 16UC1 or 32FC1 is expected, as {known}, but the format is {form.text!r}")
    if bytes(data[: len(_PNG)]) == _PNG:  # some scripts leave the configuration out
        a, b = 0.0, 0.0
    elif len(data) > _CONFIGURATION.size:
        _, a, b = _CONFIGURATION.unpack_from(data)
        data = data[_CONFIGURATION.size :]
    else:
        raise _wrong(f"the compressed depth is empty (format {form.text!r})")
    numbers = decoder(data)
    if form.source in ("16UC1", "mono16") or (not form.source and a == b == 0):
        return in_metres(numbers, 0.001)
    if not a > 0:
        raise _wrong(f"the compressed depth ({form.text!r}) does not say how it was quantized: its A is {a:g}")
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.float32(a) / (numbers.astype(np.float32) - np.float32(b))
    depth[numbers == 0] = np.nan
    return in_metres(depth)


def _decode_png(data: memoryview) -> NDArray[np.uint16]:
    known = check_size(data)
    try:
        numbers: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if known else None
    except cv2.error as error:
        raise _wrong(f"compressed depth that OpenCV does not decode: {error.err or error}") from None
    if numbers is None or numbers.ndim != 2 or numbers.dtype != np.uint16:
        raise _wrong("the compressed depth is no PNG of 16 bits, or is cut off")
    return numbers  # type: ignore[no-any-return]


def _decode_rvl(data: memoryview) -> NDArray[np.uint16]:
    columns, rows = _SIZE.unpack_from(data) if len(data) >= _SIZE.size else (0, 0)
    if not columns * rows:
        raise _wrong(f"the compressed depth is damaged: {columns}×{rows} pixels")
    check_pixels(columns, rows)
    return decode_rvl(data[_SIZE.size :], columns * rows).reshape(rows, columns)


_DECODERS = {"compressedDepth": _decode_png, "compressedDepth png": _decode_png, "compressedDepth rvl": _decode_rvl}
"""By what stands behind the ';' of the format."""


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
