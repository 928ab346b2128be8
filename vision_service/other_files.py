"""What a file is that was taken for an image and is none, by its first bytes, so that its owner knows what to do."""

from __future__ import annotations

CLOUD_HEADS = (b"# .PCD", b"VERSION", b"FIELDS")
"""How point cloud files (PCD) begin."""
HEAD = 16
"""How many bytes of a file are looked at."""

_HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_MATROSKA = b"\x1aE\xdf\xa3"


def other_file(data: bytes | memoryview) -> str:
    """Return what a file is that is no image of a format that is read, and what to do with it; empty = not known."""
    head = bytes(data[:HEAD])
    kind = head[8:12] if head[4:8] == b"ftyp" else b""  # ISO base media: MP4, MOV, HEIC, AVIF
    if kind in (b"avif", b"avis"):
        return (
            "an AVIF image, which is not read because only decoding it tells how large it is: convert it to PNG or JPEG"
        )
    if kind in _HEIC:
        return "a HEIC image, which is not read: convert it to PNG or JPEG"
    if kind or head.startswith(_MATROSKA) or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return "a video, not an image: a camera with 'driver: video' plays it (vision-service init --camera FILE)"
    if head.startswith(CLOUD_HEADS):
        return "a point cloud, not an image: vision-service segment finds objects in it"
    return ""
