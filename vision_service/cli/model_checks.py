"""Whether the model files that a parameter file names can be served as it says: each is loaded, as its node would."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vision_service.cli.file_checks import FileNode
from vision_service.cli.making import refused
from vision_service.cli.parameter_file import read_sections
from vision_service.errors import ErrorCode
from vision_service.findings import Finding

MODEL_FILES = "mlmodel"
"""The kind of nodes that hold a model file, and the vision model that runs one."""


def check_models(path: str | Path, nodes: Iterable[FileNode]) -> list[Finding]:
    """Return which nodes cannot use their model file, and why: its labels, its form, its attributes.

    Args:
        path: Of the parameter file.
        nodes: Its nodes, of which nothing else is wrong.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read.
    """
    names = [node.name.removeprefix("/") for node in nodes if MODEL_FILES in (node.kind, node.section.get("model"))]
    if not names:
        return []
    sections = read_sections(path)
    return [
        Finding("model", f"/{name}", error.message)
        for name, error in refused(sections, [name for name in names if name in sections])
        if error.code is not ErrorCode.UNKNOWN_RESOURCE  # a node that this file does not describe
    ]
