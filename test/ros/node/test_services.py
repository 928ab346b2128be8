"""The services of our nodes: every call is answered."""

import json
import threading
from concurrent.futures import wait

import pytest
from rclpy.parameter import Parameter
from vision_service.srv import DoCommand, GetStatus

from example_node import GOOD, Example, asked, change, command, plainly_spinning
from robot import PATIENCE, eventually
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.executor import Executor

pytestmark = pytest.mark.executor


class TestCalls:
    def test_an_answer_begins_with_success(self, example, peer):
        answer = command(peer, say="hello")
        assert (answer.success, answer.error_code, answer.message) == (True, ErrorCode.OK, "")
        assert json.loads(answer.result) == {"timeout": 5.0, "say": "hello"}

    def test_what_was_foreseen_is_answered_with_its_code_and_message_of(self, example, peer):
        example.failures["x"] = VisionError(ErrorCode.NO_DEPTH, "no depth here")
        answer = command(peer, fail="x")
        assert (answer.success, answer.error_code, answer.message) == (False, ErrorCode.NO_DEPTH, "no depth here")
        assert answer.result == ""

    @pytest.mark.parametrize("error", [IndexError, SystemExit, KeyboardInterrupt])
    def test_what_was_not_foreseen_is_answered_too_and_logged(self, make, context, peer, capfd, error):
        node = make()
        node.start()
        node.failures["x"] = error("17")
        with plainly_spinning(node, context):
            answer = command(peer, fail="x")
            assert answer.error_code == ErrorCode.INTERNAL
            assert answer.message == f"{error.__name__} in do_command: 17; please report this"
            assert command(peer).success
        assert "Traceback" in capfd.readouterr().err

    def test_the_cause_of_a_failure_is_logged(self, example, peer, capfd):
        error = VisionError(ErrorCode.MODEL_ERROR, "the model failed")
        error.__cause__ = ValueError("bad tensor")
        example.failures["x"] = error
        assert command(peer, fail="x").message == "the model failed"
        assert "ValueError: bad tensor" in capfd.readouterr().err

    def test_a_message_that_is_no_utf_8_is_answered_all_the_same(self, example, peer):
        example.failures["x"] = VisionError(ErrorCode.INVALID_ARGUMENT, "no file 'caf\udce9'")
        assert command(peer, fail="x").message == "no file 'caf?'"

    @pytest.mark.parametrize(
        ("text", "words"),
        [("{", "'command' is no JSON"), ("[1]", "must be a JSON object"), ("5", "must be a JSON object")],
    )
    def test_a_command_is_a_json_object(self, example, peer, text, words):
        answer = peer.call(DoCommand, "example/do_command", command=text)
        assert answer.error_code == ErrorCode.INVALID_ARGUMENT
        assert words in answer.message

    def test_the_default_timeout_is_a_parameter(self, example, peer):
        assert peer.set("example", {"timeout": 2}).successful
        assert json.loads(command(peer).result)["timeout"] == 2.0
        assert json.loads(command(peer, timeout=0.5).result)["timeout"] == 0.5

    @pytest.mark.parametrize("timeout", [-1.0, float("nan"), float("inf")])
    def test_a_wrong_timeout_is_refused(self, example, peer, timeout):
        answer = command(peer, timeout=timeout)
        assert answer.error_code == ErrorCode.INVALID_ARGUMENT
        assert "'timeout'" in answer.message

    def test_a_timeout_beyond_all_clocks_does_not_keep_off_the_deadlines_of_others(self, example, peer):
        forever = asked(peer, timeout=1e300, wait=1)
        assert command(peer, timeout=0.1, wait=1).error_code == ErrorCode.DEADLINE_EXCEEDED
        eventually(lambda: example.gates, "the call waits")[0].set_result(1)
        assert forever.result(PATIENCE).success

    def test_a_call_that_waits_too_long_is_answered_and_given_up(self, example, peer):
        answer = command(peer, timeout=0.1, wait=1)
        assert answer.error_code == ErrorCode.DEADLINE_EXCEEDED
        assert "within 0.1 s" in answer.message
        assert example.gates[0].cancelled()

    def test_deadlines_hold_under_simulated_time_that_stands_still(self, spin, peer):
        spin(Example, "example", {**GOOD, "use_sim_time": True})
        assert command(peer, timeout=0.1, wait=1).error_code == ErrorCode.DEADLINE_EXCEEDED

    def test_calls_that_wait_hold_up_nobody_and_each_gets_its_own_answer(self, example, peer):
        count = 60
        waiting = [asked(peer, timeout=PATIENCE, wait=1) for _ in range(count)]
        eventually(lambda: len(example.gates) == count, "all calls wait")
        assert command(peer, say="hello").success
        assert peer.status("example")["calls"]["pending"] == count
        for number, gate in reversed(list(enumerate(example.gates))):
            gate.set_result(number)
        answers = sorted(json.loads(answer.result(PATIENCE).result)["waited"] for answer in waiting)
        assert answers == list(range(count))

    def test_a_wait_is_answered_in_the_thread_of_the_executor_by_whatever_thread_it_ends(self, example, peer):
        waiting = asked(peer, timeout=PATIENCE, wait=1)
        gate = eventually(lambda: example.gates, "the call waits")[0]
        threading.Thread(target=gate.set_result, args=("from outside",)).start()
        assert json.loads(waiting.result(PATIENCE).result) == {"waited": "from outside"}

    @pytest.mark.parametrize(("others", "where"), [(0, "outside"), (1, "example")])
    def test_a_call_may_go_on_where_its_wait_ends_if_no_other_call_waits(self, example, peer, others, where):
        waiting = [asked(peer, timeout=PATIENCE, where="?") for _ in range(1 + others)]
        eventually(lambda: len(example.gates) == 1 + others, "all calls wait")
        assert peer.status("example")["calls"]["pending"] == 1 + others  # so the executor has left them
        for gate in example.gates:
            thread = threading.Thread(target=gate.set_result, args=(None,), name="outside")
            thread.start()
            thread.join()
        answers = {json.loads(answer.result(PATIENCE).result)["where"] for answer in waiting}
        assert where in answers
        assert peer.status("example")["calls"] == {"answered": 2 + others, "failed": 0, "pending": 0}

    def test_the_executor_sleeps_while_calls_wait(self, example, peer, monkeypatch):
        waiting = [asked(peer, timeout=PATIENCE, wait=1) for _ in range(10)]
        eventually(lambda: len(example.gates) == 10, "all calls wait")
        turns, wakes, enough = [], [], threading.Event()
        once = Executor.spin_once
        monkeypatch.setattr(Executor, "spin_once", lambda self, *given: (turns.append(None), once(self, *given))[1])
        monkeypatch.setattr(example, "housekeep", lambda: (wakes.append(None), len(wakes) == 4 and enough.set()))
        assert enough.wait(PATIENCE)
        monkeypatch.undo()
        assert len(turns) < 500  # each call is looked at whenever something happens; without sleep it is thousands
        for gate in example.gates:
            gate.set_result(None)
        wait(waiting, PATIENCE)

    def test_more_than_may_wait_are_refused_at_once_while_status_is_answered(self, spin, peer):
        example = spin(Example, "example", {**GOOD, "max_pending_calls": 3})
        waiting = [asked(peer, timeout=PATIENCE, wait=1) for _ in range(3)]
        eventually(lambda: len(example.gates) == 3, "three wait")
        answer = command(peer)
        assert answer.error_code == ErrorCode.OVERLOADED
        assert "3 calls wait already" in answer.message
        assert peer.status("example")["calls"] == {"answered": 0, "failed": 1, "pending": 3}
        example.gates[0].set_result(None)
        eventually(lambda: sum(answer.done() for answer in waiting) == 1, "one is answered")
        assert command(peer).success
        for gate in example.gates[1:]:
            gate.set_result(None)
        assert all(answer.result(PATIENCE).success for answer in waiting)

    def test_a_call_that_waits_while_the_node_is_cleaned_up_is_answered(self, example, peer):
        waiting = asked(peer, timeout=PATIENCE, wait=1)
        gate = eventually(lambda: example.gates, "the call waits")[0]
        assert change(peer, "deactivate")
        assert change(peer, "cleanup")
        gate.set_exception(VisionError(ErrorCode.NOT_ACTIVE, "cleaned up"))
        assert waiting.result(PATIENCE).error_code == ErrorCode.NOT_ACTIVE

    def test_calls_are_counted(self, example, peer):
        command(peer)
        example.failures["x"] = ValueError()
        command(peer, fail="x")
        peer.status("example")
        assert peer.status("example")["calls"] == {"answered": 2, "failed": 1, "pending": 0}


def test_services_under_a_namespace_and_a_remapped_name(context, peer):
    node = Example(
        "example", context=context, namespace="/robot", parameter_overrides=[Parameter("size", value=4)],
        cli_args=["--ros-args", "-r", "__node:=renamed"],
    )  # fmt: skip
    try:
        node.start()
        with plainly_spinning(node, context):
            assert peer.call(GetStatus, "/robot/renamed/get_status").state == "active"
    finally:
        node.close()
