"""What a tab of the control page and its server say to each other over one WebSocket (``/ws``).

Binary messages, server to tab
==============================
::

    uint32, little-endian      length of the header, bytes; a multiple of 4 such that the payload is aligned to 4
    header                     JSON, UTF-8, padded with spaces
    payload                    the parts that the header's "parts" name, one behind the other, each aligned to 4

``"parts": [{"name": "image", "format": "jpeg", "offset": 0, "bytes": 30211}, …]``: offsets count from the payload's
first byte. Every binary message has ``"type"`` and ``"seq"``, the server's number of the message: the tab answers each
with ``{"type": "ack", "seq": …}`` as soon as it has taken it over, but those with ``"ack": false``. The server sends no
further messages while `UNACKNOWLEDGED` of them are not acknowledged, then the newest ones, and drops a tab that
acknowledges nothing for `PATIENCE` seconds. Tabs that are all `QUICK` are asked every `ASKING_PERIOD` only.

``"type": "frame"``: an image and what a service says of it
    ========================  =======================================================================================
    service, camera           names; service is empty where only the camera is shown
    stamp                     of the frame, nanoseconds, as a string: JavaScript's numbers have 53 bits
    frame_id                  coordinate frame
    width, height             of the source image, pixels; all coordinates count in these, whatever the JPEG's size is
    result_stamp              of the frame that the results are of, a string; another one than `stamp`: they are stale
    latency                   seconds from the frame's arrival to its result; null without one
    detections                list of {class_name, confidence, x_min, y_min, x_max, y_max, class_index, id, box, mask,
                              keypoints}; the last four only where they are there. box = {center_x, center_y, width,
                              height, angle (radians, clockwise as seen)}; mask = {x, y, width, height, counts (COCO's
                              run lengths inside that rectangle)}; keypoints = list of [x, y, confidence or null, name]
    skeleton                  pairs of indices of keypoints that are joined
    classifications           list of {class_name, confidence}, best first
    objects                   list of {label, confidence, points, center [m], size [m], orientation (quaternion x, y, z,
                              w), id}; in the camera's frame (x right, y down, z forward) unless objects_frame_id is
                              another one; points is null where they are not known
    objects_frame_id          coordinate frame of the objects
    classes                   of a label image: {width, height, names}: its part "labels" holds one uint8 number a
                              pixel, row by row, perhaps of fewer pixels than the source image
    zones                     list of {name, points (list of [x, y])}, areas with "inside", how many are in them, lines
                              with "sides" and "crossed_to", names of left and right, and how many have come there;
                              absent where the camera has none
    intrinsics                {width, height, fx, fy, cx, cy}; null = not calibrated
    error                     why there is no result of this frame; null = there is one
    ========================  =======================================================================================

    A result kind that the service does not give is absent; one that found nothing is an empty list. The part "image" is
    a JPEG; it is absent where a frame has no image.

``"type": "cloud"``: the points of a frame, for tabs that show 3D (``"want": ["cloud"]``)
    service, camera, stamp, frame_id as above; ``"count"``: how many points; parts "xyz" (format "float32": count × 3,
    metres, x right, y down, z forward) and, where they are coloured, "rgb" (format "uint8": count × 3). Decimated to at
    most `MOST_POINTS` points, and sent at most `CLOUD_RATE` times a second. ``"objects"`` as above. ``"axes"``:
    "optical" (as above) or "body" (x forward, y left, z up: a lidar's). ``"ground"``: the plane {normal, distance} that
    most points lie on, if it is about level; null = none. ``"origin"``: where in the frame points, objects and ground
    are counted from.

Text messages, server to tab: one JSON object each
===================================================
``{"type": "hello", "version": …}``
    the first one.
``{"type": "watching", "service", "camera", "mode", "problem": null or text}``
    the answer to "watch", and again when the stream fails or works again.
``{"type": "event", "previous", "current", "confidence", "camera", "stamp"}``
    a label has changed, or a tracked object has come or gone.

Text messages, tab to server
============================
``{"type": "watch", "service": "/detector", "camera": "camera", "mode": "result" | "live", "want": ["image", "cloud"]}``
    what to show from now on; service may be empty. "result": every image waits for its result; "live": every image of
    the camera, with the last result, perhaps a stale one. ``{"type": "watch"}`` alone: nothing (a hidden tab).
``{"type": "record", "seconds": 30}``
    keep the last seconds of what is shown, to be saved (``POST /api/save``); 0 = no more. It ends with the watch.
``{"type": "ack", "seq": 12}``
    see above.

Everything else is asked by HTTP: ``POST /api/NAME`` with a JSON object, see ``questions.py``.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

VERSION = 1
"""Of the format; a page of another one is told to load itself again."""
UNACKNOWLEDGED = 2
"""How many binary messages are sent ahead of what a tab has acknowledged."""
QUICK = 0.05
"""A tab that acknowledges within this time need not acknowledge everything, seconds."""
ASKING_PERIOD = 0.2
"""How often quick tabs are to acknowledge a frame, seconds."""
PATIENCE = 8.0
"""A tab that acknowledges nothing for so long is dropped, seconds; a page that lives connects again."""
MOST_POINTS = 60_000
"""How many points of a cloud are sent at most."""
CLOUD_RATE = 5.0
"""How many clouds are sent a second at most."""
ALIGNMENT = 4
_BINARY = 0x82
"""A WebSocket frame's first byte: the only one of a binary message."""
_encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
quoted = json.encoder.encode_basestring_ascii

Part = tuple[str, str, bytes | memoryview]
"""A part of the payload: its name, its format, its bytes."""


def pack(header: Mapping[str, Any] | str, parts: Sequence[Part] = (), **more: Any) -> bytes:
    """Return a binary message; the arguments are those of `pieces`."""
    return b"".join(pieces(header, parts, **more))


def pieces(
    header: Mapping[str, Any] | str, parts: Sequence[Part] = (), *, number: int = 0, asks: bool = True
) -> list[bytes | memoryview]:
    """Return the pieces of which a binary message consists, so that no image is copied for it.

    Args:
        header: What JSON can hold, numbers that are not finite become null; or the JSON of an object. Not empty.
        parts: The payload's.
        number: The server's number of the message.
        asks: Whether it is to be acknowledged.
    """
    offset, told = 0, []
    blobs: list[bytes | memoryview] = []
    for name, form, data in parts:
        told.append(f'{{"name":{quoted(name)},"format":{quoted(form)},"offset":{offset},"bytes":{len(data)}}}')
        blobs.append(data)
        padding = -len(data) % ALIGNMENT
        if padding:
            blobs.append(bytes(padding))
        offset += len(data) + padding
    text = header if isinstance(header, str) else as_json(header)
    more = f'"seq":{number},' if asks else f'"seq":{number},"ack":false,'
    encoded = f'{text[:-1]},{more}"parts":[{",".join(told)}]}}'.encode()
    encoded += b" " * (-len(encoded) % ALIGNMENT)
    return [struct.pack("<I", len(encoded)) + encoded, *blobs]


def websocket_frame(message: Sequence[bytes | memoryview]) -> tuple[bytes | memoryview, ...]:
    """Return the WebSocket frame of a server's binary message (RFC 6455, section 5.2): not masked, not compressed.

    Args:
        message: Its pieces.
    """
    length = sum(map(len, message))
    if length < 126:
        header = struct.pack("!BB", _BINARY, length)
    elif length < 1 << 16:
        header = struct.pack("!BBH", _BINARY, 126, length)
    else:
        header = struct.pack("!BBQ", _BINARY, 127, length)
    return (header, *message)


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the header of a binary message, and the bytes of its parts by their names."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    begin = 4 + length
    parts = {
        part["name"]: message[begin + part["offset"] : begin + part["offset"] + part["bytes"]]
        for part in header["parts"]
    }
    return header, parts


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON that every browser reads: what is not finite becomes null."""
    return as_json(value).encode()


def as_json(value: Any) -> str:
    """Return a value as JSON that every browser reads: what is not finite becomes null."""
    try:
        return _encoder.encode(value)
    except ValueError:
        return _encoder.encode(finite(value))


def finite(value: Any) -> Any:
    """Return a value with None in place of numbers that are not finite."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
