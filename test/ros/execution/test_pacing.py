"""Responses to many clients are sent in small groups; a caller who is alone does not wait."""

import time

import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from vision_service.srv import GetStatus

from robot import PATIENCE, eventually
from vision_service.ros.client import VisionClient
from vision_service.ros.execution.executor import Executor
from vision_service.ros.execution.pacing import ALONE, CALLS_OF_ONE, GROUP, LONGEST, Pace, clients_that_may_lose
from vision_service.ros.node.base import ServiceNode

pytestmark = pytest.mark.executor

CLIENTS = 12
"""More than the responses that a client keeps."""


class Clock:
    """Stands still until it is set."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def asked(pace, *sequences):
    """Let requests come, and return for each whether its response can be sent at once."""
    for sequence in sequences:
        pace.begin(sequence)
    return [pace.turn() is None for _ in sequences]


def test_a_burst_of_many_clients_is_sent_in_a_group_and_the_rest_waits(clock):
    assert asked(Pace(lambda: 24, clock), *[1] * 24) == [True] * GROUP + [False] * (24 - GROUP)


def test_when_clients_have_had_time_the_next_group_is_sent(clock):
    pace = Pace(lambda: 24, clock)
    asked(pace, *[1] * 24)
    clock.now += GROUP * LONGEST
    assert asked(pace, *[2] * GROUP) == [True] * GROUP


def test_few_clients_of_which_each_waits_for_its_answer_do_not_wait_for_each_other(clock):
    pace = Pace(lambda: GROUP, clock)
    for sequence in range(100):
        assert asked(pace, *[sequence] * GROUP) == [True] * GROUP


def test_clients_that_lose_nothing_do_not_wait(clock):
    assert asked(Pace(lambda: 0, clock), *range(100)) == [True] * 100


def test_one_client_may_have_many_calls_under_way(clock):
    assert asked(Pace(lambda: 1, clock), *range(CALLS_OF_ONE)).count(False) == CALLS_OF_ONE - GROUP


def test_who_asks_on_alone_never_waits_once_others_have_had_time(clock):
    pace = Pace(lambda: 24, clock)
    asked(pace, *[1] * 24)
    asked(pace, 7)
    clock.now += 2 * ALONE
    assert [asked(pace, 8 + number) for number in range(1000)] == [[True]] * 1000


def test_who_comes_between_is_given_time_again(clock):
    pace = Pace(lambda: 24, clock)
    asked(pace, 7)
    clock.now += 2 * ALONE
    for number in range(100):
        asked(pace, 8 + number)
    assert asked(pace, 500) == [False], "the caller before may still have its responses before it"
    assert asked(pace, 108) == [False]


def test_who_waits_is_sent_in_order_and_each_for_itself(context):
    pace, executor, sent = Pace(lambda: 24), Executor(context=context), []

    async def answer(number):
        turn = pace.turn()
        if turn is not None:
            await turn
        sent.append(number)

    for number in range(24):
        pace.begin(1)
        executor.create_task(answer, number)
    turns = 0
    while len(sent) < 24:
        executor.spin_once(PATIENCE)
        turns += 1
    assert sent == list(range(24))
    assert turns > 24 - GROUP, "no two of those who waited in one turn"
    executor.shutdown()
    executor.release()


def test_only_clients_that_keep_ten_responses_are_counted(spin, peer, context):
    node = spin(ServiceNode, "ours")
    assert clients_that_may_lose(node, "/ours/get_status") == 0
    with VisionClient("ours", peer.node) as ours:
        ours.get_status()
        assert clients_that_may_lose(node, "/ours/get_status") == 0
        for _ in range(3):
            peer.node.create_client(GetStatus, "/ours/get_status")
        eventually(lambda: clients_that_may_lose(node, "/ours/get_status") == 3, "three clients")


def test_more_clients_than_one_keeps_responses_are_all_answered(spin, context):
    """With rclpy's default quality of service, and rclpy's executor."""
    spin(ServiceNode, "ours")
    node = Node("many", context=context)
    clients = [node.create_client(GetStatus, "/ours/get_status") for _ in range(CLIENTS)]
    assert all(client.wait_for_service(PATIENCE) for client in clients)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    for _ in range(10):
        answers = [client.call_async(GetStatus.Request()) for client in clients]
        ends = time.monotonic() + PATIENCE
        while not all(answer.done() for answer in answers):
            executor.spin_once(1.0)
            assert time.monotonic() < ends, f"{sum(answer.done() for answer in answers)} of {CLIENTS} answers"
    executor.shutdown()
    node.destroy_node()
