"""What stands around the methods of a gRPC service, by calls of grpclib's client."""

import asyncio

import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from grpclib import GRPCError, Status
from serving import call, served


def test_many_at_once_are_answered_each_its_own():
    async def program(channel, _):
        return await asyncio.gather(*(call(channel, image=bytes(1000 * number)) for number in range(90)))

    assert [each.detections[0].class_name for each in served(program)] == [str(1000 * n) for n in range(90)]


def test_a_large_response_comes():
    assert len(served(lambda channel, _: call(channel, "large")).detections[0].class_name) == 9 << 20


def test_an_error_comes_with_its_message():
    async def program(channel, service):
        service.go_on.set()
        await call(channel, "fails")

    with pytest.raises(GRPCError) as raised:
        served(program)
    assert (raised.value.status, raised.value.message) == (Status.NOT_FOUND, "no camera «é» " + "a" * 1500)


def test_a_call_that_is_refused_does_not_reach_the_method():
    def check(name, metadata):
        raise GRPCError(Status.UNAUTHENTICATED, f"{name} needs a key, not {metadata['authorization']}")

    async def program(channel, service):
        with pytest.raises(GRPCError, match="/test/waits needs a key, not none"):
            await call(channel, "waits", metadata={"authorization": "none"})
        assert not service.stopped.is_set()

    served(program, check)


def test_a_deadline_ends_the_method():
    async def program(channel, service):
        patience = 0.1
        while not service.begun.is_set():  # on a slow machine, it has not even begun by then
            patience *= 2
            with pytest.raises((GRPCError, asyncio.TimeoutError)):
                await call(channel, "waits", timeout=patience)
        await service.stopped.wait()

    served(program)


def test_who_gives_up_or_hangs_up_stops_the_method():
    async def program(channel, service):
        task = asyncio.ensure_future(call(channel, "waits"))
        await service.begun.wait()
        task.cancel()
        await service.stopped.wait()
        service.begun.clear()
        service.stopped.clear()
        task = asyncio.ensure_future(call(channel, "waits"))
        await service.begun.wait()
        channel.close()
        await service.stopped.wait()
        await asyncio.gather(task, return_exceptions=True)

    served(program)
