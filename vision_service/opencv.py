"""OpenCV, imported when something of it is used for the first time, in the thread that uses it.

A node that is given plain images, and whose annotated images nobody wants, does without it: 16 MB and 45 ms less.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from vision_service.errors import ErrorCode, VisionError

if TYPE_CHECKING:
    import cv2
else:

    class _OpenCV(ModuleType):
        """What OpenCV has; from the first use on it is asked for as quickly as from OpenCV itself."""

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):  # asked for by who looks at modules, of any module
                raise AttributeError(name)
            try:
                import cv2 as imported
            except ImportError as error:
                msg = f"OpenCV cannot be imported ({error}): pip install opencv-python-headless, or apt: python3-opencv"
                raise VisionError(ErrorCode.INTERNAL, msg) from None
            for own, value in vars(imported).items():
                if not own.startswith("__"):
                    setattr(self, own, value)
            return getattr(imported, name)

    cv2 = _OpenCV("cv2")

__all__ = ["cv2"]
