"""The libraries that decode video, and which of them does."""

from __future__ import annotations

import importlib.util

from vision_service.camera.decoder import Decoder, Opening
from vision_service.errors import ErrorCode, VisionError, missing_package

LIBRARIES = ("auto", "pyav", "opencv")
"""What may decode: PyAV where it is installed (15 or newer), else OpenCV; or one of them."""


def library_of(name: str) -> str:
    """Return the library that decodes: "pyav" or "opencv".

    Args:
        name: One of LIBRARIES.

    Raises:
        VisionError: NOT_SUPPORTED, if PyAV is asked for and not installed, or too old.
    """
    if name == "opencv":
        return name
    usable, installed = False, importlib.util.find_spec("av") is not None
    if installed:
        import av

        usable = hasattr(av.VideoFrame, "rotation")  # older releases do not tell that images are to be turned
    if name == "pyav" and not installed:
        raise missing_package("av", "library: pyav", extra="streams")
    if name == "pyav" and not usable:
        msg = "library: this PyAV is too old: pip install --upgrade 'av>=15'"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    return "pyav" if usable else "opencv"


def open_video(opening: Opening, library: str) -> Decoder:
    """Open a video.

    Args:
        opening: What, and how.
        library: "pyav" or "opencv".

    Raises:
        UnreadableError: If it cannot be opened.
        SilenceError: If that takes too long.
        VisionError: NOT_SUPPORTED, if the library is not usable.
    """
    if library == "pyav":
        from vision_service.camera.pyav_decoder import PyAvDecoder

        return PyAvDecoder(opening)
    from vision_service.camera.opencv_decoder import OpenCvDecoder

    return OpenCvDecoder(opening)
