"""The node of the gateway for Viam's clients: finds what is on the graph, and connects them to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from rclpy.node import Node

from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.ros.calling.graph import vision_services
from vision_service.ros.client import CameraClient, MLModelClient, NamedClient, VisionClient
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.local_calls import LocalCalls
from vision_service.settings.viam_gateway import ViamGatewayConfiguration
from vision_service.viam import check_installed

if TYPE_CHECKING:
    from vision_service.viam.directory import Found
    from vision_service.viam.server import Gateway

NAME = "viam_gateway"
LOOK_PERIOD = 1.0
"""How often the graph is looked at, seconds."""
FIRST_PERIOD, FIRST_LOOKS = 0.2, 15
"""The same for the first times, and how many these are: who asks meanwhile waits for it."""
CLIENTS: Mapping[str, type[NamedClient]] = {"camera": CameraClient, "vision": VisionClient, "mlmodel": MLModelClient}
KINDS = {"GetCameraProperties": "camera", "GetVisionProperties": "vision", "GetMetadata": "mlmodel"}
"""What a node is by a service that only such nodes have."""


class ViamGatewayNode(ServiceNode):
    """Offers the cameras, vision services and ML models on the graph to Viam's clients."""

    Configuration = ViamGatewayConfiguration
    settings: ViamGatewayConfiguration

    def __init__(self, name: str = NAME, *, nodes: Iterable[Node] = (), **arguments: Any) -> None:
        """Make the node.

        Args:
            name: The node's.
            nodes: Those of its process, which are called by reference; more may be added to it meanwhile.
            **arguments: Further ones of rclpy's Node.
        """
        super().__init__(name, **arguments)
        self._nodes = nodes
        self._gateway: Gateway | None = None
        self._following: Future[None] | None = None
        self._told: dict[str, list[str]] = {}
        self._looks = 0

    # Lifecycle.

    def configure(self) -> None:
        """Begin to listen."""
        check_installed()
        from vision_service.viam.directory import check_aliases
        from vision_service.viam.security import safety
        from vision_service.viam.server import Gateway

        settings = self.settings
        check_aliases(settings.aliases)
        files = (settings.certificate_file, settings.private_key_file, settings.api_keys_file)
        protected = safety(settings.host, *files)
        self._gateway = Gateway(
            self._connect,
            host=settings.host,
            port=settings.port,
            safety=protected,
            aliases=settings.aliases,
            tell=self.get_logger().warning,
        )

    def activate(self) -> None:
        """Offer what is on the graph."""
        self._looks = 0
        self.housekeep()

    def deactivate(self) -> None:
        """Offer nothing."""
        if self._gateway is not None:
            self._gateway.follow(())

    def cleanup(self) -> None:
        """Stop listening."""
        gateway, self._gateway, self._following = self._gateway, None, None
        if gateway is not None:
            gateway.close()

    def housekeep(self) -> None:
        """Follow the graph."""
        if self._gateway is None:
            return
        told = self._gateway.names
        if told != self._told:
            self._told = told
            listed = [f"{kind} {name}" for kind, names in told.items() for name in names]
            self.get_logger().info(f"Viam's clients see: {', '.join(listed) or 'nothing'}")
        following = self._following
        if following is not None and following.done():
            error = following.exception()
            self.diagnostics.report("resources", f"not all can be offered: {reason(error)}" if error else "")
        if following is None or following.done():
            self._following = self._gateway.follow(self._found())
        self._looks += 1
        self.look_within(FIRST_PERIOD if self._looks < FIRST_LOOKS else LOOK_PERIOD)

    def summary(self) -> str:
        """Return where it listens, and how it is protected."""
        settings = self.settings
        port = self._gateway.port if self._gateway is not None else settings.port
        how = "TLS" if settings.certificate_file else "no TLS"
        keys = "API keys" if settings.api_keys_file else "no API keys"
        return f"listens for Viam's clients on {settings.host}:{port} ({how}, {keys})"

    def status(self) -> dict[str, Any]:
        """Return where it listens, and what it offers."""
        gateway = self._gateway
        if gateway is None:
            return {}
        return {"host": self.settings.host, "port": gateway.port, "resources": gateway.names}

    def validate(self, changes: Mapping[str, Any]) -> None:
        """Accept what the base accepts: nothing of a server that listens can be changed."""

    def _found(self) -> list[Found]:
        from vision_service.viam.directory import Found

        wanted = {self.resolve_service_name(name) for name in self.settings.resources}
        found = [
            Found(KINDS[kind], service.rpartition("/")[0])
            for service, kind in vision_services(self).items()
            if kind in KINDS
        ]
        return [each for each in found if not wanted or each.node in wanted]

    def _connect(self, found: Found) -> NamedClient:
        """Return a client of a node: by reference, if it is one of this process."""
        kind = CLIENTS[found.kind]
        for node in self._nodes:
            if isinstance(node, ServiceNode) and node.get_fully_qualified_name() == found.node:
                return kind.by(found.node, LocalCalls(node))
        try:
            return kind(found.node, self)
        except VisionError as error:
            raise VisionError(ErrorCode.NOT_ACTIVE, f"{found.node} cannot be called: {error.message}") from error
