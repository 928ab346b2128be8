"""How large requests may be, by themselves and together."""

import asyncio

import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from grpclib import GRPCError, Status
from serving import call, served

from vision_service import limits
from vision_service.viam.limits import LARGE, LARGEST_MESSAGE

IMAGE = bytes(2 * LARGE)


@pytest.fixture
def held(monkeypatch):
    """Let few large requests be under way; what is held before them."""
    held = limits.budget.held
    monkeypatch.setattr(limits.pending_bytes, "value", held + 5 * LARGE)
    return held


async def refusal(channel, image):
    with pytest.raises(GRPCError) as raised:
        await call(channel, image=image)
    assert (await call(channel, image=b"abc")).detections[0].class_name == "3"  # the connection goes on
    return raised.value


def test_a_request_above_the_limit_is_refused_and_one_below_it_taken():
    async def program(channel, _):
        error = await refusal(channel, bytes(LARGEST_MESSAGE + 1))
        assert (error.status, error.message.split(":")[0]) == (Status.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert str(LARGEST_MESSAGE) in error.message
        return await call(channel, image=bytes(LARGEST_MESSAGE - 100))

    assert served(program).detections[0].class_name == str(LARGEST_MESSAGE - 100)


@pytest.mark.parametrize("method", ["waits", "fails"])
def test_large_requests_are_refused_while_too_many_bytes_are_under_way_and_taken_afterwards(held, method):
    async def program(channel, service):
        waiting = [asyncio.ensure_future(call(channel, method, IMAGE)) for _ in range(2)]
        while limits.budget.held < held + 2 * len(IMAGE):
            await asyncio.sleep(0.01)
        error = await refusal(channel, IMAGE)
        assert (error.status, error.message.split(":")[0]) == (Status.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert "max_pending_bytes" in error.message
        service.go_on.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert limits.budget.held == held  # also where the trace of an error still refers to the call
        return await call(channel, image=IMAGE)

    assert served(program).detections[0].class_name == str(len(IMAGE))


@pytest.mark.parametrize("received", [False, True], ids=["while it comes", "while it is answered"])
def test_a_large_request_whose_client_has_gone_counts_no_more(held, received):
    async def program(channel, service):
        waiting = asyncio.ensure_future(call(channel, "waits", IMAGE))
        while limits.budget.held == held:
            await asyncio.sleep(0.01)
        if received:
            await service.begun.wait()
        waiting.cancel()
        while limits.budget.held > held:
            await asyncio.sleep(0.01)

    served(program)
