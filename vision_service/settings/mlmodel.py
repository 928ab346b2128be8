"""The parameters of an ML model node."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.settings.model_file import ModelFileConfiguration
from vision_service.settings.node import NodeConfiguration


@dataclass(frozen=True, kw_only=True)
class MLModelConfiguration(ModelFileConfiguration, NodeConfiguration):
    """Parameters of an ML model node."""
