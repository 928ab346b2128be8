"""Coroutines of ours that await futures of rclpy, and programs that are interrupted: on every release of rclpy."""

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pytest
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future as RclpyFuture
from std_srvs.srv import Trigger

from clients import by_the_program
from robot import PATIENCE, environment, eventually
from vision_service.errors import VisionError
from vision_service.ros.client import NamedClient
from vision_service.ros.execution.calls import too_late
from vision_service.ros.node.base import ServiceNode

pytestmark = pytest.mark.executor

PROGRAM = """
import rclpy
from vision_service.ros.client import NamedClient

{begin}
client = NamedClient("server")
print("waiting", flush=True)
try:
    client.do_command({{"command": "hang"}}, timeout=3600.0)
except KeyboardInterrupt:
    print("interrupted", flush=True)
finally:
    client.close()
"""
BEGINNINGS = {
    "without rclpy.init": "",
    "with the handlers of rclpy": "rclpy.init()",
    "with the handlers of Python": "rclpy.init(signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)",
}


class Waiting(ServiceNode):
    """Commands: "late" waits in vain, and then for a future of rclpy; "ask" awaits another service; "hang" never ends.

    Attributes:
        gate: The future of rclpy, while it is waited for.
        hung: How often "hang" was called.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gate = None
        self.hung = 0
        self.client = self.create_client(Trigger, "other", callback_group=ReentrantCallbackGroup())

    async def command(self, command, call):
        if command["command"] == "late":
            return {"late": await self._late(call)}
        if command["command"] == "ask":
            return {"answer": (await self.client.call_async(Trigger.Request())).message}
        self.hung += 1
        await call.wait(Future(), lambda: too_late(call))
        return {}

    async def _late(self, call):
        never = Future()
        try:
            await call.wait(never, lambda: too_late(call))
        except VisionError:
            # The clock and the future that was given up have woken this coroutine, and may do so once more.
            self.gate = RclpyFuture()
            return await self.gate
        return None


@pytest.fixture
def server(spin):
    return spin(Waiting, "server")


@pytest.fixture
def client(server, context):
    with NamedClient("server", server) as client:
        yield client


class TestAwaiting:
    def test_one_that_is_woken_late_goes_on_waiting_for_a_future_of_rclpy(self, server, peer):
        from vision_service.srv import DoCommand

        answer = peer.ask(DoCommand, "server/do_command", command='{"command": "late"}', timeout=0.05)
        eventually(lambda: server.gate is not None, "it waits for the other future")
        for _ in range(5):
            server.executor.wake()
            time.sleep(0.01)
        assert not server.gate.done()
        server.executor.create_task(server.gate.set_result, "at last")
        assert answer.result(PATIENCE).result == '{"late": "at last"}'

    def test_one_may_await_the_client_of_another_service(self, server, peer):
        from vision_service.srv import DoCommand

        def answer(request, response):
            response.message = "other"
            return response

        peer.node.create_service(Trigger, "other", answer)
        assert server.client.wait_for_service(PATIENCE)
        for _ in range(5):
            answered = peer.call(DoCommand, "server/do_command", command='{"command": "ask"}', timeout=PATIENCE)
            assert answered.result == '{"answer": "other"}'


ELSEWHERE = """
import signal, threading
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # it comes to one of the other threads, which are there
"""


class TestInterrupting:
    def test_a_signal_that_comes_to_another_thread_ends_the_waiting_too(self, server):
        """As one that comes to the main thread just before it waits, which Python does not notice either."""
        script = PROGRAM.format(begin=BEGINNINGS["with the handlers of Python"])
        assert script.count('print("waiting') == 1
        interrupt(server, script.replace('print("waiting', ELSEWHERE + 'print("waiting'))

    @pytest.mark.parametrize("begin", BEGINNINGS)
    def test_a_program_whose_client_waits_ends_promptly(self, server, begin):
        interrupt(server, PROGRAM.format(begin=BEGINNINGS[begin]))


def interrupt(server, script):
    """Interrupt a program when its call has come to a server, and demand that it ends and says why."""
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    guard = threading.Timer(2 * PATIENCE, child.kill)
    guard.start()
    try:
        assert next(by_the_program(child.stdout)) == "waiting\n"
        eventually(lambda: server.hung, "its call has come")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE)
    finally:
        guard.cancel()
        child.kill()
        child.wait()
    assert child.returncode >= 0, err
    assert "interrupted" in out or "NOT_ACTIVE" in err, out + err
