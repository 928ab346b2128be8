"""Which resources there are: as many as cameras, vision services and ML models on the graph, by their names there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from viam.errors import ResourceNotFoundError
from viam.proto.common import ResourceName
from viam.resource.base import ResourceBase
from viam.resource.manager import ResourceManager

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.viam.resources.camera import GatewayCamera
from vision_service.viam.resources.mlmodel import GatewayMLModel
from vision_service.viam.resources.vision import CameraNames, GatewayVision

CAMERA, VISION, MLMODEL = "camera", "vision", "mlmodel"
FIRST_LOOK = 3.0
"""So long after the begin who asks what there is waits until no more nodes appear, seconds."""
SETTLING = 0.7
"""How long none has appeared then, seconds."""
LOOK_AGAIN = 0.05
"""How often it is looked whether that is so, seconds."""


@dataclass(frozen=True, order=True)
class Found:
    """A node of ours that becomes a resource.

    Attributes:
        kind: CAMERA, VISION or MLMODEL.
        node: The node's full name.
    """

    kind: str
    node: str


def name_of(node: str) -> str:
    """Return what Viam's clients call a node: its name, behind those of its namespaces, as those of remote machines."""
    return node.strip("/").replace("/", ":")


def node_of(name: str) -> str:
    """Return the full name of the node that Viam's clients call so."""
    return "/" + name.strip("/").replace(":", "/")


class Directory(ResourceManager, CameraNames):
    """The resources, for the gRPC services; each alias is a further resource of the same node.

    All methods run in the gateway's event loop, but for `names`.
    """

    def __init__(self, connect: Callable[[Found], Any], aliases: Mapping[str, str]) -> None:
        """Begin with no resources.

        Args:
            connect: Returns our client of a node; the resource closes it.
            aliases: Names of nodes, absolute, relative, or as Viam's clients call them, by further names for them.
        """
        super().__init__([])
        self._connect = connect
        self._aliases = {alias: node_of(name) for alias, name in aliases.items()}
        self._made: dict[tuple[Found, str], ResourceBase] = {}
        self._nodes: list[Found] = []
        self._looks_until = time.monotonic() + FIRST_LOOK
        self._changed = self._looks_until

    async def looked(self) -> None:
        """Return when all that was there at the begin has been found, as far as can be told; at most a while later.

        A client that came back to a gateway that was started again would lose what is not in the list.
        """
        while (now := time.monotonic()) < self._looks_until and (not self._nodes or now < self._changed + SETTLING):
            await asyncio.sleep(LOOK_AGAIN)

    @property
    def names(self) -> dict[str, list[str]]:
        """What there is, by kind; may be asked for in any thread."""
        found: dict[str, list[str]] = {CAMERA: [], VISION: [], MLMODEL: []}
        for each, name in list(self._made):
            found[each.kind].append(name)
        return found

    async def follow(self, nodes: Iterable[Found]) -> None:
        """Have the resources of these nodes, and no others.

        Raises:
            VisionError: That of the first resource that cannot be offered; the others are.
        """
        nodes = sorted(nodes)
        if nodes != self._nodes:
            self._nodes, self._changed = nodes, time.monotonic()
        own = {(each.kind, name_of(each.node)) for each in nodes}
        wanted: dict[tuple[Found, str], Found] = {}
        failures: list[VisionError] = []
        for each in nodes:
            for name in self._names_of(each):
                if name != name_of(each.node) and (each.kind, name) in own:
                    msg = f"aliases.{name}: a {each.kind} of that name is on the graph: choose another alias"
                    failures.append(VisionError(ErrorCode.INVALID_ARGUMENT, msg))
                else:
                    wanted[each, name] = each
        for key in [key for key in self._made if key not in wanted]:
            resource = self._made.pop(key)
            for name in [name for name, other in self.resources.items() if other is resource]:
                del self.resources[name]
            self._forget_short_names()
            await resource.close()
        for key, each in wanted.items():
            if key not in self._made:
                try:
                    resource = self._resource(each, key[1])
                except VisionError as error:
                    failures.append(error)
                    continue
                self.register(resource)
                self._made[key] = resource
        if failures:
            raise failures[0]

    async def close(self) -> None:
        """Have none."""
        await self.follow(())

    def get_resource(self, of_type: type[Any], name: ResourceName) -> Any:
        """Return a resource.

        Raises:
            ResourceNotFoundError: There is none of that kind and name; with what there is.
        """
        try:
            return super().get_resource(of_type, name)
        except ResourceNotFoundError as error:
            known = self.names.get(name.subtype, [])
            hint = did_you_mean(name.name, known) if known else ": there are none on the graph"
            error.message = f"{ErrorCode.UNKNOWN_RESOURCE.name}: no {name.subtype} {name.name!r}{hint}"
            raise

    def there(self, service: str, name: str) -> str:
        """Return a camera's name as a vision service knows it: without the namespace that they share."""
        if not name:
            return ""
        node = self._aliases.get(name) or node_of(name)
        known = any(each.kind == CAMERA and each.node == node for each, _ in self._made)
        if not known and ":" not in name:  # a camera of the vision service's own, by topics
            return name
        return node.removeprefix(_namespace(service)) if _namespace(node) == _namespace(service) else node

    def here(self, service: str, name: str) -> str:
        """Return a camera's name as Viam's clients know it: an alias, if it has one."""
        if not name:
            return ""
        node = name if name.startswith("/") else _namespace(service) + name
        return next((known for each, known in self._made if each == Found(CAMERA, node)), name)

    def _names_of(self, found: Found) -> list[str]:
        aliases = [alias for alias, node in self._aliases.items() if node == found.node]
        return [*aliases, name_of(found.node)]

    def _resource(self, found: Found, name: str) -> ResourceBase:
        client = self._connect(found)
        if found.kind == CAMERA:
            return GatewayCamera(name, client)
        return GatewayVision(name, client, self) if found.kind == VISION else GatewayMLModel(name, client)

    def _forget_short_names(self) -> None:
        """Let a name without its machine's stand again for the only one that is left."""
        for short, names in list(self._short_to_long_name.items()):
            left = [name for name in names if name in self.resources]
            if left:
                self._short_to_long_name[short] = left
            else:
                del self._short_to_long_name[short]


def check_aliases(aliases: Mapping[str, str]) -> None:
    """Refuse aliases that cannot be names.

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    for alias, name in aliases.items():
        if not alias.strip() or not name.strip("/: "):
            msg = f"aliases.{alias}: {name!r} must be the name of a camera, vision service or ML model"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _namespace(node: str) -> str:
    return node.rpartition("/")[0] + "/"
