"""An ML model that another node holds, as a vision model sees it: by reference in one process, else over ROS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from numpy.typing import NDArray

from vision_service import srv
from vision_service.concurrency import Worker
from vision_service.errors import ErrorCode, VisionError, asking
from vision_service.mlmodel.file_facts import FileFacts
from vision_service.mlmodel.link import Link
from vision_service.mlmodel.packing import KEY
from vision_service.mlmodel.runtime import Runtime, Tensors
from vision_service.mlmodel.sending import Sending
from vision_service.mlmodel.standing_for import StandsFor
from vision_service.ros import conversion
from vision_service.ros.calling.caller import Caller
from vision_service.ros.resources.local_nodes import LocalMLModelNode
from vision_service.waiting import waiting_for

MODEL_ID = "model_id"
"""In a node's status: by what its model is known; in `extra` of a run: which one is asked for."""


class LocalMLModel(StandsFor):
    """The model of a node of this process.

    When the node loads another file, it is refused: what the outputs of the other mean has to be found out first.
    """

    def __init__(self, node: LocalMLModelNode) -> None:
        self._node = node
        self._model_id = node.model_id
        self._worker: Worker | None = None

    @property
    def original(self) -> Runtime:
        """The node's model, as long as it is the one that was taken."""
        runtime = self._node.runtime
        if runtime is None:
            node = self._node
            msg = f"the ML model {node.get_name()!r} is {node.state}: {node.last_error or 'configure it first'}"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
        if self._node.model_id != self._model_id:
            msg = f"the ML model {self._node.get_name()!r} holds another model now; what it is has not been taken yet"
            raise VisionError(ErrorCode.MODEL_ERROR, msg)
        return runtime

    def infer(self, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
        """Run the model."""
        return self.original.infer(tensors)

    def start(self, tensors: Mapping[str, NDArray[Any]], timeout: float) -> Future[Tensors]:
        """Return a future of a run, which is done in a thread of its own; for pools."""
        if self._worker is None:
            self._worker = Worker(f"{self._node.get_name()}.pool")
        return self._worker.submit(partial(self.infer, tensors))

    def adjust(self, sending: Sending) -> None:
        """Take how tensors travel: to this one, by reference."""

    def to_json(self) -> dict[str, Any]:
        """Return what get_status tells of it."""
        return {"tensors_travel_as": "references"}

    def close(self) -> None:
        """Leave the model to its node."""
        if self._worker is not None:
            self._worker.close()


class RemoteMLModel:
    """The model of a node elsewhere, called over ROS; it waits, so it is for a model's thread only."""

    def __init__(
        self,
        name: str,
        caller: Caller,
        metadata: Any,
        timeout: Callable[[], float],
        link: Link | None = None,
        identity: str = "",
    ) -> None:
        """Take what the node holds.

        Args:
            name: The node's.
            caller: Calls it.
            metadata: What it answered to GetMetadata.
            timeout: Returns how long the node may take to answer, seconds.
            link: How tensors travel to it; None = as they are.
            identity: By which the model is known; the node refuses to run another one. Empty = it does not say.
        """
        self._link = link or Link(())
        self._identity = identity
        self._timeout = timeout
        self._service = name
        self._refused = ""
        self._caller = caller
        self.kind: str = metadata.type
        self.name: str = metadata.name
        self.description: str = metadata.description
        self.inputs = tuple(conversion.info_from_message(info) for info in metadata.inputs)
        self.outputs = tuple(conversion.info_from_message(info) for info in metadata.outputs)
        self.labels: tuple[str, ...] = next((info.labels for info in self.outputs if info.labels), ())
        self.facts = FileFacts()  # the file is elsewhere

    def infer(self, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
        """Run the model.

        Raises:
            VisionError: The node's own; DEADLINE_EXCEEDED, if it does not answer in time; UNKNOWN_RESOURCE, if it left;
                MODEL_ERROR, if it holds another model than the one that was taken.
        """
        if self._refused:
            raise VisionError(ErrorCode.MODEL_ERROR, self._refused)
        who = f"the ML model {self._service!r}"
        with waiting_for(who), asking(who, self._service):
            return self.start(tensors, self._timeout()).result()

    def start(self, tensors: Mapping[str, NDArray[Any]], timeout: float) -> Future[Tensors]:
        """Return a future of a run, and let the link know how long it takes.

        Args:
            tensors: As of `infer`.
            timeout: How long the node may take to answer, seconds.

        Raises:
            VisionError: If nothing can be sent.
        """
        began = time.monotonic()
        load = self._link.pack(tensors)
        request = srv.Infer.Request(inputs=conversion.tensors_to_message(load.plain))
        extra: dict[str, Any] = {MODEL_ID: self._identity} if self._identity else {}
        if load.packed:
            packed = [conversion.packed_to_message(name, *each[:2]) for name, each in load.packed.items()]
            request.inputs = [*request.inputs, *packed]
            extra[KEY] = {name: how for name, (_, _, how) in load.packed.items()}
        request.extra = json.dumps(extra) if extra else ""

        def outputs(response: Any) -> Tensors:
            found = self._outputs(response)
            self._link.took(load.way, time.monotonic() - began)
            return found

        return self._caller.call(srv.Infer, f"{self._service}/infer", request, outputs, timeout)

    def adjust(self, sending: Sending) -> None:
        """Take how tensors travel to it."""
        self._link.adjust(sending)

    def to_json(self) -> dict[str, Any]:
        """Return what get_status tells of it: how tensors travel to it."""
        return self._link.to_json()

    def told(self) -> dict[str, Any]:
        """Return what get_status tells where it is used alone."""
        return {"mlmodel": {"name": self._service, **self.to_json()}}

    def close(self) -> None:
        """Leave the model to its node."""

    def _outputs(self, response: Any) -> Tensors:
        found = conversion.tensors_from_message(response.outputs, self.outputs)
        known = {info.name for info in self.outputs}
        if found.keys() != known:
            msg = (
                f"the ML model {self._service!r} has returned the outputs {sorted(found)}, but its metadata named "
                f"{sorted(known)}: it holds another model now"
            )
            raise VisionError(ErrorCode.MODEL_ERROR, msg)
        return found

    def refuse(self, why: str) -> None:
        """Run the model no more, because its results would be misread; an empty text = run it again."""
        self._refused = why
