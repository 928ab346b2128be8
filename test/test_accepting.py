"""Sockets that servers listen on, with asyncio's server and real connections."""

import asyncio
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from vision_service import accepting

PATIENCE = 20.0


async def echo(reader, writer):
    writer.write(await reader.read(1))
    await reader.read()
    writer.close()


async def answered(port):
    """Return a connection, and whether it is answered; else it was refused."""
    connection = reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"a")
        return connection, await reader.read(1) == b"a"
    except ConnectionError:
        return connection, False


def test_who_is_too_much_is_refused_until_another_has_gone(monkeypatch):
    monkeypatch.setattr(accepting, "MOST", 3)
    told = []

    async def main():
        (own,) = accepting.listen("127.0.0.1", 0, told.append)
        async with await asyncio.start_server(echo, sock=own):
            found = [await answered(own.getsockname()[1]) for _ in range(6)]
            assert [taken for _, taken in found] == 3 * [True] + 3 * [False]
            found[0][0][1].close()
            while not (again := await answered(own.getsockname()[1]))[1]:  # once the server has seen it
                again[0][1].close()
            for _, writer in [again[0], *(connection for connection, _ in found)]:
                writer.close()

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
    assert len(told) == 1
    assert "3 connections are open" in told[0]


PROGRAM = """
import asyncio, logging, os, resource, sys
from vision_service import accepting
logging.basicConfig(stream=sys.stdout)
async def echo(reader, writer):
    writer.write(await reader.read(1)); await reader.read(); writer.close()
async def main():
    (own,) = accepting.listen("127.0.0.1", 0, lambda why: print("told", why, flush=True))
    async with await asyncio.start_server(echo, sock=own):
        few = len(os.listdir("/proc/self/fd")) + 10
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))
        print(own.getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


def test_without_file_descriptors_clients_are_refused_and_the_log_stays_short():
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        server = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM], stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
            )
        )
        stack.callback(server.kill)
        port = int(server.stdout.readline())
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in range(60)]
        refused = [other for other in connections if not talk(other)]
        assert 45 <= len(refused) < 60
        for each in connections:
            each.close()
        while True:  # once it has seen that they have gone
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as another:
                if talk(another):
                    break
        said, _ = server.communicate("", timeout=PATIENCE)
    (line,) = said.splitlines()
    assert line.startswith("told a client was refused: this process cannot open any more files")


def talk(connection):
    """Return whether a connection is answered."""
    try:
        connection.sendall(b"a")
        return connection.recv(1) == b"a"
    except ConnectionError:
        return False


def test_all_addresses_of_a_host_are_listened_on():
    for host, families in (("127.0.0.1", {socket.AF_INET}), ("localhost", None), ("", None)):
        found = accepting.listen(host, 0, print)
        assert families is None or {each.family for each in found} == families
        for each in found:
            each.listen()
            each.close()


def test_a_port_that_is_taken_is_an_error():
    (own,) = accepting.listen("127.0.0.1", 0, print)
    own.listen()
    with pytest.raises(OSError, match="in use"):
        accepting.listen("127.0.0.1", own.getsockname()[1], print)
    own.close()


def test_a_host_that_is_none_of_this_machine_is_an_error():
    with pytest.raises(OSError, match="assign"):
        accepting.listen("203.0.113.7", 0, print)
