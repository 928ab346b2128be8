"""The executables: one camera, one vision service, or a whole stack; each imports only the nodes that it runs.

What takes long, ROS itself included, is imported by what runs. Before that, a child that will try the model's file is
prepared, if the start parameters name one: it gets ready while everything else is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vision_service import starting
from vision_service.errors import VisionError
from vision_service.heap import have_few_arenas
from vision_service.parameter_files import check_used, files_of, read_parameter_file

if TYPE_CHECKING:
    from rclpy.node import Node

MODEL_PATH = "model_path"
"""The parameter that names a model's file."""


def camera() -> None:
    """Run one camera node."""
    _own_process(partial(run_one, _camera))


def _camera() -> Callable[[], Node]:
    from vision_service.ros.camera.node import CameraNode

    return partial(CameraNode, "camera")


def vision() -> None:
    """Run one vision node."""
    _own_process(partial(run_one, _vision))


def _vision() -> Callable[[], Node]:
    from vision_service.ros.vision.node import VisionNode

    return partial(VisionNode, "vision")


def mlmodel() -> None:
    """Run one ML model node."""
    _own_process(partial(run_one, _mlmodel))


def _mlmodel() -> Callable[[], Node]:
    from vision_service.ros.mlmodel_node import MLModelNode

    return partial(MLModelNode, "mlmodel")


def run_viam_gateway(args: Sequence[str]) -> int:
    """Run the gateway for Viam's clients; return the exit code.

    Args:
        args: The process's arguments.
    """
    return run_one(_viam_gateway, args)


def _viam_gateway() -> Callable[[], Node]:
    from vision_service.ros.viam_gateway import ViamGatewayNode

    return ViamGatewayNode


def stack() -> None:
    """Run the nodes of a parameter file."""
    _own_process(run_stack)


def _own_process(run: Callable[[Sequence[str]], int]) -> None:
    """Be a process that does nothing else."""
    starting.begin()
    have_few_arenas()
    try:
        code = run(sys.argv)
    except VisionError as error:
        code = _fail(error)
    from vision_service.ros.process.spinning import leave

    leave(code)


def run_one(find_class: Callable[[], Callable[[], Node]], args: Sequence[str]) -> int:
    """Run one node; return the exit code.

    Args:
        find_class: Imports what makes the node, when ROS is initialized, and returns it.
        args: The process's arguments; each parameter file among them has to say something to the node.
    """
    files = files_of(args)
    try:
        prepare_trial(files, args)  # ROS's own parser would refuse files in its own words
    except VisionError as error:
        return _fail(error)
    make_node = find_class()
    from vision_service.ros.process.spinning import run

    def make() -> list[Node]:
        node = make_node()
        for file in files:
            check_used(file, [node.get_fully_qualified_name()])
        return [node]

    return run(make, list(args))


def run_stack(args: Sequence[str]) -> int:
    """Run the nodes of a parameter file; return the exit code.

    Args:
        args: The process's arguments, with ``--ros-args --params-file FILE`` among them.

    Raises:
        VisionError: INVALID_ARGUMENT, if a file cannot be read or is no parameter file.
    """
    files = files_of(args)
    prepare_trial(files, args)
    from vision_service.ros.process.spinning import run
    from vision_service.ros.stack import Stack

    return run(lambda: Stack(parameter_files=files).nodes, without_node_name(args))


def prepare_trial(files: Iterable[Path], args: Sequence[str]) -> None:
    """Prepare for the trial of a model, if one is named in parameter files or arguments; which node's is all the same.

    Args:
        files: The parameter files; all are read.
        args: The process's arguments.

    Raises:
        VisionError: INVALID_ARGUMENT, if a file cannot be read or is no parameter file.
    """
    given = [section.get(MODEL_PATH) for file in files for _, section in read_parameter_file(file)]
    given += [each.partition(f"{MODEL_PATH}:=")[2] for each in args]
    paths = [path for path in given if path and isinstance(path, str)]
    if paths:
        from vision_service.mlmodel.runtimes import ENDINGS
        from vision_service.mlmodel.trial_process import LITERT, prepare

        prepare(ENDINGS.get(Path(paths[0]).suffix.lower(), LITERT))


def _fail(error: VisionError) -> int:
    from rclpy.logging import get_logger

    get_logger("vision_service").fatal(error.message)
    return 1


def without_node_name(args: Sequence[str]) -> list[str]:
    """Return arguments without a remap of the node's name, which would give every node of the process that name."""
    kept: list[str] = []
    arguments = iter(args)
    for argument in arguments:
        if argument in ("-r", "--remap"):
            rule = next(arguments, "")
            if not rule.startswith("__node:=") and not rule.startswith("__name:="):
                kept += [argument, rule]
        else:
            kept.append(argument)
    return kept
