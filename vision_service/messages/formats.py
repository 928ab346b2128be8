"""What the text `format` of a CompressedImage says of its data.

The transports of image_transport_plugins write the encoding that the image had, the codec, and the encoding that its
pixels have in the data where that is another one: ``rgb8; jpeg compressed bgr8``, ``16UC1; png compressed ``,
``32FC1; compressedDepth rvl``. Drivers and scripts write the name of a codec alone: ``jpeg``, ``png``.
"""

from __future__ import annotations

from dataclasses import dataclass

COMPRESSED_DEPTH = "compressedDepth"
"""The name of the transport of depth, which stands in its formats."""

_FILES = {"jpg": "jpeg", "jpeg": "jpeg", "mjpeg": "jpeg", "png": "png", "tif": "tiff", "tiff": "tiff"}
_VIDEO = {
    **dict.fromkeys(("h264", "h.264", "avc", "h265", "h.265", "hevc", "av1", "vp8", "vp9", "mpeg4", "theora"), "video"),
    "zstd": "zstd",
}
_ADVICE = (
    "subscribe to what image_transport makes of it, which it does where the plugin {transport}_image_transport is"
    " installed: ros2 run image_transport republish --ros-args -p in_transport:={transport} -p out_transport:=raw"
    " -r in/{transport}:=TOPIC/{transport} -r out:=TOPIC/decoded"
)

VIDEO_TYPES = {
    "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": "ffmpeg",
    "theora_image_transport/msg/Packet": "theora",
    "foxglove_msgs/msg/CompressedVideo": "foxglove",
}
"""The transports of types of messages whose images cannot be had one by one."""


@dataclass(frozen=True)
class Format:
    """The parts of a format.

    Attributes:
        text: The whole.
        source: The encoding of the image before it was compressed; empty = it is not said.
        codec: jpeg, png or tiff, else the word as it is written, in small letters.
        pixels: The encoding of the pixels in the data, in the order in which OpenCV decodes them; empty = it is not
            said.
        depth: Whether it is the transport compressedDepth's.
    """

    text: str
    source: str
    codec: str
    pixels: str
    depth: bool

    @property
    def undecodable(self) -> str:
        """Why its images are not decoded here, and the way out; empty, if they may be."""
        kind = _VIDEO.get(self.codec, "")
        if not kind:
            return ""
        what = "a video stream, whose images depend on those before" if kind == "video" else "of the transport zstd"
        return f"the format {self.text!r} is {what}: {republish('zstd' if kind == 'zstd' else 'ffmpeg')}"


def format_of(text: str) -> Format:
    """Return the parts of a format."""
    source, separator, rest = (part.strip() for part in text.partition(";"))
    depth = COMPRESSED_DEPTH in text
    if not separator:
        word = source.lower().lstrip(".").removeprefix("image/")
        # Where the transport compressedDepth was young, its formats were the encoding alone.
        depth = depth or source in ("16UC1", "32FC1")
        encoding = source.removesuffix(COMPRESSED_DEPTH).strip() if depth else ""
        return Format(text, encoding, _FILES.get(word, word), "", depth)
    words = rest.split()
    codec = _FILES.get(words[0].lower(), words[0].lower()) if words else ""
    said = words[2] if len(words) > 2 and words[1] == "compressed" else ""
    pixels = said or source
    if pixels.startswith(("rgb", "bgr")) and not (codec == "tiff" and not said):
        # A JPEG's or PNG's own order of colours holds, whatever is said of it: many write rgb8 where they mean no more
        # than colour. Only a TIFF of image_transport is written with the colours of rgb8 in the places of bgr8.
        pixels = "bgr16" if pixels.endswith("16") else "bgr8"
    return Format(text, source, codec, pixels, depth)


def republish(transport: str) -> str:
    """Return how images of a transport that is not read here come to be had."""
    return _ADVICE.format(transport=transport)
