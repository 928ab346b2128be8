"""The ML model node: a model's file held once, for calls with tensors and for all vision nodes that name it."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from vision_service import limits
from vision_service.concurrency import Worker
from vision_service.configuration import attributes
from vision_service.digests import sha256_of
from vision_service.errors import ErrorCode, VisionError
from vision_service.measures import Durations
from vision_service.mlmodel.fingerprints import digest
from vision_service.mlmodel.loading import load_file
from vision_service.mlmodel.packing import KEY, WAYS
from vision_service.mlmodel.runtime import Runtime, Tensors
from vision_service.mlmodel.sending import RAW
from vision_service.ros import conversion
from vision_service.ros.execution.calls import Call, too_late
from vision_service.ros.json_fields import json_object
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.parameters.candidates import Candidate
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.ros.resources.pooling import PACKED
from vision_service.ros.resources.shared_mlmodel import MODEL_ID
from vision_service.settings.mlmodel import MLModelConfiguration
from vision_service.srv import GetMetadata, Infer
from vision_service.waiting import Activity


class MLModelNode(ServiceNode):
    """Holds a model and runs it for all who ask.

    Attributes:
        runtime: The model; None while the node is not configured.
        model_id: Another one for each other file content, contract and labels, by which its users notice; empty while
            there is none.
    """

    Configuration = MLModelConfiguration
    settings: MLModelConfiguration

    def __init__(self, name: str, *, local_nodes: LocalNodes | None = None, **arguments: Any) -> None:
        """Make the node.

        Args:
            name: The model's.
            local_nodes: The other nodes of its process, which take the model by reference.
            **arguments: Further ones of rclpy's Node.
        """
        super().__init__(name, **arguments)
        self.runtime: Runtime | None = None
        self.model_id = ""
        self._worker: Worker | None = None
        self._runs = 0
        self._activity = Activity()
        self._durations = Durations()
        self.offer(Infer, "infer", self._infer)
        self.offer(GetMetadata, "get_metadata", self._get_metadata)
        if local_nodes is not None:
            local_nodes.mlmodels[self.get_fully_qualified_name()] = self

    def preparation(self) -> Candidate:
        """Return the model, which is loaded beside the node."""
        settings = self.settings
        return Candidate(
            what=f"the model {settings.model_path}",
            configuration=[getattr(settings, name) for name in attributes(MLModelConfiguration)],
            make=partial(_load, settings),
            drop=lambda loaded: loaded[0].close(),
        )

    def configure(self) -> None:
        """Use the model that was loaded."""
        runtime, self.model_id = self.prepared(self.preparation())
        self.runtime = runtime
        # Closing waits for a run under way, which may take its time, also one of a vision node.
        self._worker = Worker(self.get_name(), last=runtime.close)

    def cleanup(self) -> None:
        """Let go of the model."""
        if self._worker is not None:
            self._worker.close()
        self.runtime = self._worker = None
        self.model_id = ""

    def summary(self) -> str:
        """Return which model it is."""
        return self.settings.model_path

    def status(self) -> dict[str, Any]:
        """Return which model it is."""
        if self.runtime is None:
            return {}
        return {
            "model_path": self.settings.model_path,
            MODEL_ID: self.model_id,
            PACKED: [way for way in WAYS if way != RAW],
            "runs": self._runs,
            "run_times": self._durations.to_json(),
        }

    def validate(self, changes: Mapping[str, Any]) -> None:
        """Accept what the base accepts: no attribute of a model can be changed while it is loaded."""

    async def _infer(self, request: Any, response: Any, call: Call) -> None:
        runtime, worker = self._working()
        run, size = self._run_of(request, runtime)  # whoever has the run in hand holds the tensors
        limits.budget.take(size, run)
        running = worker.submit(run)
        del run
        outputs = await call.wait(running, late=lambda: too_late(call, self._activity.held_up()))
        self._runs += 1
        response.outputs = conversion.tensors_to_message(outputs)

    def _run_of(self, request: Any, runtime: Runtime) -> tuple[Callable[[], Tensors], int]:
        """Return the run that is asked for, and how many bytes its tensors take; packed ones are unpacked in it."""
        extra = json_object(request.extra, "extra")
        wanted, packed = extra.get(MODEL_ID), extra.get(KEY)
        if wanted is not None and wanted != self.model_id:
            msg = "another model is held now than the one that is asked for; what it is has not been taken yet"
            raise VisionError(ErrorCode.MODEL_ERROR, msg)
        if packed is None:
            tensors = conversion.tensors_from_message(request.inputs, runtime.inputs)
            size = sum(tensor.nbytes for tensor in tensors.values())
            return partial(self._run, partial(dict, tensors), runtime), size
        if not isinstance(packed, dict):
            msg = f"'{KEY}' in extra must be an object that tells how tensors are packed, by their names"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        unpack = partial(conversion.tensors_from_message, request.inputs, runtime.inputs, packed)
        return partial(self._run, unpack, runtime), conversion.size_of(request.inputs)

    def _run(self, tensors: Callable[[], Tensors], runtime: Runtime) -> Tensors:
        """Run the model; in its thread."""
        with self._activity.at_work():
            given = tensors()
            with self._durations.measured():
                return runtime.infer(given)

    async def _get_metadata(self, request: Any, response: Any, call: Call) -> None:
        runtime, _ = self._working()
        response.name = runtime.name
        response.type = runtime.kind
        response.description = runtime.description
        response.inputs = [conversion.info_to_message(info) for info in runtime.inputs]
        outputs = [
            info if info.labels else dataclasses.replace(info, labels=runtime.labels) for info in runtime.outputs
        ]
        response.outputs = [conversion.info_to_message(info) for info in outputs]

    def _working(self) -> tuple[Runtime, Worker]:
        if self.runtime is None or self._worker is None:
            raise VisionError(ErrorCode.NOT_ACTIVE, "the node was cleaned up")
        return self.runtime, self._worker


def _load(settings: MLModelConfiguration) -> tuple[Runtime, str]:
    """Return a model, and what it is known by; in any thread."""
    before = digest(settings.model_path) or uuid.uuid4().hex  # what cannot be read is another one each time
    runtime = load_file(settings)
    # A file that was replaced while it was loaded is nobody's; its users look at it anew.
    content = before if digest(settings.model_path) == before else uuid.uuid4().hex
    # The labels, and what else its users read of it, may be of parameters or of another file.
    said = (content, runtime.inputs, runtime.outputs, runtime.labels)
    return runtime, sha256_of(repr(said).encode()).hexdigest()
