"""Motion JPEG over HTTP: frames, however their parts are put together."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import noise
from vision_service.camera.motion_jpeg import MotionJpeg, announces_motion_jpeg


def jpegs(count=5):
    """Return JPEGs of noise: baseline and progressive, with and without restart markers."""
    made = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (40 + number, 60, 3), np.uint8)
        kind = [cv2.IMWRITE_JPEG_PROGRESSIVE, number % 2, cv2.IMWRITE_JPEG_RST_INTERVAL, number % 3]
        made.append(cv2.imencode(".jpg", pixels, kind)[1].tobytes())
    return made


JPEGS = jpegs()


def content(frames, *, delimiter="--frame", line="\r\n", length=len):
    """Return a content; `length` gives what a part says of its length, None = nothing."""
    parts = []
    for frame in frames:
        said = length(frame)
        head = [
            delimiter,
            "Content-Type: image/jpeg",
            *([f"Content-Length: {said}"] if said is not None else []),
            "",
            "",
        ]
        parts.append(line.join(head).encode() + frame + line.encode())
    return b"".join(parts)


def frames_of(data, pieces=65536):
    """Return all frames of a content that comes in pieces of so many bytes."""
    stream, found = io.BytesIO(data), []
    cutter = MotionJpeg(lambda: stream.read(pieces))
    with pytest.raises(EOFError):
        while True:
            found.append(cutter.read())
    return found


@given(
    delimiter=st.sampled_from(["--frame", "frame", "----frame", "--=_'(x):?/,+ 9", ""]),
    line=st.sampled_from(["\r\n", "\n"]),
    length=st.sampled_from([len, lambda frame: None, lambda frame: 0, lambda frame: len(frame) - 7]),
    pieces=st.integers(1, 5000),
)
def test_frames_are_found_in_all_spellings(delimiter, line, length, pieces):
    data = content(JPEGS, delimiter=delimiter, line=line, length=length)
    assert [frame.rstrip(b"\r\n") for frame in frames_of(data, pieces)] == JPEGS


def test_frames_without_any_parts_are_found():
    assert frames_of(b"".join(JPEGS), 100) == JPEGS


def test_padding_behind_a_frame_belongs_to_its_part():
    padded = [frame + bytes(50) for frame in JPEGS]
    assert frames_of(content(padded)) == padded


def test_a_thumbnail_within_a_frame_is_no_frame():
    inner = JPEGS[0][:2000] + b"\xff\xd9"
    segment = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner
    whole = JPEGS[1][:2] + segment + JPEGS[1][2:]
    assert frames_of(content([whole, JPEGS[2]], length=lambda frame: None)) == [whole, JPEGS[2]]


def test_a_frame_that_is_cut_off_does_not_spoil_the_next():
    data = content([JPEGS[0][:900], *JPEGS[1:]], length=lambda frame: None)
    assert frames_of(data)[-len(JPEGS) + 1 :] == JPEGS[1:]


@given(st.binary(max_size=3000), st.integers(1, 500))
def test_garbage_is_borne(garbage, pieces):
    frames_of(garbage, pieces)


def test_frames_behind_noise_are_found():
    data = noise(1, 60000) + content(JPEGS)
    assert set(JPEGS[1:]) <= set(frames_of(data))


@pytest.mark.parametrize(
    ("kind", "length", "beginning", "expected"),
    [
        ("multipart/x-mixed-replace", None, b"", True),
        ("image/jpeg", None, JPEGS[0], True),
        ("image/jpeg", 6000, JPEGS[0], False),
        ("application/octet-stream", None, b"--b\r\nContent-Type: image/jpeg\r\n\r\n", True),
        ("", None, b"\r\n--b\nX: 1\ncontent-type:image/jpeg\n\n", True),
        ("text/html", 100, b"<html>", False),
        ("video/mp4", 100, b"\0\0\0\x1cftyp", False),
    ],
)
def test_it_is_known_by_its_type_or_its_beginning(kind, length, beginning, expected):
    assert announces_motion_jpeg(kind, length, beginning) is expected
