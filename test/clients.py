"""What tests of clients call: a node whose commands wait, fail or count; and programs of their own that use clients."""

import subprocess
import sys
from concurrent.futures import Future

from robot import PATIENCE, ROOT, environment, eventually
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.calls import too_late
from vision_service.ros.node.base import ServiceNode


class Server(ServiceNode):
    """Has commands that wait, or fail, or count."""

    def __init__(self, name, **arguments):
        super().__init__(name, **arguments)
        self.gates, self.calls = [], 0

    async def command(self, command, call):
        self.calls += 1
        if "fail" in command:
            raise VisionError(ErrorCode(command["fail"]), "told to")
        if "wait" in command:
            gate = Future()
            self.gates.append(gate)
            return {"waited": await call.wait(gate, lambda: too_late(call))}
        return {"timeout": call.timeout, **command}


def waiting(client, server, timeout=PATIENCE):
    """Begin a call that waits in the server; return its future and what lets it go on."""
    before = len(server.gates)
    future = client.do_command_async({"wait": 1}, timeout=timeout)
    return future, eventually(lambda: server.gates[before:], "the call waits in the server")[0]


def error_of(future):
    error = future.exception(PATIENCE)
    assert isinstance(error, VisionError)
    return error


def by_the_program(lines):
    """Yield the lines that a program writes, without those of Fast DDS.

    It writes to stdout that it takes another port of shared memory where a killed process has left one locked.
    """
    return (line for line in lines if "RTPS_TRANSPORT_SHM" not in line)


def run_script(script, *, timeout=2 * PATIENCE):
    """Run a program of its own to its end."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(),
        check=False,
    )
    done.stdout = "".join(by_the_program(done.stdout.splitlines(keepends=True)))
    return done
