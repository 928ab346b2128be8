"""The camera driver webcam: all of it that needs no camera. Devices are described as Video4Linux describes them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from streams import back_to, grey_jpeg, held
from vision_service.camera import DRIVERS
from vision_service.camera.v4l2 import Device, Mode, PixelFormat
from vision_service.camera.webcam import LAYOUTS, Choice, Webcam, WebcamConfig, choose, find, frame_of
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import LocalResources

HD = Device(
    "/dev/video0",
    name="HD",
    formats=(
        PixelFormat("YUYV", "YUYV 4:2:2", (Mode(640, 480, (30.0,)), Mode(1280, 720, (10.0,)))),
        PixelFormat("MJPG", "Motion-JPEG", (Mode(640, 480, (30.0,)), Mode(1280, 720, (30.0,)))),
    ),
)
"""As most webcams: many pixels are fast only when compressed."""
DEPTH = Device("/dev/video2", name="Depth", formats=(PixelFormat("Z16 ", "16-bit Depth", (Mode(848, 480, (30.0,)),)),))
ODD = Device("/dev/video4", name="Odd", formats=(PixelFormat("H264", "H.264", (Mode(640, 480),)),))
RANGE = Device("/dev/video6", name="Range", formats=(PixelFormat("NV12", "NV12", (Mode(1920, 1080, (), (320, 240)),)),))
LOCKED = Device("/dev/video8", problem="cannot be opened: Permission denied; is this user in the group video?")

SCENE = np.zeros((48, 64, 3), np.uint8)
"""RGB; its halves are of one colour each, so that colours of half the resolution lose nothing."""
SCENE[:, :32], SCENE[:, 32:] = (200, 60, 30), (20, 90, 180)


def config(**values):
    return configure(WebcamConfig, values, of="the webcam")


def chosen(device, **values):
    choice = choose(device, config(**values))
    return choice.layout, choice.width, choice.height


def refused(call, *arguments):
    with pytest.raises(VisionError) as caught:
        call(*arguments)
    assert caught.value.code == ErrorCode.CAMERA_ERROR
    return caught.value.message


def yuv444(rgb):
    """Return (H, W) planes Y, U, V of ITU-R BT.601 of limited range."""
    i420 = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    height, width = rgb.shape[:2]
    u, v = i420[height:].reshape(2, height // 2, width // 2)
    return i420[:height], u.repeat(2, 0).repeat(2, 1), v.repeat(2, 0).repeat(2, 1)


def packed(name):
    """Return SCENE as a camera sends it in a format."""
    y, u, v = yuv444(SCENE)
    small_u, small_v = u[::2, ::2], v[::2, ::2]
    return {
        "I420": lambda: [y, small_u, small_v],
        "I444": lambda: [y, u, v],
        "NV12": lambda: [y, np.stack([small_u, small_v], -1)],
        "NV21": lambda: [y, np.stack([small_v, small_u], -1)],
        "UYVY": lambda: [np.stack([u[:, ::2], y[:, ::2], v[:, ::2], y[:, 1::2]], -1)],
        "YUY2": lambda: [np.stack([y[:, ::2], u[:, ::2], y[:, 1::2], v[:, ::2]], -1)],
        "RGBA": lambda: [np.dstack([SCENE, np.full((48, 64), 255, np.uint8)])],
    }[name]()


def as_bytes(planes):
    return np.concatenate([np.ascontiguousarray(plane).ravel() for plane in planes])


def test_it_is_a_driver_by_name():
    assert DRIVERS.get("webcam") is Webcam


# What to use of what there is.


def test_the_usual_size_is_chosen_in_the_camera_s_own_order():
    assert chosen(HD) == ("YUY2", 640, 480)


def test_a_size_is_chosen_in_the_format_that_is_fast_enough():
    assert chosen(HD, width_px=1280, height_px=720) == ("MJPEG", 1280, 720)
    assert chosen(HD, width_px=1280, frame_rate=10.0) == ("YUY2", 1280, 720)


def test_a_format_is_used_as_asked_for():
    assert chosen(HD, format="MJPEG") == ("MJPEG", 640, 480)


def test_a_range_gives_the_usual_size_and_any_within_it():
    assert chosen(RANGE) == ("NV12", 640, 480)
    assert chosen(RANGE, width_px=1000, height_px=500) == ("NV12", 1000, 500)


def test_depth_is_given_to_those_who_ask_for_it():
    assert chosen(DEPTH, format="Z16") == ("Z16", 848, 480)
    assert "it offers Z16: 848×480 at 30 Hz" in refused(choose, DEPTH, config())


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({"format": "NV12"}, "NV12"),
        ({"width_px": 800, "height_px": 600}, "800×600"),
        ({"format": "MJPEG", "width_px": 800}, "MJPEG 800×any"),
    ],
)
def test_what_is_not_offered_is_an_error_that_lists_what_is(values, asked):
    message = refused(choose, HD, config(**values))
    assert f"/dev/video0 (HD) does not offer {asked};" in message
    assert "YUY2: 640×480 at 30 Hz, 1280×720 at 10 Hz; MJPEG: 640×480 at 30 Hz, 1280×720 at 30 Hz" in message


def test_formats_that_we_do_not_know_are_listed_by_the_kernel_s_letters():
    assert "does not offer a format that we know; it offers H264: 640×480" in refused(choose, ODD, config())


def test_without_a_path_the_first_that_can_be_used_is_found():
    assert find("", [LOCKED, ODD, HD, DEPTH]) is HD


def test_a_path_may_be_a_link(tmp_path):
    node = tmp_path / "video0"
    node.touch()
    link = tmp_path / "usb-HD-index0"
    link.symlink_to(node)
    device = Device(str(node), name="HD")
    assert find(str(link), [HD, device]) is device


def test_a_camera_that_is_not_there_is_an_error_that_lists_those_that_are():
    message = refused(find, "/dev/video7", [HD, DEPTH])
    assert message == (
        "there is no camera at /dev/video7; plugged in: /dev/video0 (HD: YUYV, MJPG), /dev/video2 (Depth: Z16)"
    )
    assert refused(find, "", [ODD]) == "there is no camera that can be used; plugged in: /dev/video4 (Odd: H264)"
    assert refused(find, "", []) == "there is no camera that can be used; no camera is plugged in"


def test_a_camera_that_may_not_be_opened_is_said():
    assert refused(find, "/dev/video8", [LOCKED]) == f"/dev/video8 {LOCKED.problem}"


# What its bytes mean.


def test_every_format_is_known():
    assert set(LAYOUTS) == {"I420", "I444", "MJPEG", "NV12", "NV21", "RGBA", "UYVY", "YUY2", "Z16"}


@pytest.mark.parametrize("name", ["I420", "I444", "NV12", "NV21", "RGBA", "UYVY", "YUY2"])
def test_colours_are_right_in_every_format(name):
    frame = frame_of(as_bytes(packed(name)), Choice(name, LAYOUTS[name].fourccs[0], 64, 48), config())
    assert frame.size == (64, 48)
    np.testing.assert_allclose(frame.image.rgb.astype(int), SCENE.astype(int), atol=6)


def test_motion_jpeg_stays_compressed_and_loses_its_padding():
    data = grey_jpeg(90, (64, 48))
    padded = np.frombuffer(data + bytes(50), np.uint8)
    frame = frame_of(padded, Choice("MJPEG", "MJPG", 64, 48), config())
    assert frame.image.compressed == data
    assert frame.size == (64, 48)


def test_depth_is_in_metres():
    raw = np.array([[0, 1000], [2500, 65535]], "<u2")
    chosen = Choice("Z16", "Z16 ", 2, 2)
    depth = frame_of(raw.view(np.uint8).ravel(), chosen, config(format="Z16")).depth
    np.testing.assert_allclose(depth, [[np.nan, 1.0], [2.5, 65.535]], rtol=1e-6)
    quarter = frame_of(raw.view(np.uint8).ravel(), chosen, config(format="Z16", depth_scale=0.00025)).depth
    assert quarter[0, 1] == pytest.approx(0.25)


def test_padding_behind_the_image_is_left_out():
    data = np.concatenate([as_bytes(packed("YUY2")), np.zeros(100, np.uint8)])
    assert frame_of(data, Choice("YUY2", "YUYV", 64, 48), config()).size == (64, 48)


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"MJPEG"}))
def test_a_frame_that_is_cut_off_is_an_error(name):
    message = refused(frame_of, np.zeros(100, np.uint8), Choice(name, LAYOUTS[name].fourccs[0], 64, 48), config())
    assert message.startswith("100 bytes instead of the ")


def test_half_a_jpeg_is_an_error():
    half = np.frombuffer(grey_jpeg(90, (64, 48))[:300], np.uint8)
    assert "no JPEG, or is cut off" in refused(frame_of, half, Choice("MJPEG", "MJPG", 64, 48), config())


# The driver, without a camera.


@pytest.fixture
def driver(tmp_path):
    driver = Webcam(config(video_path=str(tmp_path / "video0")), LocalResources())
    yield driver
    driver.close()


def test_a_camera_need_not_be_there_yet_and_its_absence_is_one_message_of(driver, tmp_path):
    message = refused(driver.read)
    assert f"there is no camera at {tmp_path / 'video0'}" in message
    assert refused(driver.read) == message


def test_what_is_no_camera_is_not_used(driver, tmp_path):
    (tmp_path / "video0").write_bytes(b"a file")
    assert "there is no camera at" in refused(driver.read)


def test_nothing_is_left_of_tries_in_vain(driver):
    refused(driver.read)
    before = held()
    for _ in range(20):
        refused(driver.read)
    back_to(before)


def test_it_lists_what_is_plugged_in(driver):
    listed = driver.do_command({"command": "cameras"})["cameras"]
    json.dumps(listed)
    assert all(Path(camera["path"]).exists() for camera in listed)


def test_its_kind_of_images_follows_from_the_format():
    assert Webcam(config(), LocalResources()).sources == ("color",)
    intrinsics = {"width_px": 848, "height_px": 480, "fx": 420.0, "fy": 420.0, "ppx": 424.0, "ppy": 240.0}
    depth = Webcam(config(format="Z16", intrinsic_parameters=intrinsics), LocalResources())
    assert depth.sources == ("depth",)
    assert depth.supports_pcd


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"format": "MJPG"}, "unknown format 'MJPG': did you mean 'MJPEG'?"),
        ({"format": "H264"}, "unknown format 'H264'"),
        ({"intrinsic_parameters": {"fx": 5.0}}, "width_px, height_px, fy, ppx, ppy missing"),
        ({"width_px": -1}, "'width_px' must be an integer, at least 0"),
        ({"frame_rate": 0}, "'frame_rate' must be a number, above 0"),
        ({"read_timeout": 0}, "'read_timeout' must be a number, at least 0.1"),
    ],
)
def test_wrong_values_are_refused(values, reason):
    with pytest.raises(VisionError) as caught:
        Webcam(config(**values), LocalResources())
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    assert reason in caught.value.message
