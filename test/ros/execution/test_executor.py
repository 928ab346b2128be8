"""The executor: it serves what is ready, sleeps while nothing is, and notices what comes and goes."""

import queue
import threading
import time
import weakref
from functools import partial

import pytest
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import ShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import Trigger

from robot import PATIENCE, eventually
from vision_service.ros.execution import wait_set
from vision_service.ros.execution.executor import Executor
from vision_service.ros.execution.timeouts import SPARE
from vision_service.ros.execution.wait_set import WaitSet
from vision_service.ros.process.spinning import Spinner

pytestmark = pytest.mark.executor


@pytest.fixture
def node(spin):
    return spin(Node, "node")


@pytest.fixture
def failures():
    return []


@pytest.fixture
def executor(context, failures):
    executor = Executor(context=context, failed=lambda entity, error: failures.append((entity, error)))
    yield executor
    executor.shutdown()
    executor.release()


class Image:
    pass


class _Park:
    """Awaitable: leaves what resumes the coroutine in a list."""

    def __init__(self, resumers, *, there=False):
        self._resumers = resumers
        self._there = there

    def __await__(self):
        yield self

    def attach(self, task):
        self._resumers.append(task.runner() if self._there else task.waker())


def spin_until(executor, condition):
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        executor.spin_once(0.05)


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
        served = []
        peer.repeat(peer.publisher(String, "words"), String)
        subscription = node.create_subscription(String, "words", served.append, 1)
        eventually(lambda: served, "a subscription that came is served")
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

    def test_what_was_scheduled_is_done_before_what_has_come(self, context, peer):
        """A node is to be started before the calls are answered that came while it was made."""
        node, order = Node("node", context=context), []
        node.create_service(Trigger, "serve", lambda request, response: (order.append("call"), response)[1])
        answer = peer.ask(Trigger, "serve")
        time.sleep(0.2)  # it has come, most probably
        spinner = Spinner(node, first=lambda: order.append("first"))
        answer.result(PATIENCE)
        assert order == ["first", "call"]
        spinner.stop()
        node.destroy_node()

    def test_a_context_that_a_signal_shuts_down_is_noticed_though_the_signal_woke_it_before(self, context):
        """rclpy's handler of signals first wakes all executors, and then shuts down their contexts."""
        ended = threading.Event()
        spinner = Spinner(Node("node", context=context), ended=ended.set)
        assert spinner.ready.wait(PATIENCE)
        spinner.executor._signals.trigger()
        assert not ended.wait(0.2)
        with context.handle:
            context.handle.shutdown()  # as that handler does it: without telling Python
        assert ended.wait(PATIENCE)
        assert spinner.failure is None

    def test_a_response_that_cannot_be_received_is_sent_again_and_then_told(self, context, executor, failures):
        """A client that asks for latched responses sends requests, but its reader never fits the service's writer."""
        node = Node("node", context=context)
        executor.add_node(node)
        node.create_service(Trigger, "serve", lambda request, response: response)
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        sent = node.create_client(Trigger, "serve", qos_profile=latched).call_async(Trigger.Request())
        spin_until(executor, lambda: failures)
        node.destroy_node()
        (entity, error), *others = failures
        assert not others
        assert not sent.done()
        assert entity.srv_name == "serve"
        assert str(error).startswith("a client called serve but cannot receive the response")


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

    def test_one_that_always_fails_is_logged_once_for_each_cause(self, node, capfd):
        called = []

        def fail():
            called.append(None)
            if len(called) % 2:
                raise ValueError(str(len(called)))
            raise KeyError(str(len(called)))

        node.create_timer(0.01, fail)
        eventually(lambda: len(called) > 10, "it is called again and again")
        logged = capfd.readouterr().err
        assert logged.count("a callback raised ValueError") == logged.count("a callback raised KeyError") == 1

    def test_a_method_that_always_fails_is_logged_once(self, node, capfd):
        class Failing:
            calls = 0

            def fail(self, *_):
                self.calls += 1
                raise ValueError("always")

        failing = Failing()
        for _ in range(5):
            node.executor.create_task(failing.fail)
            node.executor.create_task(partial(failing.fail, 1))
        eventually(lambda: failing.calls == 10, "all are called")
        done = threading.Event()
        node.executor.create_task(done.set)
        assert done.wait(PATIENCE)
        assert capfd.readouterr().err.count("a callback raised ValueError: always") == 1

    def test_data_that_cannot_be_taken_is_logged_and_ends_nothing(self, node, peer, capfd, monkeypatch):
        received = []

        def take(subscription):
            if not received:
                received.append("bad")
                raise RuntimeError("no message of this type")
            return original(subscription)

        original = wait_set.KINDS["subscriptions"][1]
        monkeypatch.setitem(wait_set.KINDS, "subscriptions", ("subscription", take))
        node.create_subscription(String, "words", received.append, 1)
        peer.repeat(peer.publisher(String, "words"), String)
        eventually(lambda: len(received) > 1, "the next message is taken")
        assert "no message of this type" in capfd.readouterr().err

    @pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
    def test_a_coroutine_that_fails_is_logged_and_lets_its_group_go(self, node, peer, capfd, error):
        async def fail(request, response):
            raise error("oh")

        node.create_service(Trigger, "fail", fail)  # in the default group, as the other one
        node.create_service(Trigger, "work", lambda request, response: response)
        peer.ask(Trigger, "fail")
        peer.call(Trigger, "work")
        eventually(lambda: f"a callback raised {error.__name__}: oh" in capfd.readouterr().err, "it is logged")

    def test_what_is_ready_beside_a_callback_that_fails_is_served_all_the_same(self, executor, failures):
        served = []

        def fail():
            raise ValueError

        failed = executor.create_task(fail)
        executor.create_task(served.append, "behind")
        executor.spin_once()
        assert served == ["behind"]
        assert isinstance(failed.exception(), ValueError)
        assert [type(error) for _, error in failures] == [ValueError]

    def test_a_wait_that_fails_again_and_again_ends_the_thread_with_the_reason(self, context, capfd, monkeypatch):
        node, ended = Node("node", context=context), threading.Event()

        def fail(*_, **__):
            raise RuntimeError("the wait set is broken")

        monkeypatch.setattr(WaitSet, "wait", fail)
        spinner = Spinner(node, ended=ended.set)
        assert ended.wait(PATIENCE)
        spinner.thread.join(PATIENCE)
        assert not spinner.thread.is_alive()
        assert str(spinner.failure) == "the wait set is broken"
        logged = capfd.readouterr().err
        assert logged.count("cannot wait for calls and messages any more, and stops") == 1
        node.destroy_node()


class TestCoroutines:
    def test_one_goes_on_when_what_it_awaits_has_come(self, executor):
        gate = Future()

        async def wait():
            return await gate

        task = executor.create_task(wait())
        executor.spin_once(0)
        assert not task.done()
        gate.set_result("come")
        spin_until(executor, task.done)
        assert task.result() == "come"

    def test_one_can_await_what_another_one_returns(self, executor):
        async def give():
            return "given"

        async def take():
            return await executor.create_task(give)

        task = executor.create_task(take())
        spin_until(executor, task.done)
        assert task.result() == "given"

    def test_one_goes_on_without_anything_else_when_an_executors_own_future_is_done(self, node, peer):
        """The futures of rclpy 7.1.6 wake nobody."""
        node.create_service(Trigger, "serve", lambda request, response: response)
        client = node.create_client(Trigger, "serve", callback_group=ReentrantCallbackGroup())
        assert client.wait_for_service(PATIENCE)
        done = queue.SimpleQueue()

        async def wait():
            done.put(await node.executor.create_task(lambda: "task"))
            await client.call_async(Trigger.Request())
            done.put("answer")

        for timer in list(node.timers):
            timer.cancel()
        node.executor.create_task(wait)
        assert done.get(timeout=PATIENCE) == "task"
        assert done.get(timeout=PATIENCE) == "answer"

    def test_a_wake_up_for_a_wait_that_is_over_does_nothing(self, executor):
        """A future of newer rclpy raises an error if its coroutine goes on before it is done."""
        wakers, steps, gate = [], [], Future()

        async def wait():
            await _Park(wakers)
            steps.append("first")
            await _Park(wakers)
            steps.append("second")
            await gate
            steps.append("third")

        task = executor.create_task(wait())
        executor.spin_once(0)
        wakers[0]()
        executor.spin_once(0)
        wakers[0]()  # again
        executor.spin_once(0)
        assert steps == ["first"]
        wakers[1]()
        executor.spin_once(0)
        wakers[1]()
        wakers[0]()
        executor.spin_once(0)
        assert steps == ["first", "second"]
        assert not task.done()
        gate.set_result(None)
        spin_until(executor, task.done)
        assert task.exception() is None

    def test_one_is_resumed_in_another_thread_if_that_asks_for_it(self, executor):
        runners, threads, ended = [], [], []

        async def go_on():
            await _Park(runners, there=True)
            threads.append(threading.current_thread())

        task = executor.create_task(go_on())
        executor.spin_once(0)
        thread = threading.Thread(target=lambda: ended.append(runners[0]()))
        thread.start()
        thread.join()
        assert (threads, ended) == ([thread], [True])
        spin_until(executor, task.done)
        assert runners[0]()  # it has ended; once is enough
        assert threads == [thread]

    def test_one_that_is_resumed_before_it_sleeps_goes_on_at_once(self, executor):
        class Already:
            def __await__(self):
                yield self

            def attach(self, task):
                assert not task.runner()()

        async def go_on():
            await Already()
            await Already()
            return "through"

        task = executor.create_task(go_on())
        executor.spin_once(0)
        assert task.result() == "through"

    def test_one_that_awaits_what_nobody_understands_fails_with_a_reason(self, executor, failures):
        class Foreign:
            def __await__(self):
                yield 7

        async def wait():
            await Foreign()

        task = executor.create_task(wait())
        executor.spin_once(0)
        assert "can await futures, not what yields int" in str(task.exception())
        assert len(failures) == 1

    def test_those_that_still_wait_at_the_end_are_closed(self, executor):
        closed = []

        async def wait():
            try:
                await _Park([])
            finally:
                closed.append(True)

        executor.create_task(wait())
        executor.spin_once(0)
        executor.shutdown()
        executor.release()
        assert closed == [True]

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
        node.executor.wake()  # futures of rclpy 7.1.6 do not wake it when another thread completes them
        first.result(PATIENCE)
        second.result(PATIENCE)


class TestBeginningInAnotherThread:
    """`begin` runs a coroutine at once in the thread that calls it, as if that was the executor's."""

    def test_it_runs_there_while_the_executor_sleeps_and_is_resumed_by_it(self, node):
        threads, gate = [], []

        async def work():
            threads.append(threading.current_thread())
            await _Park(gate)
            threads.append(threading.current_thread())

        def begun():
            """Try again if the executor has been awake just then."""
            threads.clear()
            gate.clear()
            assert node.executor.begin(work())
            eventually(lambda: gate, "it waits")
            return threads[0] is threading.current_thread()

        eventually(begun, "it began here")
        gate[0]()
        eventually(lambda: len(threads) == 2, "it went on")
        assert threads[1] is not threads[0]

    def test_no_callback_runs_meanwhile_and_it_waits_for_one_that_runs(self, node):
        running, most, done = [], [], []

        async def work(name):
            running.append(name)
            most.append(len(running))
            time.sleep(0.001)
            running.remove(name)
            done.append(name)

        def call(name):
            for _ in range(30):
                node.executor.begin(work(name))
                node.executor.create_task(work, name)

        threads = [threading.Thread(target=call, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: len(done) == 180, "all have run")
        assert max(most) == 1

    def test_what_it_raises_is_told(self, executor, failures):
        async def fail():
            raise ValueError

        assert executor.begin(fail())
        spin_until(executor, lambda: failures)
        assert [type(error) for _, error in failures] == [ValueError]

    def test_one_that_has_ended_refuses(self, context):
        executor = Executor(context=context)
        executor.shutdown()
        executor.release()
        called = []

        async def work():
            called.append(None)

        assert not executor.begin(work())
        assert not called


class TestTimeouts:
    def test_they_are_called_in_their_order_in_the_thread_that_spins(self, executor):
        called, now = [], time.monotonic()
        for delay in (0.12, 0.03, 0.09, 0.06):
            executor.call_at(now + delay, lambda delay=delay: called.append((delay, threading.current_thread())))
        spin_until(executor, lambda: len(called) == 4)
        assert called == [(delay, threading.current_thread()) for delay in (0.03, 0.06, 0.09, 0.12)]

    def test_one_that_another_thread_adds_wakes_the_sleeper(self, node):
        called = threading.Event()
        node.executor.call_at(time.monotonic() + 3600, lambda: None)
        node.executor.call_at(time.monotonic() + 0.01, called.set)
        assert called.wait(PATIENCE)

    def test_one_that_was_taken_back_is_not_called_and_not_kept(self, executor):
        called, held = [], []
        for _ in range(1000):
            held.append(Image())
            executor.call_at(time.monotonic() + 3600, partial(called.append, held[-1])).cancel()
        references = [weakref.ref(each) for each in held]
        held.clear()
        assert not any(reference() for reference in references)
        executor.call_at(time.monotonic(), lambda: called.append("due"))
        executor.spin_once()
        assert called == ["due"]
        assert len(executor._timeouts) <= 2 * SPARE

    def test_one_that_fails_is_told_and_the_others_are_called(self, executor, failures):
        called = []

        def fail():
            raise ValueError

        executor.call_at(time.monotonic(), fail)
        executor.call_at(time.monotonic(), lambda: called.append("next"))
        spin_until(executor, lambda: called)
        assert [type(error) for _, error in failures] == [ValueError]


def test_rclpy_itself_can_use_it(context):
    """A node's executor is asked for futures and tasks; futures of newer rclpy hand it their waiting tasks."""
    executor = Executor(context=context)
    node = Node("node", context=context)
    assert executor.add_node(node)
    assert not executor.add_node(node)
    assert executor.get_nodes() == [node]
    assert node.executor is executor
    called = []
    future = executor.create_future()
    future.add_done_callback(lambda _: called.append("done"))
    future.set_result(None)
    executor._call_task_in_next_spin(lambda: called.append("task"))
    spin_until(executor, lambda: len(called) == 2)
    executor.remove_node(node)
    assert executor.get_nodes() == []
    executor.shutdown()
    with pytest.raises(ShutdownException):
        executor.spin_once()
    executor.release()
    node.destroy_node()


def test_a_job_for_a_thread_that_has_ended_is_waited_for_by_nobody(context):
    node = Node("node", context=context)
    spinner = Spinner(node)
    spinner.stop()
    spinner.thread.join(PATIENCE)
    assert spinner.do(lambda: None).wait(PATIENCE)
    node.destroy_node()


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
