import colorsys
import json
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_service.camera import DRIVERS
from vision_service.camera.synthetic import Synthetic
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.rendering.scene import COLORS
from vision_service.resources import LocalResources
from vision_service.vision.color_detector import ColorDetector


def camera(**attributes):
    return Synthetic(configure(Synthetic.Config, attributes, of="the camera synthetic"), LocalResources())


def color_detector(color_name, segment_size_px):
    red, green, blue = (
        round(255 * value)
        for value in colorsys.hsv_to_rgb(COLORS[color_name][0] / 360, COLORS[color_name][1], COLORS[color_name][2])
    )
    attributes = {
        "detect_color": f"#{red:02X}{green:02X}{blue:02X}",
        "hue_tolerance_pct": 0.08,
        "segment_size_px": segment_size_px,
    }
    return ColorDetector(configure(ColorDetector.Config, attributes, of="the model"), LocalResources())


def test_it_is_registered_as_synthetic():
    assert DRIVERS.get("synthetic") is Synthetic


def test_a_frame_holds_colour_depth_intrinsics_and_truth():
    driver = camera()
    frame = driver.read()
    assert frame.image.encoding == "rgb8"
    assert frame.size == (640, 480)
    assert frame.depth.shape == (480, 640)
    assert frame.depth.dtype == np.float32
    assert frame.cloud is None
    assert frame.intrinsics == driver.intrinsics
    assert (frame.intrinsics.width, frame.intrinsics.height) == (640, 480)
    assert frame.stamp == 0
    assert len(frame.extra["truth"]) == 5
    assert frame.extra["ids"].shape == (480, 640)


def test_it_says_what_it_is():
    driver = camera(frame_rate=15)
    assert driver.frame_rate == 15.0
    assert driver.sources == ("color", "depth")
    assert driver.supports_pcd


@given(st.integers(0, 2**31 - 1), st.integers(16, 150), st.integers(16, 150), st.integers(0, 6))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_the_same_configuration_gives_the_same_frames_byte_for_byte(seed, width, height, objects):
    first, second = (camera(seed=seed, width_px=width, height_px=height, objects=objects) for _ in range(2))
    for _ in range(3):
        one, other = first.read(), second.read()
        assert one.size == (width, height)
        assert one.image.rgb.tobytes() == other.image.rgb.tobytes()
        assert one.depth.tobytes() == other.depth.tobytes()
        assert one.extra["ids"].tobytes() == other.extra["ids"].tobytes()
        assert one.extra["truth"] == other.extra["truth"]


def test_another_seed_is_another_scene():
    frames = [camera(seed=seed, width_px=64, height_px=48, noise=0).read() for seed in range(8)]
    assert len({frame.image.rgb.tobytes() for frame in frames}) == 8
    assert len({frame.depth.tobytes() for frame in frames}) == 8


def test_time_is_the_frame_number_over_the_frame_rate():
    slow, fast = camera(frame_rate=10, width_px=160, height_px=120), camera(frame_rate=20, width_px=160, height_px=120)
    slow_frames, fast_frames = [slow.read() for _ in range(3)], [fast.read() for _ in range(5)]
    for number in range(3):
        assert slow_frames[number].extra["truth"] == fast_frames[2 * number].extra["truth"]
    assert slow_frames[0].extra["truth"] != slow_frames[1].extra["truth"]


def test_at_speed_zero_only_noise_changes():
    still = camera(speed=0, width_px=160, height_px=120)
    first, second = still.read(), still.read()
    assert first.extra["truth"] == second.extra["truth"]
    assert first.image.rgb.tobytes() != second.image.rgb.tobytes()
    silent = camera(speed=0, noise=0, width_px=160, height_px=120)
    assert silent.read().image.rgb.tobytes() == silent.read().image.rgb.tobytes()


@pytest.mark.parametrize("objects", range(7))
def test_every_solid_has_a_colour_of_its_own(objects):
    truth = camera(objects=objects, width_px=320, height_px=240).read().extra["truth"]
    assert len({entry.color_name for entry in truth}) == len(truth) == objects


@pytest.mark.parametrize(("seed", "size"), [*((seed, (640, 480)) for seed in range(5)), (0, (1280, 720))])
def test_a_colour_detector_finds_every_solid_where_it_is_and_nothing_else(seed, size):
    driver = camera(seed=seed, objects=6, width_px=size[0], height_px=size[1])
    frame = driver.read()
    truth = {entry.color_name: entry for entry in frame.extra["truth"]}
    for color_name in COLORS:
        (found,) = color_detector(color_name, 300).detect(frame)
        assert found.class_name == color_name
        assert (found.x_min, found.y_min, found.x_max, found.y_max) == pytest.approx(truth[color_name].box, abs=1)


def test_a_colour_detector_finds_nothing_on_an_empty_table():
    for seed in range(4):
        frame = camera(seed=seed, objects=0).read()
        assert [color_detector(color_name, 3).detect(frame) for color_name in COLORS] == [[]] * len(COLORS)


def test_the_command_ground_truth_tells_what_the_last_frame_shows():
    driver = camera(width_px=160, height_px=120)
    driver.read()
    frame = driver.read()
    answer = json.loads(json.dumps(driver.do_command({"command": "ground_truth"})))
    assert answer["frame"] == 1
    assert answer["time"] == pytest.approx(1 / 30)
    assert answer["objects"] == [entry.as_dict() for entry in frame.extra["truth"]]


def test_ground_truth_before_the_first_frame_is_an_error_that_says_so():
    with pytest.raises(VisionError, match="read one first") as caught:
        camera(width_px=64, height_px=48).do_command({"command": "ground_truth"})
    assert caught.value.code == ErrorCode.NO_FRAME


def test_ground_truth_may_be_asked_for_while_frames_are_read():
    driver = camera(width_px=64, height_px=48)
    expected = camera(width_px=64, height_px=48)
    by_number = [[entry.as_dict() for entry in expected.read().extra["truth"]] for _ in range(40)]
    driver.read()
    answers = []
    read_all = threading.Event()

    def ask():
        while not read_all.wait(0.001):
            answers.append(driver.do_command({"command": "ground_truth"}))

    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(39):
        driver.read()
    read_all.set()
    thread.join()
    answers.append(driver.do_command({"command": "ground_truth"}))
    assert answers[-1]["frame"] == 39
    assert all(answer["objects"] == by_number[answer["frame"]] for answer in answers)


def test_the_command_help_lists_the_commands():
    assert set(camera(width_px=64, height_px=48).do_command({"command": "help"})["commands"]) == {
        "ground_truth",
        "help",
    }


@pytest.mark.parametrize("command", [{"command": "ground_trut"}, {"command": 3}, {}])
def test_an_unknown_command_is_refused_with_those_there_are(command):
    with pytest.raises(VisionError, match="ground_truth") as caught:
        camera(width_px=64, height_px=48).do_command(command)
    assert caught.value.code == ErrorCode.NOT_SUPPORTED


@pytest.mark.parametrize(
    "attributes", [{"objects": 7}, {"width_px": 8}, {"seed": -1}, {"frame_rate": 0}, {"noise": -1}, {"speed": -1.0}]
)
def test_values_out_of_range_are_refused(attributes):
    with pytest.raises(VisionError) as caught:
        camera(**attributes)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_it_may_be_closed_twice():
    driver = camera(width_px=64, height_px=48)
    driver.close()
    driver.close()
