"""A camera loses its source again and again, in several ways: callers are told, and frames come again."""

import statistics
import time

import pytest
from rich.progress import track

from enduring import CAMERA, TIMEOUT, nodes
from reliability import number, recorded
from robot import PATIENCE
from streams import MjpegServer, RtspServer, write_video
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.client import CameraClient

ROUNDS = number("ROUNDS", 100)
COMMAND = f"make chaos ROUNDS={ROUNDS} ONLY=sources"
AWAY = 1.0
"""How long a source is away, seconds."""

FORESEEN = {
    ErrorCode.NO_FRAME,
    ErrorCode.CAMERA_ERROR,
    ErrorCode.DEADLINE_EXCEEDED,
    ErrorCode.UNKNOWN_RESOURCE,  # while it starts
    ErrorCode.NOT_ACTIVE,
}

pytestmark = pytest.mark.chaos


def lose(server, turn):
    """Take a source away, in one of several ways, and bring it back."""
    kinds = ["stops", "nothing", *(["noise", "bad images"] if isinstance(server, MjpegServer) else [])]
    kind = kinds[turn % len(kinds)]
    if kind == "stops":
        server.stop()
        time.sleep(AWAY)
        server.start()
    else:
        server.mode = kind
        time.sleep(AWAY)
        server.mode = "images"


def until_fresh(camera):
    """Return how long it takes until there is a new frame, seconds; whatever else is answered is foreseen."""
    began = time.monotonic()
    while True:
        try:
            camera.get_image(max_age=-1.0, timeout=TIMEOUT)
            return time.monotonic() - began
        except VisionError as error:
            assert error.code in FORESEEN, error
            assert time.monotonic() - began < PATIENCE, error


@pytest.fixture(params=[MjpegServer, RtspServer])
def server(request, tmp_path):
    """A network camera that serves."""
    film = (write_video(tmp_path / "film.ts", [100] * 3000, size=(320, 240)),) if request.param is RtspServer else ()
    server = request.param(*film)
    server.start()
    yield server
    server.stop()


def test_a_stream_goes_and_comes(server, tmp_path):
    name = {MjpegServer: "MJPEG over HTTP", RtspServer: "MPEG-TS over RTSP"}[type(server)]
    with recorded(f"a stream ({name}) goes for {AWAY:g} s in several ways and comes back", COMMAND) as run:
        sections = {CAMERA: {"driver": "video", "video_path": server.url, "keep_reading": True}}
        with nodes(tmp_path, sections) as started, CameraClient(f"/{CAMERA}") as camera:
            until_fresh(camera)
            took = []
            for turn in track(range(ROUNDS), name):
                lose(server, turn)
                took.append(until_fresh(camera))
            logs = started.logs()
        run.times = f"{ROUNDS} times"
        run.happened = f"frames again {statistics.median(took):.1f} s after its return ({max(took):.1f} s at most)"
        run.figures = {"again_s": took}
        assert "Traceback" not in logs
