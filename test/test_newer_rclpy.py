"""rclpy itself, alone: programs of plain rclpy run on the installed one, on the stand-ins and on newer ones alike.

What newer ones do otherwise is tested on the stand-ins, and on a real newer rclpy if one is installed.
"""

import os
import subprocess
import sys
import threading
import time

import pytest
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import Trigger

import newer_rclpy

PATIENCE = 20.0
NEWER = hasattr(Executor, "_call_task_in_next_spin")
DIRECT = hasattr(Future, "_add_waiting_task")  # as in 10.0

pytestmark = pytest.mark.executor
newer = pytest.mark.skipif(not NEWER, reason="the installed rclpy is an older one")


@pytest.fixture
def context():
    context = Context()
    options = SignalHandlerOptions.NO
    rclpy.init(args=[], context=context, signal_handler_options=options, domain_id=1 + os.getpid() % 100)
    yield context
    context.try_shutdown()


@pytest.fixture
def make(context):
    """Makes nodes of a class; they are destroyed at the end."""
    nodes = []

    def make(name, kind=Node, **arguments):
        nodes.append(kind(name, context=context, **arguments))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


@pytest.fixture(params=[SingleThreadedExecutor, MultiThreadedExecutor])
def background(request, context):
    """An executor that spins in a thread."""
    executor = request.param(context=context)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    yield executor
    executor.shutdown(PATIENCE)
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.fixture
def executor(context):
    """An executor that the test spins itself."""
    executor = SingleThreadedExecutor(context=context)
    yield executor
    executor.shutdown()


@pytest.fixture
def ask(make, executor):
    """Asks a service, spins until it answers, and returns the answer."""
    node = make("asking")
    executor.add_node(node)

    def ask(kind, name, **fields):
        client = node.create_client(kind, name)
        assert client.wait_for_service(PATIENCE)
        future = client.call_async(kind.Request(**fields))
        executor.spin_until_future_complete(future, PATIENCE)
        assert future.done()
        return future.result()

    return ask


class TestPrograms:
    def test_timers_subscriptions_guards_and_tasks_are_served(self, make, background):
        node, served, left = make("node"), set(), threading.Semaphore(0)

        def serve(what):
            if what not in served:
                served.add(what)
                left.release()

        node.create_timer(0.01, lambda: serve("timer"))
        node.create_subscription(String, "words", lambda _: serve("subscription"), 1)
        words = node.create_publisher(String, "words", 1)
        node.create_timer(0.01, lambda: words.publish(String()))
        guard = node.create_guard_condition(lambda: serve("guard condition"))
        background.add_node(node)
        background.create_task(serve, "task")
        guard.trigger()
        for _ in range(4):
            assert left.acquire(timeout=PATIENCE)

    def test_a_service_that_is_a_coroutine_may_await_another_one(self, make, background, ask):
        node, group = make("node"), ReentrantCallbackGroup()
        inner = node.create_client(Trigger, "inner", callback_group=group)

        def answer(request, response):
            response.message = "inner"
            return response

        async def pass_on(request, response):
            response.message = "outer of " + (await inner.call_async(Trigger.Request())).message
            return response

        node.create_service(Trigger, "inner", answer, callback_group=group)
        node.create_service(Trigger, "outer", pass_on, callback_group=group)
        background.add_node(node)
        for _ in range(20):
            assert ask(Trigger, "outer").message == "outer of inner"

    def test_a_service_may_await_what_a_timer_completes(self, make, background, ask):
        node, group, waiting = make("node"), ReentrantCallbackGroup(), []

        async def wait(request, response):
            future = Future()
            waiting.append(future)
            response.message = await future
            return response

        def complete():
            while waiting:
                waiting.pop().set_result("completed")

        node.create_service(Trigger, "wait", wait, callback_group=group)
        node.create_timer(0.01, complete, callback_group=group)
        background.add_node(node)
        assert ask(Trigger, "wait").message == "completed"

    def test_a_client_may_wait_in_another_thread(self, make, background):
        node = make("node")
        node.create_service(Trigger, "serve", lambda request, response: response)
        client = node.create_client(Trigger, "serve", callback_group=ReentrantCallbackGroup())
        background.add_node(node)
        assert client.wait_for_service(PATIENCE)
        assert isinstance(client.call(Trigger.Request()), Trigger.Response)

    def test_parameters_are_served(self, make, background, ask):
        node = make("node")
        node.declare_parameter("number", 3)
        background.add_node(node)
        assert ask(GetParameters, "node/get_parameters", names=["number"]).values[0].integer_value == 3
        value = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=4)
        given = [ParameterMessage(name="number", value=value)]
        assert ask(SetParameters, "node/set_parameters", parameters=given).results[0].successful
        assert node.get_parameter("number").value == 4

    def test_a_lifecycle_node_changes_its_state(self, make, background, ask):
        class Configured(LifecycleNode):
            def on_configure(self, state):
                return TransitionCallbackReturn.SUCCESS

        background.add_node(make("node", Configured))
        assert ask(GetState, "node/get_state").current_state.label == "unconfigured"
        wanted = Transition(id=Transition.TRANSITION_CONFIGURE)
        assert ask(ChangeState, "node/change_state", transition=wanted).success
        assert ask(GetState, "node/get_state").current_state.label == "inactive"

    def test_an_action_gives_feedback_and_a_result(self, make, background):
        actions = pytest.importorskip("test_msgs.action")
        from rclpy.action import ActionClient, ActionServer

        node, received, done = make("node"), [], threading.Event()

        async def execute(goal):
            feedback = actions.Fibonacci.Feedback()
            feedback.sequence = [goal.request.order]
            goal.publish_feedback(feedback)
            goal.succeed()
            return actions.Fibonacci.Result(sequence=[0, 1])

        def accepted(future):
            future.result().get_result_async().add_done_callback(ended)

        def ended(future):
            received.append(list(future.result().result.sequence))
            done.set()

        server = ActionServer(node, actions.Fibonacci, "count", execute, callback_group=ReentrantCallbackGroup())
        client = ActionClient(node, actions.Fibonacci, "count", callback_group=ReentrantCallbackGroup())
        background.add_node(node)
        assert client.wait_for_server(PATIENCE)
        client.send_goal_async(actions.Fibonacci.Goal(order=7)).add_done_callback(accepted)
        assert done.wait(PATIENCE)
        assert received == [[0, 1]]
        client.destroy()
        server.destroy()

    def test_waiting_for_a_future_ends_when_it_is_done_or_late(self, executor):
        done, late = Future(), Future()
        timer = threading.Timer(0.05, done.set_result, [1])
        timer.start()
        executor.spin_until_future_complete(done, PATIENCE)
        executor.spin_until_future_complete(late, 0.05)
        timer.join()
        assert (done.result(), late.done()) == (1, False)

    def test_what_a_callback_raises_is_raised_where_it_spins(self, executor):
        def fail():
            raise ValueError("of the callback")

        executor.create_task(fail)
        with pytest.raises(ValueError, match="of the callback"):
            executor.spin_once(PATIENCE)

    def test_the_end_of_the_context_ends_waiting(self, context, make, executor):
        executor.add_node(make("node"))
        timer = threading.Timer(0.05, context.shutdown)
        timer.start()
        with pytest.raises(rclpy.executors.ExternalShutdownException):
            executor.spin()
        timer.join()


@newer
class TestNewer:
    def test_tasks_that_wait_are_not_among_those_that_are_ready(self, executor):
        gate = Future()

        async def wait():
            return await gate

        task = executor.create_task(wait)
        assert not hasattr(executor, "_tasks")
        assert list(executor._ready_tasks) == list(executor._pending_tasks) == [task]
        executor.spin_once(0.0)
        assert not executor._ready_tasks
        assert list(executor._pending_tasks) == [task]
        gate.set_result("open")
        _turns(executor)
        assert task.result() == "open"
        assert not executor._pending_tasks

    def test_a_future_that_another_thread_completes_wakes_the_executor(self, executor):
        gate = executor.create_future()

        async def wait():
            return await gate

        task = executor.create_task(wait)
        timer = threading.Timer(0.05, gate.set_result, ["open"])
        timer.start()
        executor.spin_until_future_complete(task, PATIENCE)
        assert task.result() == "open"
        timer.join()

    def test_who_yields_none_is_called_in_every_turn(self, executor):
        called = []

        class Turns:
            def __await__(self):
                for _ in range(3):
                    called.append(None)
                    yield

        async def wait():
            await Turns()

        task = executor.create_task(wait)
        executor.spin_once(0.0)
        assert len(called) == 1
        _turns(executor)
        assert len(called) == 3
        assert task.done()

    def test_one_that_is_resumed_before_its_future_is_done_fails(self, executor):
        gate = Future()

        async def wait():
            await gate

        task = executor.create_task(wait)
        executor.spin_once(0.0)
        executor._call_task_in_next_spin(task)
        with pytest.raises(RuntimeError):
            _turns(executor)
        assert isinstance(task.exception(), RuntimeError)

    def test_a_future_of_another_executor_must_not_be_awaited(self, context, executor):
        other = SingleThreadedExecutor(context=context)
        gate = other.create_future()

        async def wait():
            await gate

        task = executor.create_task(wait)
        with pytest.raises(RuntimeError):
            executor.spin_once(0.0)
        assert not task.done()
        other.shutdown()

    def test_nothing_but_futures_and_none_may_be_yielded(self, executor):
        class Odd:
            def __await__(self):
                yield 1

        async def wait():
            await Odd()

        executor.create_task(wait)
        with pytest.raises(TypeError):
            executor.spin_once(0.0)

    def test_a_cancelled_future_is_not_done_and_resumes_who_waits(self, executor):
        gate = Future()

        async def wait():
            return await gate

        task = executor.create_task(wait)
        executor.spin_once(0.0)
        gate.cancel()
        _turns(executor)
        assert (gate.done(), gate.cancelled(), task.done(), task.result()) == (False, True, True, None)

    def test_callbacks_of_a_future_are_tasks_of_its_executor(self, executor):
        called, gate = [], executor.create_future()
        gate.add_done_callback(called.append)
        gate.set_result(None)
        assert called == []
        executor.spin_once(0.0)
        assert called == [gate]

    def test_who_waits_is_resumed_by_the_future_or_by_a_callback_of_it(self, executor):
        gate = executor.create_future()

        async def wait():
            await gate

        task = executor.create_task(wait)
        executor.spin_once(0.0)
        assert (gate._callbacks == [task]) == DIRECT
        gate.set_result(None)
        _turns(executor)
        assert task.done()

    def test_one_that_was_cancelled_while_ready_is_left_out_since_10(self, executor):
        async def wait():
            pass

        executor.create_task(wait).cancel()
        if DIRECT:
            executor.spin_once(0.0)
        else:
            with pytest.raises(KeyError):
                executor.spin_once(0.0)

    @pytest.mark.parametrize("kind", [SingleThreadedExecutor, MultiThreadedExecutor])
    def test_one_that_spins_cannot_be_spun(self, context, kind):
        executor, raised = kind(context=context), []

        def again():
            for spin in (executor.spin, executor.spin_once, lambda: executor.spin_until_future_complete(Future())):
                try:
                    spin()
                except RuntimeError as error:
                    raised.append(error)
            assert executor.is_spinning

        task = executor.create_task(again)
        executor.spin_until_future_complete(task, PATIENCE)
        assert len(raised) == 3
        assert not executor.is_spinning
        executor.shutdown()

    def test_spinning_passes_an_overridden_spin_once_by(self, context):
        called = []

        class Own(SingleThreadedExecutor):
            def spin_once(self, timeout_sec=None):
                called.append(timeout_sec)

        executor = Own(context=context)
        executor.spin_until_future_complete(executor.create_task(lambda: None), PATIENCE)
        task = executor.create_task(executor.shutdown)
        executor.spin()
        assert task.done()
        assert called == []

    def test_a_timer_that_is_cancelled_between_being_ready_and_its_turn_is_left_out(self, make, executor):
        node, called, timers = make("node"), [], []

        def call():
            called.append(None)
            for timer in timers:
                timer.cancel()

        timers += [node.create_timer(0.01, call) for _ in range(2)]
        executor.add_node(node)
        time.sleep(0.05)  # both are due
        _turns(executor)
        assert len(called) == 1

    def test_child_processes_have_the_stand_in_too(self):
        if not os.environ.get(newer_rclpy.VARIABLE):
            pytest.skip("this is a newer rclpy itself")
        program = "from rclpy.executors import Executor; print(hasattr(Executor, '_call_task_in_next_spin'))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "True"


def _turns(executor):
    for _ in range(20):
        executor.spin_once(0.0)
