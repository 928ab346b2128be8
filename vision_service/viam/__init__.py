"""A gateway for Viam's own clients: their gRPC calls are answered by our cameras, vision services and ML models.

Everything here is without ROS: what is called is given (`vision_service.viam.directory.Found`). The modules import
viam-sdk, which is large and optional, so nothing imports them but the node of the gateway, when it is configured.
"""

from __future__ import annotations

from importlib.util import find_spec

from vision_service.errors import missing_package


def check_installed() -> None:
    """Refuse to go on where viam-sdk is not installed.

    Raises:
        VisionError: NOT_SUPPORTED, with what to install.
    """
    if find_spec("viam") is None or find_spec("grpclib") is None:
        raise missing_package("viam-sdk", "the gateway for Viam's clients", extra="viam")
