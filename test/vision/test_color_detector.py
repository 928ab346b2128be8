"""The model `color_detector`: which colours it takes, which pixels count, what boxes and order come out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.resources import LocalResources
from vision_service.types import Detection, Frame
from vision_service.vision.color_detector import ColorDetector, hsv, hue_name, parse_color
from vision_service.vision.model import methods

ORANGE = (0x4F, 0x38, 0x15)


def detector(color: str = "#FF0000", tolerance: float = 0.1, **values) -> ColorDetector:
    values = {"detect_color": color, "hue_tolerance_pct": tolerance, "segment_size_px": 1, **values}
    return ColorDetector(configure(ColorDetector.Config, values, of="the model color_detector"), LocalResources())


def written(color: tuple[int, int, int]) -> str:
    return "#{:02X}{:02X}{:02X}".format(*color)


def refusal(**values) -> str:
    with pytest.raises(VisionError) as raised:
        detector(**values)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    return raised.value.message


def black(width: int = 64, height: int = 48) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def detect(model: ColorDetector, pixels: np.ndarray, encoding: str = "rgb8") -> list[Detection]:
    return model.detect(Frame(image=Image(pixels, encoding)))


def boxes(detections: list[Detection]) -> list[tuple[float, float, float, float]]:
    return [(item.x_min, item.y_min, item.x_max, item.y_max) for item in detections]


# The colour.


def test_it_detects_and_nothing_else():
    assert methods(detector()) == {"detect"}


@pytest.mark.parametrize("color", ["", "FF0000", "#FF000", "#FF00000", "#GG0000", "red", "#FF0000\n", " #FF0000"])
def test_a_color_is_a_hash_and_six_hexadecimal_digits(color):
    assert "#RRGGBB" in refusal(color=color)


@pytest.mark.parametrize("color", ["#000000", "#FFFFFF", "#7F7F7F"])
def test_black_white_and_grey_have_no_hue(color):
    assert "cannot detect black, white or grayscale" in refusal(color=color)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"tolerance": 0.0}, "hue_tolerance_pct"),
        ({"tolerance": 1.01}, "hue_tolerance_pct"),
        ({"saturation_cutoff_pct": 1.01}, "saturation_cutoff_pct"),
        ({"saturation_cutoff_pct": -0.1}, "saturation_cutoff_pct"),
        ({"value_cutoff_pct": 1.01}, "value_cutoff_pct"),
        ({"value_cutoff_pct": -0.1}, "value_cutoff_pct"),
        ({"segment_size_px": 0}, "segment_size_px"),
    ],
)
def test_a_number_out_of_range_is_named(values, name):
    assert repr(name) in refusal(**values)


def test_a_color_below_the_cutoffs_is_refused_because_it_would_never_be_found():
    assert "too unsaturated: its saturation 0.7342 is below" in refusal(color="#4F3815", saturation_cutoff_pct=0.74)
    assert "too dark: its value 0.3098 is below" in refusal(color="#4F3815", value_cutoff_pct=0.31)
    assert "too unsaturated" in refusal(color="#4F3815", saturation_cutoff_pct=0.74, value_cutoff_pct=0.31)


def test_color_and_tolerance_must_be_given_and_the_rest_has_the_documented_defaults():
    with pytest.raises(VisionError, match=r"'detect_color' is missing.*'hue_tolerance_pct' is missing"):
        configure(ColorDetector.Config, {}, of="the model color_detector")
    config = configure(ColorDetector.Config, {"detect_color": "#FF0000", "hue_tolerance_pct": 0.1}, of="it")
    assert (config.segment_size_px, config.saturation_cutoff_pct, config.value_cutoff_pct) == (5000, 0.2, 0.3)


def test_hue_saturation_and_value_of_a_color():
    hue, saturation, value = hsv(parse_color("#4F3815"))
    assert hue == pytest.approx(36, abs=0.3)
    assert saturation == pytest.approx(0.733, abs=0.002)
    assert value == pytest.approx(0.3098, abs=1e-4)
    assert detector("#4F3815").labels == ("orange",)


@pytest.mark.parametrize(
    ("hues", "name"),
    [
        ((0, 14.9, 345, 359.9, 360), "red"),
        ((15, 44.9), "orange"),
        ((45, 74.9), "yellow"),
        ((75, 104.9), "lime-green"),
        ((105, 134.9), "green"),
        ((135, 164.9), "green-blue"),
        ((165, 194.9), "cyan"),
        ((195, 224.9), "light-blue"),
        ((225, 254.9), "blue"),
        ((255, 284.9), "violet"),
        ((285, 314.9), "magenta"),
        ((315, 344.9), "rose"),
    ],
)
def test_the_label_is_the_name_of_the_hue(hues, name):
    assert {hue_name(hue) for hue in hues} == {name}


def test_a_given_label_replaces_the_name_of_the_hue():
    model = detector(label="apple")
    assert model.labels == ("apple",)
    assert [item.class_name for item in detect(model, black() + np.uint8([255, 0, 0]))] == ["apple"]


# Which pixels count.


@given(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)), st.floats(1e-6, 1))
def test_an_image_of_the_color_itself_is_one_detection_however_narrow_the_tolerance(color, tolerance):
    hue, saturation, _ = hsv(color)
    if saturation == 0:
        return
    model = detector(written(color), tolerance, saturation_cutoff_pct=0, value_cutoff_pct=0)
    assert detect(model, black(7, 5) + np.uint8(color)) == [Detection(hue_name(hue), 1.0, 0, 0, 7, 5)]


@given(
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)),
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)),
    st.floats(0.01, 1),
)
def test_a_pixel_counts_if_its_hue_is_within_half_the_tolerance_on_the_circle(color, pixel, tolerance):
    (hue, saturation, value), (other, *rest) = hsv(color), hsv(pixel)
    distance = abs((hue - other + 180) % 360 - 180) - tolerance * 180
    if min(saturation, value, *rest) < 0.05 or abs(distance) < 0.01:
        return  # grey, dark, or on the bound
    model = detector(written(color), tolerance, saturation_cutoff_pct=0.04, value_cutoff_pct=0.04)
    assert bool(detect(model, black(2, 2) + np.uint8(pixel))) == (distance < 0)


@pytest.mark.parametrize("color", ["#FF0000", "#FF0010", "#FF1000"])
def test_red_is_found_on_both_sides_of_the_hue_circle_s_end(color):
    pixels = black(30, 10)
    pixels[:, :10] = (255, 0, 12)
    pixels[:, 10:20] = (255, 12, 0)
    pixels[:, 20:] = (0, 0, 255)
    assert boxes(detect(detector(color), pixels)) == [(0, 0, 20, 10)]


def test_a_tolerance_of_one_takes_every_hue_but_no_grey():
    pixels = black(50, 10)
    for column, color in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255), (128, 128, 128)]):
        pixels[:, 10 * column : 10 * column + 10] = color
    assert boxes(detect(detector("#00FF00", 1.0), pixels)) == [(0, 0, 40, 10)]


def test_pixels_on_the_cutoffs_count_and_those_below_do_not():
    pixels = black(4, 1)
    pixels[0] = [(255, 204, 204), (255, 206, 206), (102, 0, 0), (101, 0, 0)]  # saturation 0.2, 0.19; value 0.4, 0.396
    model = detector(saturation_cutoff_pct=0.2, value_cutoff_pct=0.4)
    assert sorted(boxes(detect(model, pixels))) == [(0, 0, 1, 1), (2, 0, 3, 1)]


# What comes out.


def test_a_box_encloses_whole_pixels_and_a_single_pixel_has_a_box():
    pixels = black()
    pixels[10, 20] = pixels[30:40, 50] = (255, 0, 0)
    assert boxes(detect(detector(), pixels)) == [(50, 30, 51, 40), (20, 10, 21, 11)]


def test_the_segment_size_counts_pixels_not_the_box():
    pixels = black()
    pixels[5:15, 5:25] = (255, 0, 0)
    pixels[6:14, 6:24] = 0  # a frame of 56 pixels around a box of 200
    assert len(detect(detector(segment_size_px=56), pixels)) == 1
    assert detect(detector(segment_size_px=57), pixels) == []


def test_the_one_with_most_pixels_comes_first_with_confidence_one():
    pixels = black()
    pixels[0:3, 0:3] = pixels[10:30, 10:40] = pixels[35:40, 0:9] = (255, 0, 0)
    found = detect(detector(), pixels)
    assert boxes(found) == [(10, 10, 40, 30), (0, 35, 9, 40), (0, 0, 3, 3)]
    assert {item.confidence for item in found} == {1.0}


def test_what_touches_only_at_a_corner_are_two_objects():
    pixels = black()
    pixels[0:5, 0:5] = pixels[5:10, 5:10] = (255, 0, 0)
    assert len(detect(detector(), pixels)) == 2


def test_nothing_of_the_color_is_an_empty_list():
    assert detect(detector(), black()) == []


def test_every_encoding_gives_the_same_boxes():
    pixels = black()
    pixels[3:9, 4:30] = (255, 60, 0)
    alpha = np.full((48, 64, 1), 255, np.uint8)
    model = detector("#FF3C00", 0.02)
    assert boxes(detect(model, pixels)) == [(4, 3, 30, 9)]
    assert detect(model, pixels) == detect(model, pixels[..., ::-1], "bgr8")
    assert detect(model, pixels) == detect(model, np.dstack([pixels, alpha]), "rgba8")
    assert detect(model, pixels) == detect(model, np.dstack([pixels[..., ::-1], alpha]), "bgra8")
    assert detect(model, pixels[..., 0].copy(), "mono8") == []


def test_a_frame_without_an_image_is_an_error():
    with pytest.raises(VisionError) as raised:
        detector().detect(Frame(camera_name="lidar"))
    assert raised.value.code == ErrorCode.NO_FRAME


@given(st.data())
def test_painted_rectangles_are_found_with_their_exact_boxes(data):
    width, height = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 70))
    color = data.draw(st.sampled_from([(255, 0, 0), (20, 200, 40), ORANGE, (250, 10, 240)]))
    pixels = black(width, height) + np.uint8([90, 90, 90])
    painted = []
    for left in range(0, width, 30):  # one in each cell of 30 by 30, apart from the next cell's
        for top in range(0, height, 30):
            x_min = data.draw(st.integers(left, min(left + 28, width - 1)))
            y_min = data.draw(st.integers(top, min(top + 28, height - 1)))
            x_max = data.draw(st.integers(x_min + 1, max(min(left + 29, width), x_min + 1)))
            y_max = data.draw(st.integers(y_min + 1, max(min(top + 29, height), y_min + 1)))
            pixels[y_min:y_max, x_min:x_max] = color
            painted.append((x_min, y_min, x_max, y_max))
    found = detect(detector(written(color), 0.01), pixels)
    assert sorted(boxes(found)) == sorted(painted)
    areas = [item.area for item in found]
    assert areas == sorted(areas, reverse=True)
