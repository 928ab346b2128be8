"""What a node says of itself: to who asks, and once a second while anybody subscribes to /diagnostics."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock

from vision_service.ros.execution.calls import Call
from vision_service.ros.node.lifecycle import HookedNode
from vision_service.ros.node.preparing import Preparation
from vision_service.ros.node.services import Services
from vision_service.ros.qos import watched_publisher

DIAGNOSTICS_PERIOD = 1.0
"""How often a node tells how it is while anybody subscribes to that, seconds."""


class NodeStatus:
    """The status of a node: its lifecycle state, problems and counts of calls, and what it adds itself."""

    def __init__(
        self,
        node: HookedNode,
        services: Services,
        preparation: Preparation,
        *,
        clock: Clock,
        status: Callable[[], dict[str, Any]],
    ) -> None:
        """Tell nothing until somebody asks.

        Args:
            node: Whose status it is.
            services: Its services.
            preparation: What is being made for it.
            clock: A steady one.
            status: Returns what the node adds; may raise.
        """
        self._node = node
        self._services = services
        self._preparation = preparation
        self._added = status
        self._publisher = watched_publisher(node, DiagnosticArray, "/diagnostics", 1, node.look_soon)
        diagnose = partial(node.diagnostics.attempt, "diagnosing", self._diagnose)
        self._timer = node.create_timer(DIAGNOSTICS_PERIOD, diagnose, callback_group=node.group, clock=clock)
        self._timer.cancel()  # until somebody subscribes

    async def answer(self, request: Any, response: Any, call: Call) -> None:
        """Answer get_status."""
        response.state = self._node.state
        response.status = json.dumps(
            {
                "troubles": self._node.diagnostics.messages,
                "services": len(self._services),
                **self._of_every_node(but=1),
                **self._of_this_node(),
            },
            default=str,
        )

    def look(self) -> None:
        """Publish diagnostics while somebody wants to know, and say whether other nodes have the same name."""
        self._node.diagnostics.attempt("looking for namesakes", self._warn_of_namesakes)
        self._node.diagnostics.attempt("diagnosing", self._follow)

    def _of_every_node(self, *, but: int) -> dict[str, Any]:
        """Return what is said of every node, but for so many calls that are pending."""
        making = {"preparing": making} if (making := self._preparation.under_way) else {}
        return {
            "last_error": self._node.last_error,
            "last_call_error": self._services.last_error,
            "calls": self._services.counts(but=but),
            **making,
        }

    def _of_this_node(self) -> dict[str, Any]:
        """Return what this one adds; where that fails, the rest is to be known all the same."""
        try:
            return self._added()
        except Exception as error:
            return {"status_error": f"{type(error).__name__}: {error}"}

    def _warn_of_namesakes(self) -> None:
        twins = namesakes(self._node)
        name = self._node.get_fully_qualified_name()
        why = f"{twins} more node(s) of the name {name}: calls reach any of them; rename one (-r __node:=…)"
        self._node.diagnostics.report("namesakes", why if twins else "")

    def _follow(self) -> None:
        """Tell how the node is while somebody wants to know."""
        wanted = self._publisher.get_subscription_count() > 0
        if wanted == self._timer.is_canceled():
            (self._timer.reset if wanted else self._timer.cancel)()

    def _diagnose(self) -> None:
        node = self._node
        failed = [node.last_error] if node.last_error and node.state != "active" else []
        problems = failed + node.diagnostics.messages
        level = DiagnosticStatus.ERROR if failed else DiagnosticStatus.WARN if problems else DiagnosticStatus.OK
        name = node.get_fully_qualified_name().lstrip("/")
        status = DiagnosticStatus(level=level, name=name, message="; ".join(problems) or node.state, hardware_id=name)
        status.values = [
            KeyValue(key=key, value=json.dumps(value, default=str))
            for key, value in {**self._of_every_node(but=0), **self._of_this_node()}.items()
        ]
        array = DiagnosticArray(status=[status])
        array.header.stamp = node.get_clock().now().to_msg()
        self._publisher.publish(array)


def namesakes(node: HookedNode) -> int:
    """Return how many other nodes of a node's name are on the graph."""
    own = (node.get_name(), node.get_namespace())
    return max(0, node.get_node_names_and_namespaces().count(own) - 1)
