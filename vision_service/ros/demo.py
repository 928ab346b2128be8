"""The demo: the nodes of config/demo.yaml, called over ROS, with a live table and annotated images of the results."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.signals import SignalHandlerOptions
from rich.console import Console
from rich.live import Live
from rich.table import Table

from vision_service.drawing import draw_results
from vision_service.files import share_file
from vision_service.image import encode
from vision_service.ros import conversion
from vision_service.ros.client import CameraClient, VisionClient
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.process.dds import choose_profile
from vision_service.ros.process.initializing import initialize
from vision_service.ros.process.spinning import close, spinning
from vision_service.ros.stack import Stack
from vision_service.ros.vision.node import VisionNode
from vision_service.types import CameraIntrinsics

DOMAIN = "77"
"""The demo's own ROS domain, unless the user has chosen one."""
PERIOD = 0.1
"""Of the calls, seconds."""
FIRST_TIMEOUT = 10.0
"""Of the first call of a service, seconds."""
START_TIMEOUT = 60.0
"""How long the nodes may take to start, seconds: a slow machine loads models for a while."""
START_PERIOD = 0.05
"""How often it is looked whether they have, seconds."""


@dataclass
class Line:
    """What the table shows of one vision service."""

    client: VisionClient
    intrinsics: CameraIntrinsics | None
    calls: int = 0
    milliseconds: list[float] = field(default_factory=list)
    results: dict[str, list[Any]] = field(default_factory=dict)
    pixels: np.ndarray | None = None


def demo(seconds: float, out: Path) -> int:
    """Run the demo.

    Args:
        seconds: How long; 0 = until Ctrl-C.
        out: Folder for the annotated images.

    Returns:
        The exit code: 0, if every service has answered every call.

    Raises:
        VisionError: If a call failed.
    """
    os.environ.setdefault("ROS_DOMAIN_ID", DOMAIN)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    console = Console(highlight=False)
    domain = os.environ["ROS_DOMAIN_ID"]
    console.print(
        "Rendered cameras, trained models and vision services run as ROS nodes; ask them too, in another terminal:"
    )
    console.print(f"  [bold]ROS_DOMAIN_ID={domain} vision-service call detector get_detections_from_camera[/bold]\n")
    with _running_stack() as stack:
        nodes = [node for node in stack.nodes if isinstance(node, VisionNode)]
        lines = {node.get_name(): _line(node) for node in nodes}
        try:
            _call_until(lines, seconds, console)
        finally:
            for line in lines.values():
                line.client.close()
    if not console.is_terminal:
        console.print(_table(lines))
    for name, path in _write_images(lines, out):
        console.print(f"{name}: {path}", soft_wrap=True)
    return 0


@contextmanager
def _running_stack() -> Iterator[Stack]:
    choose_profile()
    context = Context()
    arguments = ["--ros-args", "--params-file", str(share_file("config/demo.yaml")), "--log-level", "warn"]
    initialize(arguments, context=context, signal_handler_options=SignalHandlerOptions.NO)
    stack = Stack(context=context)
    try:
        with spinning(stack.nodes):
            _await_start(stack)
            yield stack
    finally:
        close(stack.nodes)
        rclpy.shutdown(context=context)


def _await_start(stack: Stack) -> None:
    """Wait for the nodes that are still starting, as on a slow machine, or that need one that is."""
    until = time.monotonic() + START_TIMEOUT
    nodes = [node for node in stack.nodes if isinstance(node, ServiceNode)]
    while time.monotonic() < until and any(
        node.state != "active" and (node.waits or not node.last_error) for node in nodes
    ):
        time.sleep(START_PERIOD)


def _line(node: VisionNode) -> Line:
    """Return the line of a vision node, when its camera has said how it is calibrated."""
    with CameraClient(node.settings.default_camera(), node) as camera:
        info = camera.get_properties(timeout=FIRST_TIMEOUT).camera_info
    return Line(VisionClient(node.get_name(), node), conversion.intrinsics_from_message(info))


def _call_until(lines: dict[str, Line], seconds: float, console: Console) -> None:
    """Call every service again and again, and show the answers."""
    began = time.monotonic()
    with Live(_table(lines), console=console, refresh_per_second=8, transient=False) as live:
        try:
            while not seconds or time.monotonic() - began < seconds:
                for line in lines.values():
                    _ask(line)
                if console.is_terminal:
                    live.update(_table(lines))
                time.sleep(PERIOD)
        except KeyboardInterrupt:
            pass
        if not console.is_terminal:
            live.update("")


def _ask(line: Line) -> None:
    began = time.perf_counter()
    result = line.client.capture_all_from_camera(
        return_image=True,
        return_detections=True,
        return_classifications=True,
        return_object_point_clouds=True,
        timeout=FIRST_TIMEOUT if line.calls == 0 else None,
    )
    line.milliseconds.append(1000 * (time.perf_counter() - began))
    line.calls += 1
    found = {"detect": result.detections, "classify": result.classifications, "segment": result.objects}
    line.results = {method: items for method, items in found.items() if items}
    line.pixels = result.frame.image.rgb if result.frame.image is not None else None


def _table(lines: dict[str, Line]) -> Table:
    table = Table(title="capture_all_from_camera", title_justify="left")
    for column in ("service", "finds", "where (pixels; metres)"):
        table.add_column(column)
    table.add_column("calls", justify="right")
    table.add_column("ms a call", justify="right")
    for name, line in lines.items():
        median = f"{np.median(line.milliseconds):.1f}" if line.milliseconds else ""
        table.add_row(name, *_found(line.results), str(line.calls), median)
    return table


def _found(results: dict[str, list[Any]]) -> tuple[str, str]:
    """Return what was found, and where; of all that a service says, what says most."""
    if "segment" in results:
        objects = results["segment"]
        places = [", ".join(f"{value:.2f}" for value in item.center) for item in objects]
        return _counted([item.label or "object" for item in objects]), "  ".join(places)
    if "detect" in results:
        detections = results["detect"]
        places = [f"{(item.x_min + item.x_max) / 2:.0f}, {(item.y_min + item.y_max) / 2:.0f}" for item in detections]
        names = [item.id for item in detections if item.id] or [item.class_name for item in detections]
        return _counted(names), "  ".join(places)
    if "classify" in results:
        best = results["classify"][0]
        return f"{best.class_name} {best.confidence:.2f}", ""
    return "nothing", ""


def _counted(names: list[str]) -> str:
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in sorted(Counter(names).items()))


def _write_images(lines: dict[str, Line], out: Path) -> Iterator[tuple[str, Path]]:
    out.mkdir(parents=True, exist_ok=True)
    for name, line in lines.items():
        if line.pixels is not None:
            path = out / f"{name}.png"
            path.write_bytes(encode(draw_results(line.pixels, line.results, line.intrinsics), "image/png"))
            yield name, path
