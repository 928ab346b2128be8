"""The executor: it serves what is ready, sleeps while nothing is, and notices what comes and goes."""

import threading

import pytest
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import Trigger

from robot import PATIENCE, eventually
from vision_service.ros.executor import Executor
from vision_service.ros.process import Spinner

pytestmark = pytest.mark.executor


@pytest.fixture
def node(spin):
    return spin(Node, "node")


class TestServing:
    def test_every_kind_of_entity_is_served(self, node, peer):
        served = set()
        node.create_timer(0.01, lambda: served.add("timer"))
        node.create_subscription(String, "words", lambda _: served.add("subscription"), 1)
        node.create_service(Trigger, "serve", lambda request, response: (served.add("service"), response)[1])
        guard = node.create_guard_condition(lambda: served.add("guard condition"))
        node.executor.create_task(served.add, "task")
        guard.trigger()
        peer.call(Trigger, "serve")
        client = node.create_client(Trigger, "serve")
        assert client.wait_for_service(PATIENCE)
        client.call_async(Trigger.Request()).add_done_callback(lambda _: served.add("client"))
        peer.repeat(peer.publisher(String, "words"), String)
        kinds = {"timer", "subscription", "service", "guard condition", "task", "client"}
        eventually(lambda: served == kinds, "all are served")

    def test_events_of_the_middleware_are_served(self, node, peer, capfd):
        node.create_subscription(String, "words", lambda _: None, 1)
        peer.publisher(String, "words", qos=_best_effort())
        eventually(lambda: "incompatible QoS" in capfd.readouterr().err, "rclpy's own callback has warned")

    def test_what_comes_while_it_sleeps_is_served_and_what_goes_is_let_go(self, node, peer):
        heard = []
        peer.repeat(peer.publisher(String, "words"), String)
        subscription = node.create_subscription(String, "words", heard.append, 1)
        eventually(lambda: heard, "a subscription that came is served")
        assert peer.listeners("words") == 1
        node.destroy_subscription(subscription)
        eventually(lambda: peer.listeners("words") == 0, "a subscription that went is off the graph")

    def test_a_timer_that_another_one_has_cancelled_in_the_same_turn_stays_silent(self, context):
        node, called = Node("node", context=context), []
        timers = []
        for name in ("one", "other"):
            timers.append(node.create_timer(0.01, lambda name=name: (called.append(name), _cancel(timers))))
        executor = Executor(context=context)
        executor.add_node(node)
        threading.Event().wait(0.05)  # both are due
        executor.spin_once()
        executor.spin_once(0.05)
        assert called == ["one"]
        executor.release()
        executor.shutdown()
        node.destroy_node()


class TestFailures:
    def test_a_callback_that_would_leave_the_thread_does_not(self, node, capfd):
        called, enough = [], threading.Event()

        def leave():
            called.append(None)
            if len(called) == 3:
                enough.set()
            raise SystemExit(7)

        node.create_timer(0.01, leave)
        assert enough.wait(PATIENCE)
        eventually(lambda: "a callback raised SystemExit: 7" in capfd.readouterr().err, "it is logged")

    def test_what_is_ready_beside_a_callback_that_fails_is_served_all_the_same(self, context):
        node, served = Node("node", context=context), []

        def fail():
            raise ValueError

        executor = Executor(context=context)
        executor.add_node(node)
        executor.create_task(fail)
        executor.create_task(served.append, "behind")
        with pytest.raises(ValueError):
            executor.spin_once()
        executor.spin_once()
        assert served == ["behind"]
        executor.release()
        executor.shutdown()
        node.destroy_node()


class TestCoroutines:
    def test_one_is_resumed_in_another_thread_if_that_asks_for_it(self, context):
        executor, gate, resumers, threads = Executor(context=context), Future(), [], []

        async def go_on():
            resumers.append(executor.resumer())
            await gate
            threads.append(threading.current_thread())

        executor.create_task(go_on)
        executor.spin_once(0.0)
        assert not resumers[0]()  # it waits on
        assert threads == []
        gate.set_result(None)
        thread = threading.Thread(target=resumers[0])
        thread.start()
        thread.join()
        assert threads == [thread]
        executor.spin_once(0.0)
        assert resumers[0]()
        assert threads == [thread]  # once is enough
        ended = []
        thread = threading.Thread(target=lambda: ended.append(executor.resumer()()))
        thread.start()
        thread.join()
        assert ended == [False]  # in another thread than its own runs no coroutine of it
        executor.release()
        executor.shutdown()

    def test_one_that_waits_keeps_its_exclusive_group_busy_and_nobody_else(self, node, peer, monkeypatch):
        gate, begun, group = Future(), [], MutuallyExclusiveCallbackGroup()

        async def wait(request, response):
            begun.append(None)
            await gate
            return response

        for name in ("first", "second"):
            node.create_service(Trigger, name, wait, callback_group=group)
        node.create_service(Trigger, "apart", lambda request, response: response)
        first = peer.ask(Trigger, "first")
        eventually(lambda: begun, "the first waits")
        second = peer.ask(Trigger, "second")
        turns, once = [], Executor.spin_once
        monkeypatch.setattr(Executor, "spin_once", lambda self, *given: (turns.append(None), once(self, *given))[1])
        for _ in range(5):
            peer.call(Trigger, "apart")
        assert len(begun) == 1
        assert len(turns) < 100  # the second is ready all the time, but must not keep the executor awake
        gate.set_result(None)
        node.executor.wake()
        first.result(PATIENCE)
        second.result(PATIENCE)


def test_a_node_is_gone_when_it_is_destroyed_after_spinning(context, peer):
    node = Node("passing", context=context)
    spinner = Spinner(node)
    eventually(lambda: "passing" in peer.node.get_node_names(), "it is there")
    spinner.stop()
    node.destroy_node()
    eventually(lambda: "passing" not in peer.node.get_node_names(), "it is gone")


def _cancel(timers):
    for timer in timers:
        timer.cancel()


def _best_effort():
    from rclpy.qos import qos_profile_sensor_data

    return qos_profile_sensor_data
