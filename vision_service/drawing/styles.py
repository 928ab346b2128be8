"""How results look: colours, sizes, labels."""

from __future__ import annotations

import math
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vision_service.opencv import cv2
from vision_service.types import Classification, Detection

Color = tuple[int, int, int]
Point = tuple[int, int]

_CODES = bytes.fromhex(
    "00e15a ff00ff ff5a00 00b4ff ffe100 ff87b4 00fff0 78964b 9678ff ffb478 "
    "a5ff00 ff2db4 ff4b5a d2f078 e1b4ff ffa50f 69e196 5aa500 a59600 ff87ff "
    "00ff1e 00a587 2de1ff e17869 7887e1 e1782d b4d200 ff3c87 d25aff"
)
PALETTE: tuple[Color, ...] = tuple(zip(_CODES[::3], _CODES[1::3], _CODES[2::3], strict=True))
"""RGB colours of classes: each the vivid colour that is farthest, in CIELAB, from all before it."""
FARTHEST = 1e9
"""How far away from the image ends of lines may be, so that OpenCV can count their pixels."""


@dataclass(frozen=True)
class Style:
    """The sizes of what is drawn, pixels.

    Attributes:
        line: Width of a box's line.
        scale: OpenCV's font scale.
        stroke: Width of the letters' strokes.
        ascent, descent: What letters need above and below the baseline.
        padding: Between letters and the edge of their background.
    """

    line: int
    scale: float
    stroke: int
    ascent: int
    descent: int
    padding: int

    @property
    def label_height(self) -> int:
        """Of a label with its background."""
        return self.ascent + self.descent + self.padding

    def width(self, text: str) -> int:
        """Return how wide a text is without its background."""
        return _text_width(text, self.scale, self.stroke)


@lru_cache(maxsize=4096)
def _text_width(text: str, scale: float, stroke: int) -> int:
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)[0][0])


@lru_cache(maxsize=64)
def style(width: int, height: int) -> Style:
    """Return the sizes for an image of that size: the shorter side counts, and letters never get too small to read."""
    shorter = min(width, height)
    scale = max(0.34, 0.2 + shorter / 1800)
    stroke = max(1, round(scale * 1.8))
    (_, ascent), descent = cv2.getTextSize("Ag", cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
    return Style(
        line=max(1, round(shorter / 300)),
        scale=scale,
        stroke=stroke,
        ascent=int(ascent),
        descent=int(descent),
        padding=max(2, round(ascent / 3)),
    )


@lru_cache(maxsize=4096)
def class_color(class_name: str) -> Color:
    """Return the RGB colour of a class: the same in every process, so images of two days can be compared."""
    return PALETTE[zlib.crc32(class_name.encode("utf-8", "replace")) % len(PALETTE)]


@lru_cache(maxsize=64)
def text_color(background: Color) -> Color:
    """Return black or white, whichever has the higher contrast on a background (relative luminance of WCAG 2)."""
    linear = (np.asarray(background) / 255.0) ** 2.2
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return (0, 0, 0) if (luminance + 0.05) ** 2 > 0.05 * 1.05 else (255, 255, 255)


@lru_cache(maxsize=4096)
def printable(text: str) -> str:
    """Return a text in the letters that OpenCV's font has: accents are dropped, what is left of others becomes '?'."""
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in letters)


def label(result: Detection | Classification, width: int, sizes: Style) -> str:
    """Return 'name 0.87', the name shortened to what a label of that width, pixels, has room for."""
    name = printable(result.class_name)
    score = "" if math.isnan(result.confidence) else f" {result.confidence:.2f}"
    room = width - 2 * sizes.padding
    text = (name + score).strip()
    wide = sizes.width(text)
    if wide <= room:
        return text
    kept = max(1, len(text) * room // wide - len(score) - 2)
    while kept > 1 and sizes.width(f"{name[:kept]}..{score}") > room:
        kept -= 1
    return f"{name[:kept]}..{score}"


def object_color(name: str, number: int) -> Color:
    """Return the RGB colour of the object of that number in a list: its label's, or without one its number's."""
    return class_color(name) if name else PALETTE[number % len(PALETTE)]


def inside(lines: NDArray[np.float64], width: int, height: int, beyond: int) -> list[tuple[Point, Point]]:
    """Return the parts of lines that lie in an image or at most `beyond` pixels outside, in whole pixels."""
    bounds = (-beyond, -beyond, width + 2 * beyond, height + 2 * beyond)
    clipped = (cv2.clipLine(bounds, start, end) for start, end in np.rint(lines).astype(int).tolist())
    return [(start, end) for visible, start, end in clipped if visible]  # type: ignore[misc]


def above(top: int, bottom: int, sizes: Style) -> int:
    """Return the top of a label above a box, or, if there is no room, below its upper edge, inside."""
    low = top - sizes.label_height
    if low < 0:
        low = max(top, 0) if bottom - max(top, 0) >= sizes.label_height else bottom
    return low


def fill(image: NDArray[np.uint8], left: int, top: int, right: int, bottom: int, color: Color) -> None:
    """Fill a box, right and bottom excluded."""
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), color, cv2.FILLED)


def draw_label(image: NDArray[np.uint8], left: int, top: int, text: str, color: Color, sizes: Style) -> None:
    """Draw a text on a filled background, moved so that it lies inside the image."""
    if not text:
        return
    height, width = image.shape[:2]
    across = sizes.width(text) + 2 * sizes.padding
    left = max(0, min(left, width - across))
    top = max(0, min(top, height - sizes.label_height))
    fill(image, left, top, left + across, top + sizes.label_height, color)
    baseline = top + sizes.padding // 2 + sizes.ascent
    origin = (left + sizes.padding, baseline)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(image, text, origin, font, sizes.scale, text_color(color), sizes.stroke, cv2.LINE_AA)
