"""What runs on the graph: vision services, cameras and ML models, and what they say of themselves."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling.caller import Caller
from vision_service.ros.calling.graph import vision_services
from vision_service.ros.control.parameters import kind_of
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.srv import GetStatus, GetVisionProperties

ANSWERING = 2.0
"""How long nodes may take to say what they are, seconds."""
KEPT = 1.0
"""For how long the list of nodes is kept: several tabs ask for it, seconds."""
RENEWED = 10.0
"""For how long it is known what a node can do that says nothing new of itself, seconds."""
IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


class Running:
    """Looks at the graph; every method may be called in any thread, and most wait for nodes."""

    def __init__(self, caller: Caller, local_nodes: LocalNodes) -> None:
        """Look at nothing yet.

        Args:
            caller: Calls the nodes.
            local_nodes: Those of this process.
        """
        self._caller = caller
        self._local = local_nodes
        self._looking = threading.Lock()
        self._looked = -1e9
        self._found: dict[str, Any] = {}
        self._kinds: dict[str, str] = {}
        self._properties: dict[str, tuple[Any, float, Any]] = {}

    def nodes(self) -> dict[str, Any]:
        """Return what runs: lists of vision services, cameras and ML models."""
        with self._looking:
            if time.monotonic() - self._looked > KEPT:
                self._found = self._look()
                self._looked = time.monotonic()
            return self._found

    def _services(self) -> dict[str, list[str]]:
        """Return the types of the services of each node of this package."""
        types: dict[str, list[str]] = defaultdict(list)
        for name, kind in vision_services(self._caller.node).items():
            types[name.rpartition("/")[0]].append(kind)
        return types

    def _look(self) -> dict[str, Any]:
        types = self._services()
        self._kinds = kinds = {node: kind_of(services) for node, services in types.items()}
        elsewhere = [node for node, each in types.items() if "GetStatus" in each and self.here(node) is None]
        asked = self._ask(GetStatus, "get_status", elsewhere)
        states = {
            node: (each.state, json.loads(each.status or "{}")) for node, each in asked.items() if each is not None
        }
        states |= {node: told for node in types if (told := self.here(node)) is not None}
        properties = self._properties_of([node for node, kind in kinds.items() if kind == "vision"], states)
        found: dict[str, Any] = {"vision": [], "cameras": [], "mlmodels": []}
        for node, kind in sorted(kinds.items()):
            state, status = states.get(node, ("does not answer", {}))
            entry: dict[str, Any] = {
                "name": node,
                "state": state,
                "last_error": status.get("last_error", ""),
                "troubles": status.get("troubles", []),
                "driver": status.get("driver", ""),
                "local": self.here(node) is not None,
            }
            can = properties.get(node)
            if kind == "vision":
                if can is not None:
                    entry |= {
                        "model": can.model, "cameras": list(can.cameras), "default_camera": can.default_camera,
                        "labels": list(can.labels), "can": _abilities(can),
                    }  # fmt: skip
                found["vision"].append(entry)
            elif kind == "camera":
                found["cameras"].append({**entry, "topic": f"{node}/image_raw"})
            elif kind == "mlmodel":
                found["mlmodels"].append(entry)
        found["cameras"] += self._foreign(types)
        return found

    def here(self, name: str) -> tuple[str, dict[str, Any]] | None:
        """Return the state of a node of this process, and what is wrong with it; None = it is elsewhere."""
        local = self._local
        node: Any = local.vision.get(name) or local.cameras.get(name) or local.mlmodels.get(name)
        if node is None:
            return None
        driver = getattr(node.settings, "driver", "")
        return node.state, {"last_error": node.last_error, "troubles": node.diagnostics.messages, "driver": driver}

    def _properties_of(self, nodes: list[str], states: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
        """Return what vision nodes can do: asked when their states change, and now and then, because models may."""
        now = time.monotonic()
        due = [
            node
            for node in nodes
            if (known := self._properties.get(node)) is None or known[0] != states.get(node) or now - known[1] > RENEWED
        ]
        for node, answer in self._ask(GetVisionProperties, "get_properties", due).items():
            self._properties[node] = (states.get(node), now, answer)
        return {node: self._properties[node][2] for node in nodes}

    def _foreign(self, ours: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the image topics of other packages' nodes."""
        found = set()
        for topic, kinds in self._caller.node.get_topic_names_and_types():
            if kinds[0] in IMAGES and not any(topic.startswith(f"{node}/") for node in ours):
                base = topic.removesuffix("/compressed")
                if self._caller.node.count_publishers(topic) and "/depth/" not in f"{topic}/":
                    found.add(base)
        return [
            {"name": topic, "topic": topic, "state": "", "last_error": "", "troubles": [], "local": False, "driver": ""}
            for topic in sorted(found)
        ]

    def _ask(self, kind: Any, service: str, nodes: list[str]) -> dict[str, Any]:
        asked = {
            node: self._caller.call(kind, f"{node}/{service}", kind.Request(), lambda answer: answer, ANSWERING)
            for node in nodes
        }
        return {node: outcome(future) for node, future in asked.items()}

    def check(self, node: str) -> str:
        """Return what a node of this package is; nothing else is called.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none of that name.
        """
        kind = self._kinds.get(node)
        if kind is None:
            self._kinds = {each: kind_of(services) for each, services in self._services().items()}
            kind = self._kinds.get(node)
        if kind is None:
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"no node {node!r}{did_you_mean(node, self._kinds)}")
        return kind

    def foreign_names(self) -> set[str]:
        """Return the image topics of other packages' nodes."""
        return {each["name"] for each in self._foreign(self._services())}

    def forget(self) -> None:
        """Look again when it is asked next: something has changed."""
        self._looked = -1e9


def outcome(future: Future[Any]) -> Any:
    """Return a future's result; None if it failed."""
    try:
        return future.result()
    except VisionError as error:
        logging.getLogger(__name__).debug("%s", error.message)
        return None


def _abilities(can: Any) -> list[str]:
    names = {
        "detections_supported": "detect", "classifications_supported": "classify", "segmentation_supported": "segment",
        "keypoints_supported": "keypoints", "object_point_clouds_supported": "segment 3D",
    }  # fmt: skip
    return [name for field, name in names.items() if getattr(can, field)]
