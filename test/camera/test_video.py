"""The camera driver video: files, folders of images, and streams that come back by themselves."""

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
from urllib.parse import quote

import cv2
import numpy as np
import pytest

from robot import PATIENCE, ROOT, eventually
from streams import (
    INTERLACED,
    RtspServer,
    back_to,
    file_server,
    grey_jpeg,
    held,
    mjpeg_server,
    noise,
    write_video,
)
from vision_service.camera import DRIVERS
from vision_service.camera.interlaced import opencv_spoils_interlaced
from vision_service.camera.opencv_decoder import SIDE_BY_SIDE
from vision_service.camera.recording import EndOfVideoError
from vision_service.camera.stream import StreamSettings, open_stream
from vision_service.camera.video import Video, VideoConfig
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics

LEVELS = list(range(0, 250, 10))
"""The greys of a video of one second."""
INTRINSICS = {"width_px": 64, "height_px": 48, "fx": 60.0, "fy": 61.0, "ppx": 31.5, "ppy": 23.5}
TIMEOUT = 0.4
"""Of the streams, seconds: what the tests wait for, and nothing that they measure."""


PYAV = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV is not installed")
SPOILT = pytest.mark.skipif(not opencv_spoils_interlaced(), reason="this OpenCV reads interlaced video")


@pytest.fixture(params=["opencv", pytest.param("pyav", marks=PYAV)])
def library(request):
    """What decodes."""
    return request.param


@pytest.fixture
def side_by_side(library):
    """A library that opens streams side by side, and tells a slow one from one that broke off."""
    if library == "opencv" and not SIDE_BY_SIDE:
        pytest.skip("OpenCV before 4.7 opens streams one after the other, and does not say why they fail")


@pytest.fixture
def camera(library):
    """Makes a driver of attributes, and closes it at the end."""
    with contextlib.ExitStack() as stack:

        def make(path, **values):
            values = {"library": library, **values}
            driver = Video(configure(VideoConfig, {"video_path": str(path), **values}, of="video"), LocalResources())
            stack.callback(driver.close)
            return driver

        yield make


@pytest.fixture
def server():
    with mjpeg_server() as server:
        yield server


@pytest.fixture
def film(tmp_path):
    return write_video(tmp_path / "film.avi", LEVELS)


def refused(camera, path, **values):
    with pytest.raises(VisionError) as caught:
        camera(path, **values)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def fails(driver):
    with pytest.raises(VisionError) as caught:
        driver.read()
    assert caught.value.code == ErrorCode.CAMERA_ERROR
    return caught.value.message


def level(frame):
    return float(frame.image.rgb.mean())


def levels(driver, count):
    return [round(level(driver.read())) for _ in range(count)]


def problems(driver):
    """Read until a frame comes, as the capture thread does; return what was said meanwhile, each change once."""
    said = []

    def attempt():
        try:
            return driver.read()
        except VisionError as error:
            assert error.code == ErrorCode.CAMERA_ERROR
            if error.message not in said:
                said.append(error.message)
            return None

    frame = eventually(attempt, "a frame")
    return said, frame


def problem(driver):
    """Read until it fails, and return the message."""

    def attempt():
        try:
            driver.read()
        except VisionError as error:
            return error.message
        return ""

    return eventually(attempt, "an error")


def test_it_is_a_driver_by_name():
    assert DRIVERS.get("video") is Video


# Files.


@pytest.mark.parametrize("name", ["film.avi", "film.mp4", "film.ts"])
def test_a_file_gives_its_frames_in_order_at_its_own_rate(camera, tmp_path, name):
    driver = camera(write_video(tmp_path / name, LEVELS, rate=20.0))
    assert driver.frame_rate == pytest.approx(20)
    assert levels(driver, len(LEVELS)) == pytest.approx(LEVELS, abs=4)


def test_it_says_what_it_reads(camera, film, server, rtsp):
    """get_status shows it: a wrong codec, size or library explains much."""
    names = {"pyav": "PyAV ", "opencv": "OpenCV "}
    facts = camera(film).facts
    assert facts["decoder"].startswith(tuple(names.values()))
    assert facts["video_size"] == "64×48"
    assert facts["codec"].lower() in ("mjpeg", "mjpg")
    for url, expected in ((server.url, {"codec": "Motion JPEG over HTTP"}), (rtsp.url, {"video_size": "320×240"})):
        stream = camera(url, read_timeout=TIMEOUT)
        assert stream.facts == {}, "it has not been opened"
        problems(stream)
        assert expected.items() <= stream.facts.items()


def test_another_rate_can_be_asked_for(camera, film):
    assert camera(film, frame_rate=3).frame_rate == 3


def test_a_file_may_be_named_as_a_url_of_this_machine(camera, film):
    assert camera(f"file://{film}").read().size == (64, 48)


def test_the_end_of_the_file_is_said_with_what_to_do(camera, film):
    driver = camera(film)
    levels(driver, len(LEVELS))
    message = fails(driver)
    assert "end of the video" in message
    assert str(film) in message
    assert "'loop'" in message
    assert fails(driver) == message


def test_it_can_be_played_once_more(camera, film):
    driver = camera(film)
    levels(driver, len(LEVELS))
    fails(driver)
    assert driver.do_command({"command": "restart"}) == {}
    assert levels(driver, 3) == pytest.approx(LEVELS[:3], abs=4)


def test_it_can_be_restarted_in_the_middle(camera, film):
    driver = camera(film)
    levels(driver, 5)
    driver.do_command({"command": "restart"})
    assert levels(driver, 3) == pytest.approx(LEVELS[:3], abs=4)


def test_a_loop_begins_again(camera, film):
    driver = camera(film, loop=True)
    assert levels(driver, 2 * len(LEVELS) + 1) == pytest.approx([*LEVELS, *LEVELS, LEVELS[0]], abs=4)


def test_it_begins_at_its_offset_in_each_loop(camera, film):
    driver = camera(film, start_offset=0.8, loop=True)
    assert levels(driver, 7) == pytest.approx([*LEVELS[20:], *LEVELS[20:22]], abs=4)


def test_fresh_stamps_are_left_to_the_caller(camera, film):
    assert camera(film).read().stamp == 0


def test_original_stamps_are_the_time_in_the_video_and_go_on_through_loops(camera, film):
    driver = camera(film, stamps="original", loop=True)
    stamps = [driver.read().stamp for _ in range(2 * len(LEVELS))]
    assert stamps[0] == 1  # nanosecond 0 would be no stamp
    assert stamps[1:] == [40_000_000 * number for number in range(1, 2 * len(LEVELS))]


def test_original_stamps_begin_at_the_offset(camera, film):
    driver = camera(film, stamps="original", loop=True, start_offset=0.92)
    assert [driver.read().stamp for _ in range(4)] == [920_000_000, 960_000_000, 1_000_000_000, 1_040_000_000]


def test_the_intrinsics_go_with_the_frames(camera, film):
    driver = camera(film, intrinsic_parameters=INTRINSICS)
    assert driver.intrinsics == CameraIntrinsics(64, 48, 60.0, 61.0, 31.5, 23.5)
    assert driver.read().intrinsics == driver.intrinsics


def test_intrinsics_of_another_size_are_an_error(camera, film):
    driver = camera(film, intrinsic_parameters=INTRINSICS | {"width_px": 640})
    assert "for 640×48 pixels, but the color image has 64×48" in fails(driver)


def test_incomplete_intrinsics_are_refused(camera, film):
    assert "fx missing" in refused(
        camera, film, intrinsic_parameters={k: v for k, v in INTRINSICS.items() if k != "fx"}
    )


def test_a_file_that_is_absent_is_refused_by_name(camera, tmp_path):
    message = refused(camera, tmp_path / "absent.mp4")
    assert "absent.mp4': No such file or directory" in message


def test_a_file_that_is_no_video_is_refused(camera, tmp_path):
    path = tmp_path / "noise.mp4"
    path.write_bytes(noise(1))
    assert "noise.mp4' is no video" in refused(camera, path)
    path.write_bytes(b"")
    assert "noise.mp4' is no video" in refused(camera, path)


def test_an_mp4_without_its_end_is_refused(camera, tmp_path):
    path = write_video(tmp_path / "film.mp4", LEVELS)
    path.write_bytes(path.read_bytes()[:-600])  # its index lies there
    assert "film.mp4' is no video that FFmpeg can read, or is cut off" in refused(camera, path)


def test_an_avi_that_is_cut_off_gives_what_is_left_and_ends(camera, film):
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    said = []
    driver = camera(film)
    with pytest.raises(EndOfVideoError):
        while True:
            said.append(level(driver.read()))
    assert 0 < len(said) < len(LEVELS)


def test_an_offset_beyond_the_end_is_refused(camera, film):
    assert "start_offset: 1 s is beyond the end" in refused(camera, film, start_offset=1.0)
    assert "lasts 1 s" in refused(camera, film, start_offset=99)


def test_a_path_is_required(tmp_path):
    with pytest.raises(VisionError, match="'video_path' is missing"):
        configure(VideoConfig, {}, of="video")


def test_a_file_is_closed(camera, film):
    camera(film).read()  # whatever OpenCV keeps for ever
    before = held()
    driver = camera(film, loop=True)
    levels(driver, 3 * len(LEVELS))
    driver.close()
    driver.close()
    back_to(before)


# Folders.


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in (1, 2, 9, 10, 11, 100):
        (folder / f"left_{number}.jpg").write_bytes(grey_jpeg(number, (64, 48)))
    (folder / "notes.txt").write_text("no image")
    return folder


def test_images_come_in_the_order_in_which_people_count(camera, folder):
    driver = camera(folder)
    assert driver.frame_rate == 10
    assert levels(driver, 6) == pytest.approx([1, 2, 9, 10, 11, 100], abs=1)
    assert "end of the video" in fails(driver)


def test_a_pattern_chooses_among_them(camera, folder):
    assert levels(camera(folder / "left_1?.jpg", loop=True), 4) == pytest.approx([10, 11, 10, 11], abs=1)


def test_images_may_differ_in_size_and_kind(camera, folder):
    cv2.imwrite(str(folder / "left_3.PNG"), np.full((5, 7, 3), 200, np.uint8))
    driver = camera(folder)
    assert [driver.read().size for _ in range(3)] == [(64, 48), (64, 48), (7, 5)]


def test_their_times_follow_from_the_rate(camera, folder):
    driver = camera(folder, frame_rate=4, stamps="original", start_offset=0.5, loop=True)
    assert [driver.read().stamp for _ in range(5)] == [number * 250_000_000 for number in range(2, 7)]


def test_a_bad_image_is_named_and_the_next_one_follows(camera, folder):
    (folder / "left_2.jpg").write_bytes((folder / "left_2.jpg").read_bytes()[:-2])
    driver = camera(folder)
    assert levels(driver, 1) == [1]
    assert "left_2.jpg': " in fails(driver)
    assert levels(driver, 1) == [9]


def test_an_image_that_vanishes_is_named(camera, folder):
    driver = camera(folder)
    (folder / "left_1.jpg").unlink()
    assert "left_1.jpg': No such file" in fails(driver)
    assert levels(driver, 1) == [2]


def test_images_that_come_later_are_in_the_next_loop(camera, folder):
    driver = camera(folder / "left_?.jpg", loop=True)
    levels(driver, 2)
    (folder / "left_5.jpg").write_bytes(grey_jpeg(5, (64, 48)))
    assert levels(driver, 5) == pytest.approx([9, 1, 2, 5, 9], abs=1)


def test_a_folder_or_pattern_without_images_is_refused(camera, tmp_path):
    assert "there is no image in" in refused(camera, tmp_path)
    assert "there is no image in" in refused(camera, tmp_path / "*.png")


def test_an_offset_beyond_the_last_image_is_refused(camera, folder):
    assert "whose 6 images last 0.6 s" in refused(camera, folder, start_offset=0.6)


# Streams.


def test_a_stream_need_not_be_there_yet(camera, server):
    server.stop()
    driver = camera(server.url, read_timeout=TIMEOUT)
    message = fails(driver)
    assert f"cannot open {server.url}: 127.0.0.1:{server.port} does not answer: Connection refused" in message
    assert fails(driver) == message
    server.start()
    said, frame = problems(driver)
    assert said in ([], [message])
    assert frame.size == (64, 48)


def test_nothing_is_opened_before_a_frame_is_wanted(camera, server):
    driver = camera(server.url)
    assert server.connections == 0
    driver.read()
    assert server.connections == 1


def test_motion_jpeg_stays_compressed_until_somebody_looks(camera, server):
    frame = camera(server.url, read_timeout=TIMEOUT).read()
    assert frame.image.compressed.startswith(b"\xff\xd8")
    assert frame.stamp == 0
    assert level(frame) == pytest.approx(server.level, abs=3)


def test_each_frame_is_given_once_and_the_newest_wins(camera, server):
    driver = camera(server.url, read_timeout=5)
    assert driver.read() is not driver.read()
    server.level = 200
    eventually(lambda: level(driver.read()) > 190, "the change")
    server.level = 30
    time.sleep(0.3)  # a reader that is slow, while frames come
    assert level(driver.read()) == pytest.approx(30, abs=3)


def test_intrinsics_of_another_size_are_an_error_without_decoding(camera, server):
    driver = camera(server.url, intrinsic_parameters=INTRINSICS)
    assert driver.read().intrinsics is not None
    server.size = (32, 24)
    assert "for 64×48 pixels, but the color image has 32×24" in problem(driver)
    server.size = (64, 48)
    assert problems(driver)[1].intrinsics is not None


def test_a_change_of_resolution_is_followed(camera, server):
    driver = camera(server.url, read_timeout=5)
    assert driver.read().size == (64, 48)
    server.size = (128, 96)
    eventually(lambda: driver.read().size == (128, 96), "the new size")
    assert server.connections == 1


def test_a_server_that_stops_is_said_once_and_comes_back(camera, server):
    driver = camera(server.url, read_timeout=TIMEOUT)
    driver.read()
    server.stop()
    assert problem(driver) == f"{server.url} broke off"
    refused = fails(driver)
    assert "Connection refused" in refused
    assert fails(driver) == refused
    server.start()
    said, frame = problems(driver)
    assert said in ([], [refused])
    assert frame.size == (64, 48)


def test_a_stall_is_said_and_goes_by(camera, server):
    driver = camera(server.url, read_timeout=TIMEOUT)
    driver.read()
    server.mode = "nothing"
    stalled = problem(driver)
    assert stalled == f"{server.url} sends nothing for {TIMEOUT} s"
    assert fails(driver) == stalled  # while it is opened anew, and nothing comes
    server.mode = "images"
    said, frame = problems(driver)
    assert said in ([], [stalled])
    assert frame.size == (64, 48)


@pytest.mark.parametrize("mode", ["noise", "bad images"])
def test_garbage_is_said_and_goes_by(camera, server, mode):
    driver = camera(server.url, read_timeout=TIMEOUT)
    driver.read()
    server.mode = mode
    assert server.url in problem(driver)
    server.mode = "images"
    assert level(problems(driver)[1]) == pytest.approx(server.level, abs=3)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "it asks for a user name and password"),
        (403, "it does not allow this (403"),
        (404, "it has no stream at this path (404"),
        (503, "it has a fault of its own, or too many clients (503"),
    ],
)
def test_the_reasons_of_servers_are_told_apart(camera, server, rtsp, status, said):
    for refusing in (server, rtsp):
        refusing.status = status
        message = problem_at_once(camera(refusing.url))
        assert message.startswith(f"cannot open {refusing.url}: {said}")


def problem_at_once(driver):
    """Return the message with which a stream is refused, behind those that tell that it is being opened."""

    def attempt():
        message = fails(driver)
        return "" if "still being opened" in message else message

    return eventually(attempt, "the reason")


def test_a_server_that_answers_without_video_is_said(camera, tmp_path, rtsp):
    (tmp_path / "page.html").write_text("<html>Please log in</html>")
    (tmp_path / "film.mp4").write_bytes(noise(1))
    with file_server(tmp_path) as url:
        assert "it answers with text/html, which is no video" in fails(camera(f"{url}/page.html"))
        message = problem_at_once(camera(f"{url}/film.mp4"))
        assert "it answers, but with nothing that FFmpeg reads as video" in message
    rtsp.media = "audio"
    assert "no video, only audio" in problem_at_once(camera(rtsp.url))


def with_user(url, user, password):
    return url.replace("://", f"://{user}:{quote(password, safe='')}@")


def test_users_and_passwords_are_taken_percent_encoded(camera, server, rtsp):
    for asking in (server, rtsp):
        asking.password = "p@ss:w/rd#1 %?"  # noqa: S105 (of this test)
        wrong = problem_at_once(camera(with_user(asking.url, "admin", "another")))
        assert "it does not accept this user name and password (401" in wrong
        assert "another" not in wrong
        assert problems(camera(with_user(asking.url, "admin", asking.password)))[1].image.pixels.size


@pytest.fixture
def rtsp(tmp_path):
    server = RtspServer(write_video(tmp_path / "film.ts", LEVELS * 20, size=(320, 240)))
    server.start()
    yield server
    server.stop()


@pytest.mark.usefixtures("side_by_side")
def test_rtsp_is_read_by_tcp_and_comes_back(camera, rtsp):
    driver = camera(rtsp.url, read_timeout=TIMEOUT)
    assert problems(driver)[1].size == (320, 240)
    assert "tcp" in rtsp.transports[0]
    rtsp.mode = "nothing"
    assert problem(driver) == f"{rtsp.url} sends nothing for {TIMEOUT} s"
    rtsp.mode = "images"
    problems(driver)
    rtsp.stop()
    assert rtsp.url in problem(driver)
    rtsp.start()
    assert problems(driver)[1].size == (320, 240)


@pytest.mark.usefixtures("side_by_side")
def test_a_stream_that_begins_late_is_waited_for_longer_at_each_try(camera, rtsp):
    rtsp.mode = "nothing"
    driver = camera(rtsp.url, read_timeout=0.1, open_timeout=0.1)
    eventually(lambda: "within 0.1 s" in fails(driver) or "nothing for" in fails(driver), "it is too late")
    rtsp.late = 1.0
    rtsp.mode = "images"
    assert problems(driver)[1].size == (320, 240)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:secret@127.0.0.1:9/live",
        "rtsp://admin:se cret@127.0.0.1:9/live",
        "http://127.0.0.1:9/video.cgi?user=admin&pwd=secret",
        "rtsp://127.0.0.1:9/user=admin&password=secret&channel=1&stream=0.sdp",
        "rtsp://admin:12?secret@127.0.0.1:9/live",
    ],
)
def test_a_password_is_not_shown(camera, url):
    message = problem_at_once(camera(url, read_timeout=TIMEOUT))
    assert "cret" not in message
    assert "127.0.0.1:9/" in message


@pytest.mark.parametrize("sign", "/#?")
def test_a_url_that_cannot_be_meant_is_refused_with_the_way_out(camera, sign):
    message = refused(camera, f"rtsp://admin:top{sign}secret@127.0.0.1:9/live")
    assert "secret" not in message
    assert "top" not in message
    assert f"write them percent-encoded: {sign!r} as %{ord(sign):02X}" in message


def test_what_begins_like_a_url_is_no_file(camera):
    assert "secret" not in refused(camera, "rtsp:/admin:secret@127.0.0.1/live")


# Motion JPEG over HTTP, as cameras spell it.


@pytest.mark.parametrize(
    "spelling",
    [
        {"delimiter": "frame"},
        {"line": "\n"},
        {"line": "\n", "head": "Content-Type: image/jpeg"},
        {"head": "Content-Type: image/jpeg"},
        {"head": "content-length: {length}\nX-Timestamp: 1.5\ncontent-type: image/jpeg"},
        {"delimiter": "----frame"},
        {"content_type": "multipart/x-mixed-replace"},
        {"content_type": "image/jpeg"},
        {"content_type": "application/octet-stream"},
        {"delimiter": "", "head": "", "line": "", "content_type": "image/jpeg"},
    ],
    ids=str,
)
def test_motion_jpeg_is_read_in_all_spellings(camera, server, spelling):
    for name, value in spelling.items():
        setattr(server, name, value)
    driver = camera(server.url, read_timeout=5)
    for grey in (100, 200):
        server.level = grey
        eventually(lambda grey=grey: level(driver.read()) == pytest.approx(grey, abs=3), "the grey")
    assert server.connections == 1


def test_a_url_of_one_image_is_asked_for_again_and_again(camera, tmp_path):
    image = tmp_path / "now.jpg"
    image.write_bytes(grey_jpeg(50, (64, 48)))
    with file_server(tmp_path) as url:
        driver = camera(f"{url}/now.jpg", read_timeout=5)
        assert level(driver.read()) == pytest.approx(50, abs=3)
        (tmp_path / "next.jpg").write_bytes(grey_jpeg(150, (64, 48)))
        (tmp_path / "next.jpg").replace(image)
        eventually(lambda: level(driver.read()) == pytest.approx(150, abs=3), "the new image")
        image.unlink()
        assert "it has no stream at this path (404" in problem(driver)


# Interlaced video.


@PYAV
def test_interlaced_video_is_read_by_pyav(tmp_path, camera):
    file = tmp_path / "white.m2v"
    file.write_bytes(2 * INTERLACED)
    assert camera(file, library="auto").read().image.pixels.min() > 250
    with file_server(tmp_path) as url:
        assert problems(camera(f"{url}/white.m2v", library="auto"))[1].image.pixels.min() > 250


@SPOILT
def test_interlaced_video_is_refused_where_opencv_would_spoil_it(tmp_path, camera):
    file = tmp_path / "white.m2v"
    file.write_bytes(2 * INTERLACED)
    message = refused(camera, file, library="opencv")
    assert "may be interlaced" in message
    assert "pip install 'vision-service[streams]'" in message
    with file_server(tmp_path) as url:
        assert "may be interlaced" in problem_at_once(camera(f"{url}/white.m2v", library="opencv"))


# Several video streams, and turned ones.


@PYAV
def test_of_several_video_streams_the_largest_is_read_or_the_one_that_is_named(camera, tmp_path):
    file = several_streams(tmp_path / "two.mkv", {(32, 24): 50, (64, 48): 150})
    assert camera(file, library="pyav").read().size == (64, 48)
    assert camera(file, library="pyav", stream=0).read().size == (32, 24)
    assert camera(file, library="pyav", stream=1).read().size == (64, 48)
    message = refused(camera, file, library="pyav", stream=2)
    assert "there is no video stream 2: it has 2 (32×24, 64×48)" in message


def test_opencv_reads_no_other_stream_than_the_first(camera, film):
    assert "OpenCV reads the first video stream only" in refused(camera, film, library="opencv", stream=1)


@PYAV
def test_a_video_that_is_to_be_turned_is_turned(camera, tmp_path, library):
    file = several_streams(tmp_path / "turned.mp4", {(64, 48): 150}, turned=90)
    assert camera(file).read().size == (48, 64)


def several_streams(path, greys, *, turned=0):
    """Write a video with a stream of each size: size -> grey."""
    import av

    if turned and not hasattr(av.VideoStream, "set_display_rotation"):
        pytest.skip("this PyAV does not write videos that are to be turned")

    with av.open(str(path), "w") as container:
        streams = []
        for width, height in greys:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            if turned:
                stream.set_display_rotation(turned)
            streams.append(stream)
        for _ in range(3):
            for stream, ((width, height), grey) in zip(streams, greys.items(), strict=True):
                pixels = np.full((height, width, 3), grey, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


# Lists of segments (HLS).


def segments(folder, *, head, end):
    """Write a list of three segments of a second each, as a server of HLS does."""
    for number in range(3):
        write_video(folder / f"part{number}.ts", [50 + 50 * number] * 25)
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", *head]
    for number in range(3):
        lines += ["#EXT-X-DISCONTINUITY"] * (number > 0) + ["#EXTINF:1.0,", f"part{number}.ts"]
    (folder / "list.m3u8").write_text("\n".join([*lines, *(["#EXT-X-ENDLIST"] if end else []), ""]))


def test_a_list_of_a_recording_ends(camera, tmp_path):
    segments(tmp_path, head=["#EXT-X-MEDIA-SEQUENCE:0"], end=True)
    with file_server(tmp_path) as url:
        driver = camera(f"{url}/list.m3u8")
        problems(driver)
        assert problem(driver).startswith(f"end of the video '{url}/list.m3u8'")


def test_what_is_left_of_a_live_list_is_no_recording(camera, tmp_path):
    segments(tmp_path, head=["#EXT-X-MEDIA-SEQUENCE:17"], end=True)
    with file_server(tmp_path) as url:
        assert fails(camera(f"{url}/list.m3u8")) == f"cannot open {url}/list.m3u8: the live stream has ended"


@pytest.mark.usefixtures("side_by_side")
def test_the_end_of_a_live_list_is_no_end_of_a_video(camera, tmp_path):
    segments(tmp_path, head=["#EXT-X-MEDIA-SEQUENCE:17"], end=False)
    with file_server(tmp_path) as url:
        driver = camera(f"{url}/list.m3u8")
        problems(driver)
        segments(tmp_path, head=["#EXT-X-MEDIA-SEQUENCE:17"], end=True)
        message = problem(driver)
        assert "end of the video" not in message
        assert "live stream has ended" in message


def test_a_recording_whose_connection_breaks_is_not_at_its_end(camera, film):
    data = film.read_bytes()
    with file_server(film.parent, most=len(data) // 2) as url:
        driver = camera(f"{url}/{film.name}", read_timeout=1)
        problems(driver)
        message = problem(driver)
    assert "end of the video" not in message
    assert f"{url}/{film.name} broke off" in message


@pytest.mark.usefixtures("side_by_side")
def test_a_stream_that_hangs_does_not_hold_up_the_others(camera, rtsp, tmp_path):
    silent = RtspServer(tmp_path / "film.ts")
    silent.mode = "nothing"
    silent.start()
    try:
        hanging = camera(silent.url, read_timeout=TIMEOUT, open_timeout=PATIENCE)
        opening = fails(hanging)
        assert "it is still being opened" in opening
        assert problems(camera(rtsp.url))[1].size == (320, 240)
        assert fails(hanging) == opening
    finally:
        silent.stop()


@pytest.mark.usefixtures("side_by_side")
@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_server_that_says_nothing_is_not_said_to_answer(library, scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are made, and nobody reads
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/film"
        with pytest.raises(VisionError, match=r"has not begun within 0\.5 s \(open_timeout\)"):
            open_stream(StreamSettings(url, library, open_timeout=0.5, read_timeout=0.5))


def test_a_stream_that_nobody_reads_is_let_go_and_opened_again(camera, server):
    driver = camera(server.url, read_timeout=TIMEOUT)
    driver.read()
    eventually(lambda: not server.serving, "the stream is let go")
    eventually(lambda: driver.read().size == (64, 48) and server.connections == 2, "the stream is opened again")


def test_nothing_is_left_after_troubles_of_all_kinds(camera, server):
    driver = camera(server.url, read_timeout=TIMEOUT)

    def all_troubles():
        driver.read()
        for mode in ("nothing", "noise", "bad images"):
            server.mode = mode
            problem(driver)
            server.mode = "images"
            problems(driver)
        server.stop()
        problem(driver)
        server.start()
        problems(driver)
        driver.close()
        eventually(lambda: not server.serving, "the stream is let go")

    all_troubles()
    before = held()
    for _ in range(3):
        all_troubles()
    back_to(before)


def test_the_libraries_below_are_silent(tmp_path, server):
    program = f"""
from vision_service.camera.video import Video, VideoConfig
from vision_service.errors import VisionError
from vision_service.resources import LocalResources
for url in ("{server.url}", "http://127.0.0.1:9/nobody"):
    driver = Video(VideoConfig(video_path=url, read_timeout=0.4), LocalResources())
    try:
        while True:
            driver.read()
    except VisionError as error:
        print(error.message)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    eventually(lambda: server.serving, "the stream is open")
    server.mode = "bad images"
    said, noise = process.communicate(timeout=PATIENCE)
    assert len(said.splitlines()) == 2
    assert noise == b""


def test_a_recording_that_comes_by_network_ends(camera, film):
    with file_server(film.parent) as url:
        driver = camera(f"{url}/{film.name}", read_timeout=5)
        assert level(driver.read()) < 100
        message = problem(driver)
    assert message.startswith(f"end of the video '{url}/{film.name}'")


def test_a_recording_that_comes_by_network_is_played_again(camera, film):
    with file_server(film.parent) as url:
        driver = camera(f"{url}/{film.name}", read_timeout=5, loop=True)
        seen = [level(driver.read())]
        while seen[-1] >= seen[-2:][0]:
            seen.append(level(driver.read()))
    assert seen[-1] < seen[-2]


def test_what_is_said_of_files_does_not_depend_on_the_folder_one_is_in(camera, film, monkeypatch):
    monkeypatch.chdir(film.parent)
    assert camera(film.name).read().size == (64, 48)
    assert os.fspath(film.name) in refused(camera, f"{film.name}.absent")


def test_a_pipe_is_refused_and_not_waited_for(camera, tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VisionError, match=r"pipe.mp4': it is a named pipe \(FIFO\), and only regular files are read"):
        camera(tmp_path / "pipe.mp4")
