"""An ML model that another node holds, as a vision model sees it: by reference in one process, else over ROS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from vision_service import srv
from vision_service.errors import ErrorCode, VisionError, asking
from vision_service.mlmodel.file_facts import FileFacts
from vision_service.mlmodel.runtime import Runtime, TensorInfo, Tensors
from vision_service.ros import conversion
from vision_service.ros.calling import Caller
from vision_service.ros.local_nodes import LocalMLModelNode
from vision_service.waiting import waiting_for


class LocalMLModel:
    """The model of a node of this process.

    When the node loads another file, it is refused: what the outputs of the other mean has to be found out first.
    """

    def __init__(self, node: LocalMLModelNode) -> None:
        self._node = node
        self._model_id = node.model_id

    @property
    def _runtime(self) -> Runtime:
        runtime = self._node.runtime
        if runtime is None:
            node = self._node
            msg = f"the ML model {node.get_name()!r} is {node.state}: {node.last_error or 'configure it first'}"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
        if self._node.model_id != self._model_id:
            msg = f"the ML model {self._node.get_name()!r} holds another model now; what it is has not been taken yet"
            raise VisionError(ErrorCode.MODEL_ERROR, msg)
        return runtime

    @property
    def kind(self) -> str:
        """What runs it, for people."""
        return self._runtime.kind

    @property
    def name(self) -> str:
        """What the model's file says of the model."""
        return self._runtime.name

    @property
    def description(self) -> str:
        """What the model's file says of the model."""
        return self._runtime.description

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Its inputs."""
        return self._runtime.inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Its outputs."""
        return self._runtime.outputs

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names that the model's file carries."""
        return self._runtime.labels

    @property
    def facts(self) -> FileFacts:
        """What else the model's file says."""
        return self._runtime.facts

    def infer(self, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
        """Run the model."""
        return self._runtime.infer(tensors)

    def close(self) -> None:
        """Leave the model to its node."""


class RemoteMLModel:
    """The model of a node elsewhere, called over ROS; it waits, so it is for a model's thread only."""

    def __init__(self, name: str, caller: Caller, metadata: Any, timeout: Callable[[], float]) -> None:
        """Take what the node holds.

        Args:
            name: The node's.
            caller: Calls it.
            metadata: What it answered to GetMetadata.
            timeout: Returns how long the node may take to answer, seconds.
        """
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
        request = srv.Infer.Request(inputs=conversion.tensors_to_message(tensors))
        service = f"{self._service}/infer"
        who = f"the ML model {self._service!r}"
        with waiting_for(who), asking(who, self._service):
            return self._caller.call(srv.Infer, service, request, self._outputs, self._timeout()).result()

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
