"""Pictures of results: boxes, names and confidences, drawn so that they can be read on a picture of any size."""

from __future__ import annotations

import math
import unicodedata
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.motion import rotation_matrix
from vision_service.pointcloud.projection import project
from vision_service.types import CameraIntrinsics, Classification, Detection, LabelImage, PointCloudObject

Color = tuple[int, int, int]
Point = tuple[int, int]

_CODES = bytes.fromhex(
    "00e15a ff00ff ff5a00 00b4ff ffe100 ff87b4 00fff0 78964b 9678ff ffb478 "
    "a5ff00 ff2db4 ff4b5a d2f078 e1b4ff ffa50f 69e196 5aa500 a59600 ff87ff "
    "00ff1e 00a587 2de1ff e17869 7887e1 e1782d b4d200 ff3c87 d25aff"
)
PALETTE: tuple[Color, ...] = tuple(zip(_CODES[::3], _CODES[1::3], _CODES[2::3], strict=True))
"""RGB colours of classes: each the vivid colour that is farthest, in CIELAB, from all before it."""

BACKGROUND = frozenset({"background", "__background__", "???", ""})
"""Names of classes that stand for nothing in particular."""

DRAWN_CLASSIFICATIONS = 3
"""How many of the best classifications are listed among other results."""
FONT = cv2.FONT_HERSHEY_SIMPLEX

NEAR = 0.01
"""How far before the camera a box begins to be drawn, metres."""

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
_EDGES = np.array([(one, one | bit) for one in range(8) for bit in (1, 2, 4) if not one & bit])
_FARTHEST = 1e9  # pixels, so that OpenCV can count them
_ROUNDING = 1e-9


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
    return int(cv2.getTextSize(text, FONT, scale, stroke)[0][0])


@lru_cache(maxsize=64)
def style(width: int, height: int) -> Style:
    """Return the sizes for a picture of that size: the shorter side counts, and letters never get too small to read."""
    shorter = min(width, height)
    scale = max(0.34, 0.2 + shorter / 1800)
    stroke = max(1, round(scale * 1.8))
    (_, ascent), descent = cv2.getTextSize("Ag", FONT, scale, stroke)
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
    """Return the RGB colour of a class: the same in every process, so pictures of two days can be compared."""
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


def draw_results(
    rgb: NDArray[np.uint8], results: Mapping[str, Any], intrinsics: CameraIntrinsics | None = None
) -> NDArray[np.uint8]:
    """Return a picture with all that a model's methods say of it.

    Args:
        rgb: (H, W, 3) array of uint8; it stays as it is.
        results: What the methods returned, by their names: "detect", "classify", "segment", "label".
        intrinsics: Of the picture's camera; without them, objects are not drawn.

    Returns:
        A new (H, W, 3) array of uint8, or the picture itself if there is nothing to draw.
    """
    if "label" in results:
        rgb = draw_label_image(rgb, results["label"])
    if "segment" in results and intrinsics is not None:
        rgb = draw_objects(rgb, results["segment"], intrinsics)
    elif "detect" in results:  # which the objects were made of, where there are both
        rgb = draw_detections(rgb, results["detect"])
    if results.get("classify"):
        rgb = draw_classifications(rgb, results["classify"][:DRAWN_CLASSIFICATIONS])
    return rgb


def draw_detections(rgb: NDArray[np.uint8], detections: Iterable[Detection]) -> NDArray[np.uint8]:
    """Return a picture with a box and a label for each detection, the most confident on top.

    A line lies inside its box. Of a box that reaches over the picture's edge, only the edges inside are drawn; one that
    is wholly outside, or has an edge that is not a number, is left out.

    Args:
        rgb: (H, W, 3) array of uint8; it stays as it is.
        detections: What to draw, in pixels of the picture.

    Returns:
        A new (H, W, 3) array of uint8.
    """
    picture = np.array(rgb, order="C")
    height, width = picture.shape[:2]
    sizes = style(width, height)
    placed = []
    for detection in sorted(detections, key=_by_confidence):
        box = _visible(detection, width, height, sizes.line)
        if box is not None:
            placed.append((detection, box))
            _frame(picture, box, sizes.line, class_color(detection.class_name))
    for detection, (left, top, _, bottom) in placed:
        text = label(detection, width, sizes)
        _draw_label(picture, left, _above(top, bottom, sizes), text, class_color(detection.class_name), sizes)
    return picture


def draw_objects(
    rgb: NDArray[np.uint8],
    objects: Sequence[PointCloudObject],
    intrinsics: CameraIntrinsics,
    colors: Sequence[Color] = (),
) -> NDArray[np.uint8]:
    """Return a picture with the box of each object, all its edges, and its label, the nearest on top.

    Of an edge that reaches behind the camera or out of its view, only what can be seen is drawn.

    Args:
        rgb: (H, W, 3) array of uint8; it stays as it is.
        objects: What to draw, in the camera's optical frame.
        intrinsics: Of the camera and this picture.
        colors: Of the objects; empty = of their labels, and those without a label take turns in the palette.

    Returns:
        A new (H, W, 3) array of uint8.

    Raises:
        VisionError: NOT_CALIBRATED, if the distortion model is not known.
    """
    picture = np.array(rgb, order="C")
    height, width = picture.shape[:2]
    sizes = style(width, height)
    placed = []
    for number in sorted(range(len(objects)), key=lambda number: -_distance(objects[number])):
        item = objects[number]
        color = colors[number] if colors else object_color(item.label, number)
        lines = _inside(_edges(item, intrinsics), width, height, sizes.line)
        for start, end in lines:
            cv2.line(picture, start, end, color, sizes.line, cv2.LINE_AA)
        if lines and item.label:
            (left, top), (_, bottom) = np.min(lines, axis=(0, 1)).tolist(), np.max(lines, axis=(0, 1)).tolist()
            placed.append((item, color, left, _above(top, bottom, sizes)))
    for item, color, left, top in placed:
        text = label(Classification(item.label, item.confidence), width, sizes)
        _draw_label(picture, left, top, text, color, sizes)
    return picture


def object_color(name: str, number: int) -> Color:
    """Return the RGB colour of the object of that number in a list: its label's, or without one its number's."""
    return class_color(name) if name else PALETTE[number % len(PALETTE)]


def draw_classifications(rgb: NDArray[np.uint8], classifications: Sequence[Classification]) -> NDArray[np.uint8]:
    """Return a picture with the classifications listed in its upper left corner, as many as there is room for.

    Args:
        rgb: (H, W, 3) array of uint8; it stays as it is.
        classifications: What to list, in this order.

    Returns:
        A new (H, W, 3) array of uint8.
    """
    picture = np.array(rgb, order="C")
    height, width = picture.shape[:2]
    sizes = style(width, height)
    step = sizes.label_height + sizes.line
    for row, classification in enumerate(classifications[: max(1, (height - sizes.padding) // step)]):
        text = label(classification, width - sizes.padding, sizes)
        color = class_color(classification.class_name)
        _draw_label(picture, sizes.padding, sizes.padding + row * step, text, color, sizes)
    return picture


def draw_label_image(rgb: NDArray[np.uint8], result: LabelImage) -> NDArray[np.uint8]:
    """Return a copy of a picture, tinted by what each pixel shows, with the names of the classes at the top left.

    What is background keeps its colours.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        result: Of the same size.
    """
    number_of = {name: number for number, name in reversed(list(enumerate(result.class_names)))}
    colors = np.array([class_color(name) for name in result.class_names], np.uint8)
    shown = np.isin(result.labels, [number for name, number in number_of.items() if name not in BACKGROUND])
    mixed = cv2.addWeighted(rgb, 0.5, colors[np.minimum(result.labels, len(colors) - 1)], 0.5, 0)
    picture = np.where(shown[..., None], mixed, rgb)
    height, width = picture.shape[:2]
    sizes = style(width, height)
    for row, number in enumerate(np.unique(result.labels[shown])):
        name = result.class_names[number]
        top = row * sizes.label_height
        if top < height:
            _draw_label(picture, 0, top, printable(name), class_color(name), sizes)
    return picture


def _by_confidence(result: Detection) -> float:
    return -math.inf if math.isnan(result.confidence) else result.confidence


def _visible(detection: Detection, width: int, height: int, beyond: int) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom in whole pixels, right and bottom excluded; None = there is nothing to see.

    Edges outside the picture end up at least `beyond` pixels outside, so that their lines are not seen.
    """
    edges = (detection.x_min, detection.y_min, detection.x_max, detection.y_max)
    if any(math.isnan(edge) for edge in edges):
        return None
    (left, right), (top, bottom) = (
        (round(min(max(low, -beyond), size + beyond)), round(min(max(high, -beyond), size + beyond)))
        for low, high, size in (
            (*sorted((detection.x_min, detection.x_max)), width),
            (*sorted((detection.y_min, detection.y_max)), height),
        )
    )
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return None
    return left, top, right, bottom


def _distance(item: PointCloudObject) -> float:
    distance = math.hypot(*item.center.tolist())
    return math.inf if math.isnan(distance) else distance


@np.errstate(all="ignore")  # what is not finite is left out at the end
def _edges(item: PointCloudObject, intrinsics: CameraIntrinsics) -> NDArray[np.float64]:
    """Return the lines of an object's box in the picture: (N, 2, 2) ends, x and y, as far as they can be drawn.

    Distortion bends an edge, so that it is drawn as several lines.
    """
    corners = item.center + (_CORNERS * item.size / 2) @ rotation_matrix(item.orientation).T
    starts, ends = corners[_EDGES[:, 0]], corners[_EDGES[:, 1]]
    before = (starts[:, 2] >= NEAR) | (ends[:, 2] >= NEAR)
    starts, ends = starts[before], ends[before]
    cut = starts + (NEAR - starts[:, 2:]) / (ends[:, 2:] - starts[:, 2:]) * (ends - starts)
    starts, ends = (np.where(point[:, 2:] < NEAR, cut, point) for point in (starts, ends))
    straight = not any(intrinsics.distortion) and intrinsics.distortion_model != "equidistant"
    steps = np.linspace(0, 1, 2 if straight else 17)[:, None]
    points = starts[:, None] + steps * (ends - starts)[:, None]
    pixels = project(points, intrinsics)
    # Far outside of the picture a lens's polynomials bend back into it: what lies farther out appears farther in.
    outward = project(points * (1.001, 1.001, 1), intrinsics) - pixels
    pixels[(outward * points[..., :2]).sum(axis=-1) < -_ROUNDING] = np.nan
    lines = np.stack([pixels[:, :-1], pixels[:, 1:]], axis=2).reshape(-1, 2, 2)
    return np.asarray(lines[(np.abs(lines) < _FARTHEST).all(axis=(1, 2))])


def _inside(lines: NDArray[np.float64], width: int, height: int, beyond: int) -> list[tuple[Point, Point]]:
    """Return the parts of lines that lie in a picture or at most `beyond` pixels outside, in whole pixels."""
    bounds = (-beyond, -beyond, width + 2 * beyond, height + 2 * beyond)
    clipped = (cv2.clipLine(bounds, start, end) for start, end in np.rint(lines).astype(int).tolist())
    return [(start, end) for visible, start, end in clipped if visible]  # type: ignore[misc]


def _above(top: int, bottom: int, sizes: Style) -> int:
    """Return the top of a label above a box, or, if there is no room, below its upper edge, inside."""
    low = top - sizes.label_height
    if low < 0:
        low = max(top, 0) if bottom - max(top, 0) >= sizes.label_height else bottom
    return low


def _frame(picture: NDArray[np.uint8], box: tuple[int, int, int, int], line: int, color: Color) -> None:
    """Draw four filled bars inside a box: faster than OpenCV's thick rectangle, and exact at the edges."""
    left, top, right, bottom = box
    across, down = min(line, right - left), min(line, bottom - top)
    _fill(picture, left, top, right, top + down, color)
    _fill(picture, left, bottom - down, right, bottom, color)
    _fill(picture, left, top, left + across, bottom, color)
    _fill(picture, right - across, top, right, bottom, color)


def _fill(picture: NDArray[np.uint8], left: int, top: int, right: int, bottom: int, color: Color) -> None:
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), color, cv2.FILLED)


def _draw_label(picture: NDArray[np.uint8], left: int, top: int, text: str, color: Color, sizes: Style) -> None:
    """Draw a text on a filled background, moved so that it lies inside the picture."""
    if not text:
        return
    height, width = picture.shape[:2]
    across = sizes.width(text) + 2 * sizes.padding
    left = max(0, min(left, width - across))
    top = max(0, min(top, height - sizes.label_height))
    _fill(picture, left, top, left + across, top + sizes.label_height, color)
    baseline = top + sizes.padding // 2 + sizes.ascent
    origin = (left + sizes.padding, baseline)
    cv2.putText(picture, text, origin, FONT, sizes.scale, text_color(color), sizes.stroke, cv2.LINE_AA)
