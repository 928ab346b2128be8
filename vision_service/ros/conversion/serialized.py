"""The results that are published most often, as the bytes that DDS sends.

A publisher takes bytes as well as messages, and from a message it makes them field by field, in ten times the time; so
does a subscription the other way round.
The format is the Common Data Representation, OMG's CDR 1 in little endian, which every ROS 2 middleware speaks: numbers
lie at multiples of their size, texts and sequences begin with their length.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from struct import Struct, error

from rclpy.serialization import deserialize_message
from vision_msgs.msg import Detection2DArray

from vision_service.boxes import box_of
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.conversion.result import detection_of_box, detections_from_message
from vision_service.types import Classification, Detection

_HEAD = b"\x00\x01\x00\x00"
"""Says: CDR 1, little endian. Places are counted from its end."""
_LENGTH = Struct("<I")
_STAMP = Struct("<iI")
_BIG_STAMP = Struct(">iI")
_SCORE = Struct("<d")
_BOX = Struct("<5d")
_NO_POSE = Struct("<7d36d").pack(*(0.0,) * 6, 1.0, *(0.0,) * 36)
"""A pose with its covariance, which have no meaning in an image."""
_SCORED_BOX = Struct(f"<d{len(_NO_POSE)}s5d")
_ONE = _LENGTH.pack(1)
_FILLED = tuple(bytes(count) for count in range(8))
_KNOWN = 1024
"""Of how many texts the bytes are kept: names of frames and classes are the same again and again."""


def serialized_detections(detections: Collection[Detection], stamp: int, frame_id: str) -> bytes:
    """Return the bytes of a vision_msgs/Detection2DArray, as :func:`detections_to_message` makes it.

    Args:
        detections: Boxes in pixels of the image.
        stamp: Of the image, nanoseconds.
        frame_id: The image's.
    """
    header = _STAMP.pack(*divmod(stamp, 1_000_000_000)) + _filled_text(frame_id)
    data = bytearray(_HEAD + header + _LENGTH.pack(len(detections)))
    each = header + _ONE
    for detection in detections:
        data += _FILLED[-len(data) % 4]  # the head's own bytes are no more and no less than four
        data += each
        data += _text_before_number(detection.class_name, (len(data) - len(_HEAD)) % 8)
        if detection.extra is None:  # mostly, and in two thirds of the time
            left, top, right, bottom = detection.x_min, detection.y_min, detection.x_max, detection.y_max
            box = ((left + right) / 2, (top + bottom) / 2, 0.0, right - left, bottom - top)
        else:
            box = box_of(detection)
        data += _SCORED_BOX.pack(detection.confidence, _NO_POSE, *box)
        data += _text(detection.id)
    return bytes(data)


def serialized_classifications(classifications: Collection[Classification], stamp: int, frame_id: str) -> bytes:
    """Return the bytes of a vision_msgs/Classification, as :func:`classifications_to_message` makes it.

    Args:
        classifications: Of an image.
        stamp: Of the image, nanoseconds.
        frame_id: The image's.
    """
    header = _STAMP.pack(*divmod(stamp, 1_000_000_000)) + _filled_text(frame_id)
    data = bytearray(_HEAD + header + _LENGTH.pack(len(classifications)))
    for item in classifications:
        data += _text_before_number(item.class_name, (len(data) - len(_HEAD)) % 8)
        data += _SCORE.pack(item.confidence)
    return bytes(data)


def detections_from_serialized(data: bytes) -> list[Detection]:
    """Return the detections of a vision_msgs/Detection2DArray in the bytes that came, in their order.

    The message itself takes ten times as long: eleven Python objects for each detection.

    Raises:
        VisionError: INVALID_ARGUMENT, if they are no such message.
    """
    if data[:2] != _HEAD[:2]:  # another representation, which the middleware knows
        return detections_from_message(deserialize_message(data, Detection2DArray))
    try:
        return list(_read_detections(data))
    except (error, UnicodeDecodeError) as wrong:
        msg = f"{len(data)} bytes that are no vision_msgs/Detection2DArray: {wrong}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def stamp_of_serialized(data: bytes) -> int:
    """Return the stamp of a message that begins with a header, in the bytes that came, nanoseconds."""
    seconds, nanoseconds = _STAMP.unpack_from(data, len(_HEAD)) if data[1] else _BIG_STAMP.unpack_from(data, len(_HEAD))
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _read_detections(data: bytes) -> Iterator[Detection]:
    begin = len(_HEAD)
    place = _after_header(data, begin)
    header = data[begin:place]  # ours repeat it for each detection
    (count,) = _LENGTH.unpack_from(data, place)
    place += _LENGTH.size
    for _ in range(count):
        place += -place % 4
        end = place + len(header)
        place = end if data[place:end] == header else _after_header(data, place)
        (hypotheses,) = _LENGTH.unpack_from(data, place)
        place += _LENGTH.size
        class_name, confidence = "", 0.0
        for number in range(hypotheses):
            name, place = _read_text(data, place)
            place += (begin - place) % 8
            if number == 0:
                class_name, (confidence,) = name, _SCORE.unpack_from(data, place)
            place += _SCORE.size + len(_NO_POSE)
        place += (begin - place) % 8
        x, y, theta, width, height = _BOX.unpack_from(data, place)
        identity, place = _read_text(data, place + _BOX.size)
        yield detection_of_box(class_name, confidence, identity, x, y, theta, width, height)


def _after_header(data: bytes, place: int) -> int:
    """Return where a length stands that follows the header there."""
    place += -place % 4 + _STAMP.size
    (length,) = _LENGTH.unpack_from(data, place)
    place += _LENGTH.size + length
    return place + -place % 4


def _read_text(data: bytes, place: int) -> tuple[str, int]:
    """Return the text there, and where it ends."""
    place += -place % 4
    (length,) = _LENGTH.unpack_from(data, place)
    place += _LENGTH.size
    end = place + length
    if end > len(data):
        raise error(f"a text of {length} bytes at {place}")
    return (data[place : end - 1].decode() if length > 1 else ""), end


@lru_cache(_KNOWN)
def _text(text: str) -> bytes:
    encoded = text.encode() + b"\x00"
    return _LENGTH.pack(len(encoded)) + encoded


@lru_cache(_KNOWN)
def _filled_text(text: str) -> bytes:
    """Return a text, filled up so that a length may follow."""
    written = _text(text)
    return written + _FILLED[-len(written) % 4]


@lru_cache(_KNOWN)
def _text_before_number(text: str, place: int) -> bytes:
    """Return a text after which a number of eight bytes follows.

    Args:
        text: The text.
        place: Where it stands, modulo 8; a multiple of 4.
    """
    written = _text(text)
    return written + _FILLED[-(place + len(written)) % 8]
