"""The rule by which calibrations are judged, whether a file, a message or parameters give them.

Which distortion models there are, under which names and with how many coefficients, and what a camera matrix is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from vision_service.configuration import close_names, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.types import CameraIntrinsics

GENERAL = (4, 5, 8, 12, 14)
"""How many coefficients OpenCV's general lens may have: k1, k2, p1, p2, k3, k4 to k6, s1 to s4, tau x, tau y."""

COEFFICIENTS = {
    "plumb_bob": GENERAL,
    "rational_polynomial": GENERAL,
    "thin_prism_fisheye": (12,),
    "equidistant": (4,),
}
"""The distortion models by ROS's names, and how many coefficients each may have.

The first two are one family: drivers and calibrations publish plumb_bob with 8, 12 and 14 numbers, and
rational_polynomial with 5 and 12, and mean the same lens, whose order of coefficients goes on where the other ends.
"""

ALIASES = {
    "radtan": "plumb_bob",
    "radial_tangential": "plumb_bob",
    "rational": "rational_polynomial",
    "fisheye": "equidistant",
    "opencv_fisheye": "equidistant",
    "equi": "equidistant",
    "kannala_brandt": "equidistant",
    "kannala_brandt4": "equidistant",
}
"""Other names of the same models: of Kalibr, OpenCV, Isaac Sim and librealsense."""

NO_DISTORTION = ("", "none", "no_distortion", "undistorted", "pinhole", "perspective")
"""Names under which there is no distortion."""

BROWN_CONRADY = "brown_conrady"
INVERSE = "inverse_brown_conrady"

LARGEST = 2**32 - 1
"""The largest width and height that a CameraInfo message can have, pixels."""

_REFUSED = {
    INVERSE: "inverse_brown_conrady goes from distorted to undistorted pixels, which no distortion model of ROS does:"
    " calibrate the camera as plumb_bob",
    BROWN_CONRADY: "brown_conrady does not say in which order its coefficients are (k1, k2, p1, p2, k3 or rk1, rk2,"
    " rk3, tp1, tp2): give them as plumb_bob, in the order k1, k2, p1, p2, k3",
}
_OWN = {"plumb_bob": (4, 5), "rational_polynomial": (8,)}  # the numbers of coefficients that a model has by its name
_ORDER = {
    GENERAL: "in the order k1, k2, p1, p2, k3 to k6, s1 to s4, tau x, tau y",
    (12,): "in the order k1, k2, p1, p2, k3 to k6, s1 to s4",
    (4,): "in the order k1, k2, k3, k4",
}
_TINY = 1e-9  # of the focal length: what is smaller than this is rounding


def model_name(name: str) -> str:
    """Return ROS's name of a distortion model; empty = none, and a name that is not known as it is."""
    plain = re.sub(r"[\s-]+", "_", name.strip()).casefold()
    if plain in NO_DISTORTION:
        return ""
    return ALIASES.get(plain, plain if plain in (*COEFFICIENTS, *_REFUSED) else name)


def distortion(model: str, coefficients: Sequence[float]) -> tuple[str, tuple[float, ...]]:
    """Return the model's name and the coefficients as in CameraIntrinsics; nothing if there is no distortion.

    Coefficients that are all zero are no distortion under any name, as for ROS's image_geometry. Zeros behind the
    coefficients that a model has say nothing, and are left out.

    Args:
        model: ROS's name or another one of the same model, in any case of letters; empty = plumb_bob, as ROS's own
            reader of files has it.
        coefficients: In ROS's order, which is OpenCV's.

    Raises:
        VisionError: INVALID_ARGUMENT, if one is no number, the model is not known, or it has another number of them.
    """
    found = tuple(float(value) for value in coefficients)
    if not all(math.isfinite(value) for value in found):
        raise _wrong(f"distortion coefficients must be numbers, not {list(found)}")
    name = model_name(model or "plumb_bob")
    known = not name or name in COEFFICIENTS or name in _REFUSED
    if not any(found) and (found or known):
        return "", ()
    if not known:
        raise _unknown(model)
    if name in _REFUSED:
        raise _wrong(_REFUSED[name])
    if not name:
        msg = f"there are distortion coefficients, but their model is {model!r}: give one of {', '.join(COEFFICIENTS)}"
        raise _wrong(msg)
    counts = COEFFICIENTS[name]
    if len(found) not in counts:
        found = _without_zeros(found, counts)
    if len(found) not in counts:
        own = _OWN.get(name, counts)
        others = [count for count in counts if count not in own]
        msg = f"{name} has {_either(own)} distortion coefficients{f' (or {_either(others)})' if others else ''}"
        raise _wrong(f"{msg}, {_ORDER[counts]}; not {len(coefficients)}")
    return name, found


def camera_matrix(values: Sequence[float], name: str = "K") -> tuple[float, float, float, float, float]:
    """Return fx, skew, cx, fy and cy of the nine numbers of a camera matrix, by rows.

    Args:
        values: fx, skew, cx, 0, fy, cy, 0, 0, 1.
        name: The matrix's, for messages.

    Raises:
        VisionError: INVALID_ARGUMENT, if they are no camera matrix.
    """
    numbers = [float(value) for value in values]
    if len(numbers) == 9 and all(map(math.isfinite, numbers)):
        fx, skew, cx, low, fy, cy, *last = numbers
        if fx > 0 and fy > 0 and abs(low) <= _TINY * fy and last == [0, 0, 1]:
            return fx, (skew if abs(skew) > _TINY * fx else 0.0), cx, fy, cy
    msg = (
        f"{name} must be fx 0 cx, 0 fy cy, 0 0 1 with fx and fy above 0 (a skew may stand between fx and cx), "
        f"not {numbers}"
    )
    raise _wrong(msg)


def check_size(width: int, height: int) -> None:
    """Refuse what is no size of an image.

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise _wrong(f"width and height of a calibration must be integers above 0, not {width} and {height}")


def is_pinhole(intrinsics: CameraIntrinsics) -> bool:
    """Return whether pixels follow from rays by fx, fy, cx and cy alone: neither distortion nor skew."""
    return not intrinsics.skew and not any(intrinsics.distortion)


def _without_zeros(found: tuple[float, ...], counts: Sequence[int]) -> tuple[float, ...]:
    """Return coefficients without the zeros behind the last number of them that a model may have."""
    for count in sorted(counts, reverse=True):
        if count < len(found) and not any(found[count:]):
            return found[:count]
    return found


def _either(counts: Sequence[int]) -> str:
    *others, last = map(str, counts)
    return f"{', '.join(others)} or {last}" if others else last


def _unknown(model: str) -> VisionError:
    near = close_names(model, (*COEFFICIENTS, *ALIASES))
    hint = did_you_mean(model, near if near else COEFFICIENTS)
    return _wrong(f"unknown distortion model {model!r}{hint}{'' if near else '; or give undistorted images'}")


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
