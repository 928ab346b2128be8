"""How the gateway's bytes travel: images in large frames, responses in one piece."""

import asyncio
import binascii
import socket

import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from grpclib.client import Channel
from grpclib.protocol import H2Protocol
from test_server import listening, refusal
from viam.proto.robot import GetVersionRequest, RobotServiceStub
from viam.proto.service.vision import GetDetectionsRequest, VisionServiceStub

from vision_service.viam.wire import FRAME, GATHERED, Gathering

PATIENCE = 60.0


def talk(server, *methods):
    """Call methods one after the other; return the client's connection and the pieces that came for each."""

    async def main():
        channel = Channel("127.0.0.1", server.port)
        pieces, came = [], H2Protocol.data_received
        try:
            connection = await channel.__connect__()
            received = []
            connection.data_received = lambda data: (received.append(len(data)), came(connection, data))[1]
            for method in methods:
                await asyncio.sleep(0.05)  # what else the server says of the connection has come
                received.clear()
                await method(channel)
                pieces.append(list(received))
            return connection.connection._connection.max_outbound_frame_size, pieces
        finally:
            channel.close()

    return asyncio.run(asyncio.wait_for(main(), PATIENCE))


def version(channel):
    return RobotServiceStub(channel).GetVersion(GetVersionRequest())


def test_a_response_comes_in_one_piece():
    with listening() as server:
        _, pieces = talk(server, version, version, version)
    assert [len(each) for each in pieces[1:]] == [1, 1]


def test_a_client_sends_an_image_in_large_frames_from_the_first_call_on():
    """The first one may come together with the client's acknowledgement of the frames' size."""
    image = bytes(FRAME + 1)
    for _ in range(3):
        with listening() as server:
            _, message = refusal(
                server, lambda channel: VisionServiceStub(channel).GetDetections(GetDetectionsRequest(image=image))
            )
            assert "no vision ''" in message
            assert talk(server, version)[0] == FRAME


def test_a_request_is_not_written_out_in_digits_for_a_log_that_is_not_kept(monkeypatch):
    """As h2 has it of every frame that comes."""
    written, hexlify = [], binascii.hexlify
    monkeypatch.setattr(binascii, "hexlify", lambda data, *more: (written.append(len(data)), hexlify(data, *more))[1])
    image = bytes(FRAME)
    with listening() as server:
        refusal(server, lambda channel: VisionServiceStub(channel).GetDetections(GetDetectionsRequest(image=image)))
    assert max(written) < 1000  # headers are


def piped(job):
    """Run a job that is given a gathering transport; return what comes out at the other end of its socket."""

    async def main():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        reader, writer = await asyncio.open_connection(sock=theirs)
        await job(Gathering(transport))
        came = await reader.read()
        writer.close()
        return came

    return asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_what_is_written_comes_in_its_order_and_closing_leaves_nothing_behind():
    async def job(transport):
        transport.write(b"a")
        transport.write(memoryview(b"b"))
        transport.write(bytes(2 * GATHERED))
        await asyncio.sleep(0)
        transport.write(b"c")
        assert not transport.is_closing()
        transport.close()
        transport.close()
        assert transport.is_closing()

    assert piped(job) == b"ab" + bytes(2 * GATHERED) + b"c"


def test_who_writes_much_is_told_to_wait_for_the_reader():
    """As by asyncio's own transports: a slow reader must not fill this process's memory."""

    async def job(transport):
        before = transport._transport.get_write_buffer_size()
        for _ in range(64):
            transport.write(bytes(GATHERED))
        assert transport._transport.get_write_buffer_size() > before
        transport.close()

    piped(job)


def test_a_connection_that_is_aborted_sends_no_more():
    async def job(transport):
        transport.write(b"a")
        transport.abort()

    assert piped(job) == b""
