"""A process that spins nodes until it is told to stop, and leaves promptly, whatever a driver or model is doing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from vision_service.errors import VisionError
from vision_service.ros.dds import choose_profile
from vision_service.ros.node import ServiceNode


class Spinner:
    """Spins nodes in a thread of its own; what a callback raises is logged, and does not end it."""

    def __init__(self, nodes: Sequence[Node], *, context: Any = None) -> None:
        """Start to spin.

        Args:
            nodes: All of one context.
            context: rclpy's; None = the default one.
        """
        self._executor = SingleThreadedExecutor(context=context)
        for node in nodes:
            self._executor.add_node(node)
        self._stopped = False
        self._thread = threading.Thread(target=self._spin, name="executor", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Stop spinning; wait for a callback that runs now at most `timeout` seconds."""
        self._stopped = True
        self._executor.shutdown(timeout_sec=0)
        self._thread.join(timeout)

    def _spin(self) -> None:
        while not self._stopped:
            try:
                self._executor.spin_once()
            except (ExternalShutdownException, ShutdownException):
                return
            except Exception:
                if not self._stopped:
                    get_logger("executor").error(traceback.format_exc())


def run(make_nodes: Callable[[], Sequence[Node]], args: list[str] | None = None) -> int:
    """Run nodes until SIGINT or SIGTERM; return the exit code of the process.

    Args:
        make_nodes: Makes the nodes, when ROS is initialized.
        args: The process's arguments; None = sys.argv.
    """
    warning = choose_profile()
    # rclpy's handlers missed SIGTERM now and then; the main thread below waits for nothing else.
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    logger = get_logger("vision_service")
    if warning:
        logger.warning(warning)
    try:
        nodes = make_nodes()
    except VisionError as error:
        logger.fatal(error.message)
        rclpy.try_shutdown()
        return 1
    for node in nodes:
        if isinstance(node, ServiceNode):
            node.start()
    spinner = Spinner(nodes)
    stop.wait()
    spinner.stop()
    close(nodes)
    rclpy.try_shutdown()
    return 0


def close(nodes: Sequence[Node]) -> None:
    """Close nodes, the last one first."""
    for node in reversed(nodes):
        if isinstance(node, ServiceNode):
            node.close()
        else:
            node.destroy_node()


def leave(code: int) -> None:
    """End the process now: a driver or model in the middle of a long native call cannot hold it up."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
