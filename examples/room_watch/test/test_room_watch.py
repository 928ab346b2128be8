"""The plugin without ROS: frames in, results out."""

import numpy as np
import pytest
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.resources import LocalResources
from vision_service.types import Frame

from room_watch.brightness import Brightness
from room_watch.color_bars import ColorBars


def make(cls, **attributes):
    """Return a model or driver, made as a node makes it."""
    return cls(configure(cls.Config, attributes, of="the test"), LocalResources())


def grey(level):
    """Return a frame with an image of one grey level."""
    return Frame(image=Image(np.full((4, 6, 3), level, np.uint8)))


@pytest.mark.parametrize(("level", "label"), [(10, "dark"), (70, "dim"), (200, "bright")])
def test_brightness_has_a_name(level, label):
    assert make(Brightness).classify(grey(level))[0].class_name == label


def test_confidences_add_up_to_one_best_first():
    found = make(Brightness, softness=30.0).classify(grey(90))
    assert sum(item.confidence for item in found) == pytest.approx(1)
    assert [item.confidence for item in found] == sorted((item.confidence for item in found), reverse=True)
    assert len(make(Brightness).classify(grey(90), 2)) == 2


def test_limits_the_wrong_way_round_are_refused():
    with pytest.raises(VisionError, match="make 'dark_below' the smaller one") as caught:
        make(Brightness, dark_below=120.0)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


def test_a_frame_without_an_image_is_refused():
    with pytest.raises(VisionError, match="no colour image"):
        make(Brightness).classify(Frame())


def test_luminance_is_that_of_the_last_image():
    model = make(Brightness)
    with pytest.raises(VisionError, match="ask for classifications first"):
        model.do_command({"command": "luminance"})
    model.classify(grey(70))
    assert model.do_command({"command": "luminance"}) == {"luminance": pytest.approx(70)}


def test_bars_go_from_white_to_black_and_move():
    camera = make(ColorBars, width_px=16, height_px=2)
    first, second = camera.read().image.rgb, camera.read().image.rgb
    assert first.shape == (2, 16, 3)
    assert first[0, ::2].tolist()[:2] == [[255, 255, 255], [255, 255, 0]]
    assert first[1, -1].tolist() == [0, 0, 0]
    assert (second == np.roll(first, 1, axis=1)).all()


def test_the_light_is_set_by_a_command():
    camera = make(ColorBars)
    assert camera.do_command({"command": "set_light", "light": 0.5}) == {"light": 0.5}
    assert camera.read().image.rgb.max() == 127
    with pytest.raises(VisionError, match="the command set_light: 'light' must be a number, at least 0 and at most 1"):
        camera.do_command({"command": "set_light", "light": 2})


def test_a_closed_camera_gives_no_frames():
    camera = make(ColorBars)
    camera.close()
    camera.close()
    with pytest.raises(VisionError, match="closed") as caught:
        camera.read()
    assert caught.value.code is ErrorCode.CAMERA_ERROR
