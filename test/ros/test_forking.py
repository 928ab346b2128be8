"""Clients of a process that forks: the child begins anew, and the parent goes on."""

import subprocess

import pytest

from clients import Server, run_script

TRIES = 3


@pytest.fixture
def server(spin):
    return spin(Server, "server")


def run_forking(script):
    """Run a program that forks; one that hangs is run again.

    On a busy machine this was seen now and then, probably because a lock of Fast DDS itself is taken at the moment of
    the fork: its copy in the child is never let go then. Neither the client nor its user can do anything about that.
    Python 3.12 and later warn of every fork of a process with threads, which this is about.
    """
    script = f"import warnings\nwarnings.simplefilter('ignore', DeprecationWarning)\n{script}"
    for _ in range(TRIES - 1):
        try:
            return run_script(script, timeout=20.0)
        except subprocess.TimeoutExpired:
            continue
    return run_script(script)


class TestForking:
    SCRIPT = """
import os, sys, threading
import rclpy
from vision_service.errors import VisionError
from vision_service.ros.client import NamedClient

def outcome(call, *arguments):
    try:
        return call(*arguments)
    except VisionError as error:
        return error.code.name

if {initialized}:
    rclpy.init()
client = NamedClient("server")
print(client.get_status(timeout=30.0)["state"], flush=True)
future = client.do_command_async({{"wait": 1}}, timeout=60.0)
called = threading.Event()
parent = os.getpid()

def call_back(future):
    print("called back", future.exception().code.name, os.getpid() != parent, flush=True)
    called.set()

future.add_done_callback(call_back)
child = os.fork()
if not child:
    called.wait(30.0)
    print(outcome(future.result), outcome(client.get_status), flush=True)
    client.close()
    new = NamedClient("server")
    print(new.get_status(timeout=30.0)["state"], new._caller.node.context is client._caller.node.context, flush=True)
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), future.done(), flush=True)
print(client.get_status(timeout=30.0)["state"], flush=True)
client.close()
called.wait(30.0)
"""

    @pytest.mark.parametrize("initialized", [False, True])
    def test_the_child_begins_anew_and_the_parent_goes_on(self, server, initialized):
        found = run_forking(self.SCRIPT.format(initialized=initialized))
        assert found.stdout.splitlines() == [
            "active",
            "called back NOT_ACTIVE True",
            "NOT_ACTIVE NOT_ACTIVE",
            "active False",
            "7 False",
            "active",
            "called back NOT_ACTIVE False",
        ], found.stderr
        assert (found.returncode, found.stderr) == (0, "")

    def test_a_pool_of_processes_may_call_too(self, server):
        script = """
import multiprocessing
from vision_service.ros.client import NamedClient

def call(number):
    with NamedClient("server") as client:
        return client.do_command({"number": number}, timeout=30.0)["number"]

with NamedClient("server") as client:
    client.get_status(timeout=30.0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(call, range(4)))
    print(client.get_status(timeout=30.0)["state"])
"""
        found = run_forking(script)
        assert found.stdout == "[0, 1, 2, 3]\nactive\n", found.stderr
        assert found.returncode == 0
