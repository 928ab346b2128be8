"""The node of the control page, which serves it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType

from vision_service.errors import reason
from vision_service.ros.control.robot import PageNode, Robot
from vision_service.ros.node.diagnostics import Diagnostics
from vision_service.ros.resources.local_nodes import LocalNodes

NAME = "control_page"
TENDING = 1.0
"""How often it is looked at what time alone changes while something is shown, seconds."""


class ControlNode(PageNode):
    """Serves the control page until it is destroyed.

    Attributes:
        server: Serves the page.
        group: Of all its callbacks.
        diagnostics: What is wrong with the streams that it subscribes to.
    """

    def __init__(
        self, host: str, port: int, *, local_nodes: LocalNodes | None = None, name: str = NAME, **arguments: Any
    ) -> None:
        """Start to serve.

        Args:
            host: The address to listen on.
            port: The port; 0 = any that is free.
            local_nodes: The nodes of this process, whose frames and results are taken by reference.
            name: The node's.
            **arguments: Further ones of rclpy's Node.

        Raises:
            VisionError: NOT_SUPPORTED, if aiohttp is absent; INVALID_ARGUMENT, if it cannot listen there.
        """
        from vision_service.control.server import ControlServer

        super().__init__(name, **{**arguments, "start_parameter_services": False})
        self.group = ReentrantCallbackGroup()
        self.diagnostics = Diagnostics(self.get_logger())
        self._robot = Robot(self, local_nodes or LocalNodes())
        self._tending = self.create_timer(
            TENDING, self._robot.tend, callback_group=self.group, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._tending.cancel()
        self._closed = False
        try:
            self.server = ControlServer(self._robot, host, port, name=name)
        except BaseException:
            self._robot.close()
            super().destroy_node()
            raise
        self.get_logger().info(f"the control page: {self.server.url}")

    def tend(self, wanted: bool) -> None:
        """Look at what time alone changes, or no more; in the executor's thread."""
        if wanted == self._tending.is_canceled():
            (self._tending.reset if wanted else self._tending.cancel)()

    def do(self, job: Callable[[], None]) -> None:
        """Do a job in the executor's thread; what it raises is logged."""
        executor = self.executor
        if executor is not None and not self._closed:
            executor.create_task(functools.partial(self._safely, job))

    def _safely(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            self.get_logger().error(reason(error))

    def destroy_node(self) -> None:
        """Serve the page no more, and leave the graph."""
        if not self._closed:
            self._closed = True
            self.server.close()
            self._robot.close()
        super().destroy_node()
