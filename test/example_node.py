"""A node of ours that writes down what is asked of it, and fails where it is told to."""

import json
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from vision_service.srv import DoCommand

from robot import PATIENCE
from vision_service.configuration import attribute
from vision_service.ros.execution.calls import too_late
from vision_service.ros.node.base import ServiceNode
from vision_service.settings.node import NodeConfiguration

GOOD = {"size": 4}
"""The parameters without which the node cannot be configured."""


@dataclass(frozen=True, kw_only=True)
class Configuration(NodeConfiguration):
    """A structural and a live attribute."""

    size: int = attribute("Decides what the node is made of.", minimum=1)
    parts: tuple[str, ...] = attribute("As well.", default=())
    gain: float = attribute("A value only.", default=1.0, minimum=0.0, live=True)


class Example(ServiceNode):
    """Writes down which hooks were called, fails where it is told to, and has commands that wait."""

    Configuration = Configuration

    def __init__(self, name, **arguments):
        self.journal, self.failures, self.gates = [], {}, []
        super().__init__(name, **arguments)

    def _hook(self, name):
        self.journal.append(name)
        if name in self.failures:
            raise self.failures[name]

    def configure(self):
        self._hook("configure")

    def activate(self):
        self._hook("activate")

    def deactivate(self):
        self._hook("deactivate")

    def cleanup(self):
        self._hook("cleanup")

    def housekeep(self):
        if "housekeep" in self.failures:
            raise self.failures["housekeep"]

    def status(self):
        if "status" in self.failures:
            raise self.failures["status"]
        return {"gain": self.settings.gain, "odd": {1}}

    def validate(self, changes):
        self.journal.append(("validate", dict(changes)))
        if "validate" in self.failures:
            raise self.failures["validate"]

    def apply(self, changes):
        self.journal.append(("apply", dict(changes), self.settings.gain))
        if "apply" in self.failures:
            raise self.failures["apply"]

    async def command(self, command, call):
        if "fail" in command:
            raise self.failures[command["fail"]]
        if "wait" in command:
            gate = Future()
            self.gates.append(gate)
            return {"waited": await call.wait(gate, lambda: too_late(call))}
        if "where" in command:
            gate = Future()
            self.gates.append(gate)
            await call.wait(gate, lambda: too_late(call), go_on_there=True)
            return {"where": threading.current_thread().name}
        return {"timeout": call.timeout, **command}


@contextmanager
def plainly_spinning(node, context):
    """Spin a node as users do, by rclpy's own means, which end with the first exception that leaves a callback."""
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    ended = []

    def spin():
        try:
            executor.spin()
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    yield
    assert ended == []
    executor.shutdown(0)
    thread.join(PATIENCE)


def change(peer, label="", number=0):
    """Ask for a transition, and return whether it succeeded."""
    transition = Transition(id=number, label=label)
    return peer.call(ChangeState, "example/change_state", transition=transition).success


def state(peer):
    return peer.call(GetState, "example/get_state").current_state.label


def command(peer, timeout=0.0, **fields):
    return peer.call(DoCommand, "example/do_command", command=json.dumps(fields), timeout=timeout)


def asked(peer, timeout=0.0, **fields):
    return peer.ask(DoCommand, "example/do_command", command=json.dumps(fields), timeout=timeout)
