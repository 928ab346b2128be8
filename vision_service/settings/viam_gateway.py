"""The parameters of the gateway for Viam's clients."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import Names, attribute
from vision_service.settings.node import NodeConfiguration


@dataclass(frozen=True, kw_only=True)
class ViamGatewayConfiguration(NodeConfiguration):
    """Parameters of the gateway."""

    host: str = attribute(
        "Address on which the gateway listens for Viam's clients. One that other machines can reach needs TLS:"
        " certificate_file and private_key_file.",
        default="127.0.0.1",
    )
    port: int = attribute(
        "TCP port on which the gateway listens for Viam's clients; 0 = any free one, which get_status tells.",
        default=8080, minimum=0, maximum=65535,
    )  # fmt: skip
    resources: tuple[str, ...] = attribute(
        "Names of the camera, vision and ML model nodes that Viam's clients may call; empty = all on the graph.",
        default=(),
    )
    aliases: dict[str, str] = attribute(
        "Further names for nodes, such as 'aliases.my-camera: front': ROS does not allow hyphens, Viam's programs have"
        " them.",
        default={},
    )
    certificate_file: str = attribute(
        "Path of the TLS certificate of the gateway, with its chain, as PEM; empty = without TLS.", default="",
        names=Names.FILE, start_only=True,
    )  # fmt: skip
    private_key_file: str = attribute(
        "Path of the private key of the TLS certificate of the gateway, as PEM.", default="",
        names=Names.FILE, start_only=True,
    )  # fmt: skip
    api_keys_file: str = attribute(
        "Path of a YAML file with the API keys that Viam's clients of the gateway need, one 'ID: KEY' a line, the ids"
        " UUIDs; empty = no key is needed.",
        default="", names=Names.FILE, start_only=True,
    )  # fmt: skip
