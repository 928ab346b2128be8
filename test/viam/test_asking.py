"""Calls of the event loop end before the caller's deadline, with our words."""

import asyncio
from concurrent.futures import Future

import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from vision_service.errors import ErrorCode, VisionError
from vision_service.viam.asking import MARGIN, SHORTEST, answered


def ask(timeout, outcome=None):
    given = []
    future = Future()

    def start(left):
        given.append(left)
        return future

    async def main():
        if outcome is not None:
            asyncio.get_running_loop().call_soon(lambda: future.set_result(outcome))
        return await answered(start, timeout)

    return asyncio.run(main()), given


def test_without_a_deadline_the_node_uses_its_own():
    assert ask(None, "seen") == ("seen", [None])


def test_the_node_is_to_answer_before_us_and_we_before_the_caller():
    found, [left] = ask(2.0, "seen")
    assert (found, left) == ("seen", pytest.approx(2.0 - 1.5 * MARGIN))


@pytest.mark.parametrize("timeout", [0.0, -1.0, 0.01])
def test_a_deadline_that_is_over_is_no_default(timeout):
    assert ask(timeout, "seen") == ("seen", [SHORTEST])


def test_who_does_not_answer_is_given_up():
    with pytest.raises(VisionError, match="longer timeout") as raised:
        ask(0.1)
    assert raised.value.code is ErrorCode.DEADLINE_EXCEEDED


def test_the_call_of_a_caller_who_has_gone_is_given_up():
    future = Future()

    async def main():
        asking = asyncio.ensure_future(answered(lambda left: future, 5.0))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])

    asyncio.run(main())
    assert future.cancelled()
