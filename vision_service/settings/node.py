"""The parameters that several kinds of nodes have."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.allowed_paths import USUAL
from vision_service.configuration import attribute
from vision_service.limits import MAX_IMAGE_PIXELS, MAX_PENDING_BYTES

DECLARED_BY_ROS = ("use_sim_time", "qos_overrides.", "start_type_description_service")
"""How the names of parameters begin that every ROS node declares itself."""

LONGEST_TIMEOUT = 600.0
"""The longest timeout of a service call, seconds: so long it may hold one of the calls that a node has in progress."""
LONGEST_WAIT = 3600.0
"""The longest time for which a node waits for others, or goes on for their sake, seconds."""


@dataclass(frozen=True, kw_only=True)
class NodeConfiguration:
    """Parameters of every node."""

    autostart: bool = attribute(
        "Whether the node configures and activates itself when it starts.", default=True, live=True, rare=True
    )
    timeout: float = attribute(
        "Timeout of service calls whose request gives none (0): by then every call is answered.", default=5.0,
        unit="s", minimum=0, above_minimum=True, maximum=LONGEST_TIMEOUT, live=True, rare=True,
    )  # fmt: skip
    max_pending_calls: int = attribute(
        "Maximum number of service calls in progress; further ones are answered with OVERLOADED.", default=64,
        minimum=1, live=True, rare=True,
    )  # fmt: skip
    max_image_pixels: int = attribute(
        "Maximum number of pixels (width times height) of an image: a larger one is refused by its header, before it is"
        " decoded. Holds for the process: the largest value of its nodes.",
        default=MAX_IMAGE_PIXELS, unit="px", minimum=1, live=True, rare=True,
    )  # fmt: skip
    max_pending_bytes: int = attribute(
        "Maximum number of bytes that the images and point clouds given to service calls in progress may take, decoded;"
        " further ones are answered with OVERLOADED. Holds for the process: the largest value of its nodes.",
        default=MAX_PENDING_BYTES, unit="bytes", minimum=1, live=True, rare=True,
    )  # fmt: skip
    bond_heartbeat_period: float = attribute(
        "Time between the heartbeats to the lifecycle manager (nav2's) that has activated the node, which has "
        "'autostart: false' then; 0 = no bond.", default=0.1, unit="s", minimum=0, rare=True,
    )  # fmt: skip
    allowed_paths: tuple[str, ...] = attribute(
        "Folders below which files may be named while the node runs, by parameters set over the network; besides those"
        " of the files in the start parameters, the package's own and those in the environment variable"
        " VISION_SERVICE_ALLOWED_PATHS. Start parameters may name any file.",
        default=USUAL, start_only=True, rare=True,
    )  # fmt: skip
    allowed_urls: tuple[str, ...] = attribute(
        "URLs of streams such as rtsp://192.168.1.20/ below which others may be named while the node runs, by"
        " parameters set over the network. Start parameters may name any URL.",
        default=(), start_only=True, rare=True,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FrameConfiguration(NodeConfiguration):
    """Parameters of every node that hands out frames, or results computed from them."""

    max_age: float = attribute(
        "Maximum age of a frame that answers a service call whose request gives no max_age (0); if the newest frame is"
        " older, the call waits for the next one.",
        default=0.2, unit="s", minimum=0, live=True, rare=True,
    )  # fmt: skip
    linger: float = attribute(
        "Keep-alive: how long a camera is still read, or subscribed to, after the last call that wanted its frames.",
        default=10.0, unit="s", minimum=0, maximum=LONGEST_WAIT, live=True, rare=True,
    )  # fmt: skip
    jpeg_quality: int = attribute(
        "JPEG quality of published compressed images.", default=85, minimum=1, maximum=100, live=True, rare=True
    )
    silence: float = attribute(
        "No-frame warning: how long no frame may arrive from a camera, while frames are wanted, before the node warns;"
        " a vision node then withdraws what it has published of that camera.",
        default=3.0, unit="s", minimum=0, above_minimum=True, maximum=LONGEST_WAIT, live=True, rare=True,
    )  # fmt: skip
    resource_timeout: float = attribute(
        "How long another node that this one uses (vision service, ML model, camera) may take to answer.", default=5.0,
        unit="s", minimum=0, above_minimum=True, maximum=LONGEST_WAIT, live=True, rare=True,
    )  # fmt: skip
    pairing_tolerance: float = attribute(
        "Maximum difference between the time stamps of the image, depth image and point cloud of one frame, where they"
        " arrive on topics of another node.",
        default=0.02, unit="s", minimum=0, rare=True,
    )  # fmt: skip
