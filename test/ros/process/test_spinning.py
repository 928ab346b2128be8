"""The process: it spins nodes until it is told to stop, and leaves promptly, whatever a model or driver is doing."""

import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from robot import PATIENCE, environment, eventually
from vision_service.ros.execution.executor import Executor
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.process.spinning import Spinner, close, spinning

pytestmark = pytest.mark.executor

ROOT = Path(__file__).parents[3]
PRELUDE = """
import sys, threading, time
from rclpy.node import Node
from vision_service.errors import ErrorCode, VisionError
from vision_service.scheduler import Scheduler
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.process import spinning as process
from vision_service.ros.process.spinning import leave, run
from vision_service.types import Frame
from vision_service.resources import LocalResources
from vision_service.vision.color_detector import ColorDetector, ColorDetectorConfig

HOURS = 3 * 3600  # much longer than any test

def say(text):
    print(text, flush=True)

class Sleeping(ColorDetector):
    def __init__(self):
        super().__init__(ColorDetectorConfig(detect_color="#FF0000", hue_tolerance_pct=0.1), LocalResources())

    def detect(self, frame):
        say("detecting")
        time.sleep(HOURS)

class Ready(ServiceNode):
    def activate(self):
        self.create_timer(0.05, lambda: say("ready"))

class Detecting(ServiceNode):
    def configure(self):
        self.inference = Scheduler(Sleeping(), "model")

    def activate(self):
        self.inference.run("detect", Frame())

    def cleanup(self):
        self.inference.close()

class Opening(ServiceNode):
    def configure(self):
        say("opening")
        time.sleep(HOURS)

class CallingBack(ServiceNode):
    def activate(self):
        def callback():
            say("in a callback")
            time.sleep(HOURS)
        self.create_timer(0.01, callback)

class Closing(Ready):
    def cleanup(self):
        say("closing")
        time.sleep(HOURS)

class Failing(Ready):
    def activate(self):
        super().activate()
        self.calls = 0
        self.create_timer(0.01, self.fail)

    def fail(self):
        self.calls += 1
        if self.calls == 2:  # the first failure has been logged
            print("failed", flush=True)
        1 / 0
"""


@contextmanager
def process(code, *arguments):
    """Run a script; at the end it is killed, if it is still there."""
    script = PRELUDE + textwrap.dedent(code)
    child = subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    guard = threading.Timer(2 * PATIENCE, child.kill)  # so that reading its output ends, too
    guard.start()
    try:
        yield child
    finally:
        guard.cancel()
        child.kill()
        child.communicate()


def wait_for(child, words):
    """Wait until a process has said something."""
    for line in child.stdout:
        if line.strip() == words:
            return
    pytest.fail(f"it never said {words!r}: {child.stderr.read()}")


def stopped(child, number, *, after):
    """Send a signal when a process has said something; return its exit code, what else it said, and its complaints."""
    wait_for(child, after)
    child.send_signal(number)
    out, err = child.communicate(timeout=PATIENCE)
    # What others on this host have left in shared memory is not this process's matter.
    expected = ": active", "that processes which were killed had left there"
    return child.returncode, out, "\n".join(line for line in err.splitlines() if not line.endswith(expected))


SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
WAYS = pytest.mark.parametrize("way", ["leave", "sys.exit"])


class TestStopping:
    @SIGNALS
    @pytest.mark.parametrize("repetition", range(3))
    def test_a_signal_ends_it_with_success(self, number, repetition):
        with process("leave(run(lambda: [Ready('example')]))") as child:
            code, _, err = stopped(child, number, after="ready")
        assert (code, err) == (0, "")

    @SIGNALS
    @WAYS
    def test_also_while_a_model_is_in_a_long_call(self, number, way):
        with process(f"{way}(run(lambda: [Detecting('example'), Ready('other')]))") as child:
            code, _, err = stopped(child, number, after="detecting")
        assert (code, err) == (0, "")

    @pytest.mark.parametrize(("number", "way"), [(signal.SIGINT, "leave"), (signal.SIGTERM, "sys.exit")])
    def test_also_while_a_driver_is_being_opened(self, number, way):
        with process(f"process.PATIENCE = 0.5; {way}(run(lambda: [Opening('example')]))") as child:
            code, _, err = stopped(child, number, after="opening")
        assert (code, err) == (0, "")

    def test_also_while_a_callback_does_not_return(self):
        with process("sys.exit(run(lambda: [CallingBack('example')]))") as child:
            code, _, _ = stopped(child, signal.SIGTERM, after="in a callback")
        assert code == 0

    def test_also_while_a_node_does_not_close_and_more_signals_come(self):
        with process("process.PATIENCE = 0.5; leave(run(lambda: [Closing('example')]))") as child:
            wait_for(child, "ready")
            child.send_signal(signal.SIGINT)
            wait_for(child, "closing")
            child.send_signal(signal.SIGINT)
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=PATIENCE)
        assert child.returncode == 0

    def test_a_signal_may_come_at_any_moment(self):
        """Python runs a handler between any two lines of the main thread, also where it holds a lock."""
        code = """
        import os, signal, sys

        def run_with_a_signal(moment):
            moments = 0
            late = threading.Event()

            def trace(frame, event, argument):
                nonlocal moments
                ours = frame.f_code.co_filename in (threading.__file__, process.__file__)
                if event == "line" and ours and signal.getsignal(signal.SIGTERM) is not ignore:
                    moments += 1
                    if moments == moment:
                        os.kill(os.getpid(), signal.SIGTERM)
                return trace

            def tell():
                late.set()
                os.kill(os.getpid(), signal.SIGTERM)

            told = threading.Timer(5.0, tell)  # when the main thread waits, there are no more moments
            told.start()
            sys.settrace(trace)
            code = run(lambda: [], [])
            sys.settrace(None)
            told.cancel()
            assert code == 0
            return not late.is_set()

        def ignore(number, frame): ...

        signal.signal(signal.SIGTERM, ignore)
        moment = 1
        while run_with_a_signal(moment):
            moment += 3
        say(moment)
        leave(0)
        """
        with process(code) as child:
            out, err = child.communicate(timeout=2 * PATIENCE)
        assert child.returncode == 0, err
        assert int(out) > 30

    def test_nodes_are_closed_the_last_one_first(self):
        code = """
        class Telling(Ready):
            def cleanup(self):
                say(f"{self.get_name()} cleaned up")
        leave(run(lambda: [Telling('camera'), Node('plain'), Telling('vision')]))
        """
        with process(code) as child:
            code, out, _ = stopped(child, signal.SIGTERM, after="ready")
        assert code == 0
        assert [line for line in out.splitlines() if line != "ready"] == ["vision cleaned up", "camera cleaned up"]

    def test_a_signal_that_another_thread_receives_ends_it_too(self):
        code = """
        import signal
        def receive():
            time.sleep(0.3)  # until the main thread waits
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        def make():
            threading.Thread(target=receive, daemon=True).start()
            return [Ready('example')]
        leave(run(make))
        """
        with process(code) as child:
            child.communicate(timeout=PATIENCE)
        assert child.returncode == 0

    def test_the_callers_signal_handlers_come_back(self):
        code = """
        import signal
        def mine(number, frame): ...
        signal.signal(signal.SIGTERM, mine)
        run(lambda: [Ready('example')])
        say(signal.getsignal(signal.SIGTERM) is mine and signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        """
        with process(code) as child:
            _, out, _ = stopped(child, signal.SIGTERM, after="ready")
        assert out.splitlines()[-1] == "True"

    def test_it_ends_when_somebody_else_has_shut_ros_down(self):
        code = """
        import rclpy
        class Leaving(Ready):
            def activate(self):
                super().activate()
                self.create_timer(0.05, rclpy.shutdown)
        sys.exit(run(lambda: [Leaving('example'), Ready('other')]))
        """
        with process(code) as child:
            child.communicate(timeout=PATIENCE)
        assert child.returncode == 0

    def test_it_ends_when_that_happens_before_all_nodes_are_started(self):
        code = """
        import rclpy
        class Leaving(Ready):
            def activate(self):
                super().activate()
                rclpy.shutdown()
        sys.exit(run(lambda: [Leaving('example'), Ready('other'), Ready('third')]))
        """
        with process(code) as child:
            _, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0, err
        assert "Traceback" not in err

    def test_it_fails_when_nothing_can_be_waited_for_any_more(self):
        code = """
        from vision_service.ros.execution.wait_set import WaitSet
        def wait(self, *_, **__):
            raise RuntimeError("the wait set is broken")
        WaitSet.wait = wait
        sys.exit(run(lambda: [Ready('example'), Ready('other')]))
        """
        with process(code) as child:
            _, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == 1
        assert err.count("RuntimeError: the wait set is broken") == 2  # once for each node


class TestStarting:
    def test_what_was_foreseen_is_said_in_a_message_of(self):
        code = """
        def make():
            raise VisionError(ErrorCode.INVALID_ARGUMENT, "the stack is empty")
        leave(run(make))
        """
        with process(code) as child:
            _, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == 1
        assert "the stack is empty" in err
        assert "Traceback" not in err

    def test_what_was_not_foreseen_is_a_traceback(self):
        with process("leave(run(lambda: 1 / 0))") as child:
            _, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == 1
        assert "ZeroDivisionError" in err

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--params-file", "/nowhere.yaml"], "/nowhere.yaml"),
            (["-p", "a:=[1, 2.5]"], "a:=[1, 2.5]"),
            (["--no"], "--no"),
        ],
    )
    def test_arguments_that_ros_does_not_understand_are_said(self, arguments, words):
        with process("leave(run(lambda: [Ready('example')]))", "--ros-args", *arguments) as child:
            _, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == 1
        assert "ROS does not understand the arguments of this process" in err
        assert words in err
        assert "Traceback" not in err

    def test_a_node_that_cannot_be_configured_does_not_stop_the_others(self):
        code = """
        class Broken(ServiceNode):
            def configure(self):
                raise VisionError(ErrorCode.CAMERA_ERROR, "no device")
        leave(run(lambda: [Broken('broken'), Ready('example')]))
        """
        with process(code) as child:
            code, _, err = stopped(child, signal.SIGTERM, after="ready")
        assert code == 0
        assert "no device" in err

    def test_a_callback_that_fails_does_not_end_it(self):
        with process("leave(run(lambda: [Failing('example')]))") as child:
            code, _, err = stopped(child, signal.SIGTERM, after="failed")
        assert code == 0
        assert "ZeroDivisionError" in err

    def test_too_little_shared_memory_is_said(self):
        code = """
        import vision_service.ros.process.dds as dds
        from pathlib import Path
        dds.SHARED_MEMORY = Path("/nowhere")
        for name in dds.VARIABLES:
            dds.os.environ.pop(name, None)
        leave(run(lambda: [Ready('example')]))
        """
        with process(code) as child:
            code, _, err = stopped(child, signal.SIGTERM, after="ready")
        assert code == 0
        assert "only 0 MiB of shared memory are free" in err


class TestSpinner:
    @pytest.fixture
    def node(self, context):
        node = Node("plain", context=context)
        yield node
        node.destroy_node()

    def test_it_spins_in_a_thread_of_its_own(self, node, context):
        threads, called = set(), threading.Event()
        node.create_timer(0.01, lambda: (threads.add(threading.current_thread()), called.set()))
        spinner = Spinner(node)
        assert called.wait(PATIENCE)
        spinner.stop()
        assert threads == {spinner.thread}
        assert not spinner.thread.is_alive()

    def test_one_exception_in_a_callback_never_ends_it(self, node, context, capfd):
        calls, enough = [], threading.Event()

        def fail():
            calls.append(None)
            if len(calls) == 5:
                enough.set()
            raise ValueError("oh")

        node.create_timer(0.01, fail)
        spinner = Spinner(node)
        assert enough.wait(PATIENCE)
        spinner.stop()
        assert "ValueError: oh" in capfd.readouterr().err

    def test_it_may_be_stopped_in_a_callback(self, node, context):
        spinner = None
        ready, done = threading.Event(), threading.Event()

        def stop():
            ready.wait(PATIENCE)
            spinner.stop()
            done.set()

        node.create_timer(0.01, stop)
        spinner = Spinner(node)
        ready.set()
        assert done.wait(PATIENCE)
        spinner.thread.join(PATIENCE)
        assert not spinner.thread.is_alive()

    def test_a_callback_that_hangs_is_left_behind(self, node, context):
        entered, door = threading.Event(), threading.Event()
        node.create_timer(0.01, lambda: (entered.set(), door.wait(PATIENCE)))
        spinner = Spinner(node)
        assert entered.wait(PATIENCE)
        spinner.stop(0.01)
        assert spinner.thread.is_alive()
        door.set()
        spinner.thread.join(PATIENCE)
        assert not spinner.thread.is_alive()

    def test_it_stops_without_anything_to_wake_it(self, node):
        spinner = Spinner(node)
        spinner.stop()
        assert not spinner.thread.is_alive()

    def test_it_ends_when_somebody_shuts_ros_down_and_says_so_once(self, node, context, capfd):
        ended = []
        spinner = Spinner(node, ended=lambda: ended.append(threading.current_thread()))
        context.shutdown()
        spinner.thread.join(PATIENCE)
        assert ended == [spinner.thread]
        spinner.stop()
        assert ended == [spinner.thread]
        assert capfd.readouterr().err == ""

    def test_also_when_a_callback_does(self, node, context, capfd):
        ended = []
        node.create_timer(0.01, context.shutdown)
        spinner = Spinner(node, ended=lambda: ended.append(None))
        spinner.thread.join(PATIENCE)
        assert not spinner.thread.is_alive()
        assert ended == [None]
        assert "Traceback" not in capfd.readouterr().err

    def test_being_stopped_is_not_the_end_of_ros(self, node, context):
        ended = []
        spinner = Spinner(node, ended=lambda: ended.append(None))
        spinner.stop()
        assert ended == []

    def test_it_sleeps_while_there_is_nothing_to_do(self, node, context, monkeypatch):
        turns, calls, enough = [], [], threading.Event()
        once = Executor.spin_once
        monkeypatch.setattr(Executor, "spin_once", lambda self, *given: (turns.append(None), once(self, *given))[1])
        node.create_timer(0.05, lambda: (calls.append(None), len(calls) == 10 and enough.set()))
        spinner = Spinner(node)
        assert enough.wait(PATIENCE)
        spinner.stop()
        assert len(calls) <= len(turns) <= 5 * len(calls)  # a loop that does not sleep takes thousands


def test_a_node_that_hangs_holds_up_no_other_of_its_process(context, peer):
    nodes = [ServiceNode(name, context=context) for name in ("hanging", "healthy")]
    entered, door = threading.Event(), threading.Event()
    try:
        with spinning(nodes):
            nodes[0].executor.create_task(lambda: (entered.set(), door.wait(PATIENCE)))
            assert entered.wait(PATIENCE)
            assert peer.status("healthy")["state"] == "active"
        assert not door.is_set()  # it was left behind
    finally:
        door.set()
        close(nodes)


def test_closing_takes_all_nodes_off_the_graph(context, peer):
    nodes = [Node("plain", context=context), ServiceNode("ours", context=context)]
    eventually(lambda: {"plain", "ours"} <= set(peer.node.get_node_names()), "they are there")
    close(nodes)
    eventually(lambda: not {"plain", "ours"} & set(peer.node.get_node_names()), "they are gone")


def test_all_nodes_stop_working_before_the_first_leaves_the_graph(context):
    """To leave the graph takes milliseconds for each service: a camera must be let go of before the process is out."""
    done = []

    class Holding(ServiceNode):
        def cleanup(self):
            done.append("let go")

        def destroy_node(self):
            done.append("left")
            super().destroy_node()

    close([Holding(name, context=context) for name in ("one", "two")])
    assert done == ["let go", "let go", "left", "left"]


def test_our_nodes_spin_in_any_executor(context, peer):
    executor = SingleThreadedExecutor(context=context)
    node = ServiceNode("ours", context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    assert peer.status("ours")["state"] == "unconfigured"
    executor.shutdown(0)
    thread.join(PATIENCE)
    node.close()
