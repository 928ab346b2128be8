"""Models that stand for another one: of another node, or the first of a pool."""

from __future__ import annotations

from vision_service.mlmodel.file_facts import FileFacts
from vision_service.mlmodel.runtime import Described, TensorInfo


class StandsFor:
    """Is described as the model is that it stands for; what it cannot say now raises VisionError."""

    @property
    def original(self) -> Described:
        """The model that it stands for."""
        raise NotImplementedError

    @property
    def kind(self) -> str:
        """What runs it, for people."""
        return self.original.kind

    @property
    def name(self) -> str:
        """What the model's file says of the model."""
        return self.original.name

    @property
    def description(self) -> str:
        """What the model's file says of the model."""
        return self.original.description

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Its inputs."""
        return self.original.inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Its outputs."""
        return self.original.outputs

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names that the model's file carries."""
        return self.original.labels

    @property
    def facts(self) -> FileFacts:
        """What else the model's file says."""
        return self.original.facts
