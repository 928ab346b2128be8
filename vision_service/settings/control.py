"""The parameters of the control page."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import attribute

PORT = 8090
"""Where the control page is by default."""


@dataclass(frozen=True, kw_only=True)
class ControlConfiguration:
    """Where the control page is."""

    control_host: str = attribute(
        "Address that the control page listens on; 127.0.0.1 = this machine only. At any other one, such as 0.0.0.0, it"
        " asks for a token: that in the environment variable VISION_SERVICE_CONTROL_TOKEN, else a new one, which the"
        " log shows.",
        default="127.0.0.1",
    )
    control_port: int = attribute(
        "Port of the control page; 0 = any that is free, which the log shows.", default=PORT, minimum=0, maximum=65535
    )
