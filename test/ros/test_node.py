"""The node base: lifecycle, parameters, and calls that are all answered."""

import json
import threading
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from vision_service.srv import DoCommand, GetStatus

from robot import PATIENCE, eventually, never
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros import lifecycle, node_status
from vision_service.ros import node as node_base
from vision_service.ros.calls import too_late
from vision_service.ros.executor import Executor
from vision_service.ros.json_fields import json_object
from vision_service.ros.node import ServiceNode
from vision_service.ros.node_status import namesakes
from vision_service.settings.node import NodeConfiguration

pytestmark = pytest.mark.executor

GOOD = {"size": 4}
"""The parameters without which the node cannot be configured."""


@dataclass(frozen=True, kw_only=True)
class Configuration(NodeConfiguration):
    """A structural and a live attribute."""

    size: int = attribute("Decides what the node is made of.", minimum=1)
    parts: tuple[str, ...] = attribute("As well.", default=())
    gain: float = attribute("A value only.", default=1.0, minimum=0.0, live=True)


class Example(ServiceNode):
    """Writes down which hooks were called, fails where it is told to, and has commands that wait."""

    Configuration = Configuration

    def __init__(self, name, **arguments):
        self.journal, self.failures, self.gates = [], {}, []
        super().__init__(name, **arguments)

    def _hook(self, name):
        self.journal.append(name)
        if name in self.failures:
            raise self.failures[name]

    def configure(self):
        self._hook("configure")

    def activate(self):
        self._hook("activate")

    def deactivate(self):
        self._hook("deactivate")

    def cleanup(self):
        self._hook("cleanup")

    def housekeep(self):
        if "housekeep" in self.failures:
            raise self.failures["housekeep"]

    def status(self):
        if "status" in self.failures:
            raise self.failures["status"]
        return {"gain": self.settings.gain, "odd": {1}}

    def validate(self, changes):
        self.journal.append(("validate", dict(changes)))
        if "validate" in self.failures:
            raise self.failures["validate"]

    def apply(self, changes):
        self.journal.append(("apply", dict(changes), self.settings.gain))
        if "apply" in self.failures:
            raise self.failures["apply"]

    async def command(self, command, call):
        if "fail" in command:
            raise self.failures[command["fail"]]
        if "wait" in command:
            gate = Future()
            self.gates.append(gate)
            return {"waited": await call.wait(gate, lambda: too_late(call))}
        if "where" in command:
            gate = Future()
            self.gates.append(gate)
            await call.wait(gate, lambda: too_late(call), go_on_there=True)
            return {"where": threading.current_thread().name}
        return {"timeout": call.timeout, **command}


@pytest.fixture
def example(spin):
    """An active node."""
    return spin(Example, "example", GOOD)


@pytest.fixture
def make(context):
    """Makes a node that nobody starts or spins."""
    made = []

    def make(parameters=GOOD, **arguments):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        made.append(Example("example", context=context, parameter_overrides=overrides, **arguments))
        return made[-1]

    yield make
    for node in made:
        node.close()


@contextmanager
def plainly_spinning(node, context):
    """Spin a node as users do, by rclpy's own means, which end with the first exception that leaves a callback."""
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    ended = []

    def spin():
        try:
            executor.spin()
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    yield
    assert ended == []
    executor.shutdown(0)
    thread.join(PATIENCE)


def change(peer, label="", number=0):
    """Ask for a transition, and return whether it succeeded."""
    transition = Transition(id=number, label=label)
    return peer.call(ChangeState, "example/change_state", transition=transition).success


def state(peer):
    return peer.call(GetState, "example/get_state").current_state.label


def command(peer, timeout=0.0, **fields):
    return peer.call(DoCommand, "example/do_command", command=json.dumps(fields), timeout=timeout)


def asked(peer, timeout=0.0, **fields):
    return peer.ask(DoCommand, "example/do_command", command=json.dumps(fields), timeout=timeout)


class TestStarting:
    def test_making_a_node_starts_nothing(self, make):
        node = make()
        assert node.state == "unconfigured"
        assert node.journal == []

    def test_starting_configures_and_activates(self, make):
        node = make()
        node.start()
        assert node.state == "active"
        assert node.journal == ["configure", "activate"]

    def test_to_start_it_again_changes_nothing(self, make, capfd):
        node = make()
        node.start()
        node.start()
        assert node.state == "active"
        assert node.journal == ["configure", "activate"]
        assert "No transition" not in capfd.readouterr().err

    @pytest.mark.parametrize("hook", ["configure", "activate"])
    def test_a_library_that_would_end_the_process_only_keeps_it_from_working(self, make, hook):
        node = make()
        node.failures[hook] = SystemExit(7)
        node.start()
        assert node.state in ("unconfigured", "inactive")
        assert node.last_error == "SystemExit: 7"

    def test_without_autostart_it_waits_to_be_configured(self, spin, peer):
        spin(Example, "example", {**GOOD, "autostart": False})
        assert peer.status("example")["state"] == "unconfigured"
        assert change(peer, "configure")
        assert change(peer, "activate")
        assert state(peer) == "active"

    def test_parameters_are_known_before_it_is_configured(self, make):
        assert make({"size": 7, "gain": 2}).settings == Configuration(size=7, gain=2.0)

    def test_required_ones_that_are_missing_are_empty_until_then(self, make):
        assert make({"gain": 2.0}).settings == Configuration(size=0)


class TestNodesThatCannotBeConfigured:
    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({}, "'size' is missing (Decides what the node is made of): give an integer, at least 1"),
            ({"size": "big"}, "'size' must be an integer, at least 1, not 'big'"),
            ({"size": 0}, "'size' must be an integer, at least 1, not 0"),
            ({**GOOD, "gain": -1}, "'gain' must be a number, at least 0, not -1"),
            ({**GOOD, "autostart": "yes"}, "'autostart' must be true or false, not 'yes'"),
            ({**GOOD, "timeout": 0.0}, "'timeout' must be a number, above 0 and at most 600 s, not 0.0"),
        ],
    )
    def test_it_stays_unconfigured_with_the_reason(self, spin, peer, parameters, words):
        node = spin(Example, "example", parameters)
        status = peer.status("example")
        assert status["state"] == "unconfigured"
        assert words in status["last_error"]
        assert "configure" not in node.journal
        answer = command(peer)
        assert answer.error_code == ErrorCode.NOT_ACTIVE
        assert words in answer.message
        assert words in peer.status("example")["last_call_error"]

    @pytest.mark.parametrize(
        ("name", "wrong", "right"), [("size", "big", 4), ("gain", "loud", 2.5), ("parts", 1, ["a"])]
    )
    def test_setting_the_parameter_right_and_configuring_again_repairs_it(self, spin, peer, name, wrong, right):
        # With autostart it may have started by itself before it is told to.
        node = spin(Example, "example", {**GOOD, "autostart": False, name: wrong})
        assert not change(peer, "configure")
        assert peer.set("example", {name: right}).successful
        assert change(peer, "configure")
        assert change(peer, "activate")
        assert peer.status("example")["last_error"] == ""
        assert getattr(node.settings, name) == (tuple(right) if isinstance(right, list) else right)
        assert command(peer).success

    @pytest.mark.parametrize(
        ("failure", "reason"),
        [
            (VisionError(ErrorCode.CAMERA_ERROR, "no device /dev/video7"), "no device /dev/video7"),
            (KeyError("tensor"), "KeyError: 'tensor'"),
        ],
    )
    def test_a_hook_that_fails_leaves_it_unconfigured_cleaned_up_and_with_the_reason(
        self, make, context, peer, failure, reason
    ):
        node = make()
        node.failures["configure"] = failure
        with plainly_spinning(node, context):
            assert not change(peer, "configure")
            assert peer.status("example")["state"] == "unconfigured"
            assert peer.status("example")["last_error"] == reason
            assert node.journal == ["configure", "cleanup"]
            node.failures.clear()
            assert change(peer, "configure")
            assert peer.status("example")["last_error"] == ""

    def test_what_fails_while_cleaning_up_does_not_hide_the_reason(self, make):
        node = make()
        node.failures.update(configure=ValueError("first"), cleanup=ValueError("second"))
        node.start()
        assert node.last_error == "ValueError: first"

    def test_names_that_nobody_knows_are_a_warning_with_what_may_be_meant(self, make, capfd):
        node = make({**GOOD, "gian": 2.0, "zzz": 1})
        node.start()
        assert node.state == "active"
        said = capfd.readouterr().err
        assert "parameter 'gian' is not known here: did you mean 'gain'?" in said
        assert "parameter 'zzz' is not known here" in said

    def test_a_misspelt_name_is_said_also_where_it_is_the_reason(self, make, capfd):
        make({"sise": 4, "zzz": 1}).start()
        said = capfd.readouterr().err
        assert "'size' is missing" in said
        assert "parameter 'sise' is not known here: did you mean 'size'?" in said
        assert "zzz" not in said  # it may be of what could not be made

    def test_a_name_that_begins_like_a_declared_one_is_not_taken_for_misspelt_where_something_else_failed(
        self, make, capfd
    ):
        make({"size_path": 4, "size": 0}).start()
        said = capfd.readouterr().err
        assert "cannot configure" in said
        assert "size_path" not in said


PERIOD = 0.2
"""Of the housekeeping in tests that wait for it, seconds."""


class TestNodesThatNeedWhatIsNotThere:
    MISSING = VisionError(ErrorCode.UNKNOWN_RESOURCE, "no ML model 'fruit'")

    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch):
        monkeypatch.setattr(node_base, "HOUSEKEEPING_PERIOD", PERIOD)
        monkeypatch.setattr(lifecycle, "RETRY_PERIOD", PERIOD / 4)

    def test_it_tries_again_and_says_so_once(self, make, context, peer, capfd):
        node = make()
        node.failures["configure"] = self.MISSING
        node.start()
        with plainly_spinning(node, context):
            eventually(lambda: node.journal.count("configure") > 2, "it tries again")
            assert peer.status("example")["last_error"] == "no ML model 'fruit'"
            node.failures.clear()
            eventually(lambda: peer.status("example")["state"] == "active", "what it needs is there")
        assert capfd.readouterr().err.count("cannot configure: no ML model 'fruit'") == 1

    def test_not_if_somebody_else_starts_it(self, make, context, peer):
        node = make({**GOOD, "autostart": False})
        node.failures["configure"] = self.MISSING
        with plainly_spinning(node, context):
            assert not change(peer, "configure")
            node.failures.clear()
            never(lambda: node.state != "unconfigured", "it started itself", 3 * PERIOD)

    def test_not_after_it_was_started_and_taken_down_again(self, make, context, peer):
        node = make()
        node.failures["configure"] = self.MISSING
        node.start()
        node.failures.clear()
        node.start()
        assert node.state == "active"
        with plainly_spinning(node, context):
            assert change(peer, "deactivate")
            assert change(peer, "cleanup")
            never(lambda: node.state != "unconfigured", "it started itself", 3 * PERIOD)

    def test_not_if_something_else_is_wrong(self, make, context):
        node = make()
        node.failures["configure"] = VisionError(ErrorCode.INVALID_ARGUMENT, "too big")
        node.start()
        with plainly_spinning(node, context):
            never(lambda: node.journal.count("configure") > 1, "it tried again", 3 * PERIOD)


class TestLifecycle:
    def test_each_transition_calls_its_hook(self, make, context, peer):
        node = make()
        states = []
        with plainly_spinning(node, context):
            for label in ("configure", "activate", "deactivate", "activate", "deactivate", "cleanup", "configure"):
                assert change(peer, label)
                states.append(peer.status("example")["state"])
            assert change(peer, "shutdown")
            assert peer.status("example")["state"] == state(peer) == "finalized"
        assert states == ["inactive", "active", "inactive", "active", "inactive", "unconfigured", "inactive"]
        assert node.journal == [
            "configure", "activate", "deactivate", "activate", "deactivate", "cleanup", "configure", "deactivate",
            "cleanup",
        ]  # fmt: skip

    def test_status_is_answered_in_every_state_and_others_say_in_which_it_is(self, make, context, peer):
        node = make()
        with plainly_spinning(node, context):
            for label, expected in (
                ("", "unconfigured"), ("configure", "inactive"), ("activate", "active"), ("deactivate", "inactive"),
                ("cleanup", "unconfigured"), ("shutdown", "finalized"),
            ):  # fmt: skip
                assert not label or change(peer, label)
                assert peer.status("example")["state"] == expected
                answer = command(peer)
                assert answer.success == (expected == "active")
                if expected != "active":
                    assert answer.error_code == ErrorCode.NOT_ACTIVE
                    assert f"/example is {expected}" in answer.message

    def test_a_failed_activation_leaves_it_inactive_with_the_reason(self, make, context, peer):
        node = make()
        node.failures["activate"] = VisionError(ErrorCode.CAMERA_ERROR, "in use")
        with plainly_spinning(node, context):
            assert change(peer, "configure")
            assert not change(peer, "activate")
            assert (peer.status("example")["state"], peer.status("example")["last_error"]) == ("inactive", "in use")
            assert "in use" in command(peer).message
            assert node.journal[-2:] == ["activate", "deactivate"]
            node.failures.clear()
            assert change(peer, "activate")
            assert peer.status("example")["last_error"] == ""

    def test_failures_on_the_way_down_do_not_stop_it_and_are_kept(self, make, context, peer):
        node = make()
        node.start()
        node.failures.update(deactivate=ValueError("stuck"), cleanup=ValueError("lost"))
        with plainly_spinning(node, context):
            assert change(peer, "deactivate")
            assert (peer.status("example")["state"], peer.status("example")["last_error"]) == (
                "inactive",
                "ValueError: stuck",
            )
            assert change(peer, "cleanup")
            assert (peer.status("example")["state"], peer.status("example")["last_error"]) == (
                "unconfigured",
                "ValueError: lost",
            )
            assert change(peer, "shutdown")

    @pytest.mark.parametrize(
        ("label", "number", "name"),
        [
            ("activate", 0, "'activate'"),
            ("", Transition.TRANSITION_ACTIVATE, "'activate'"),
            ("", Transition.TRANSITION_CLEANUP, "'cleanup'"),
            ("", 0, "0"),
            ("", 250, "250"),
            ("actvate", 0, "'actvate'"),
        ],
    )
    def test_an_invalid_transition_is_refused_and_neither_ends_the_executor_nor_gets_lost(
        self, make, context, peer, label, number, name
    ):
        node = make()
        with plainly_spinning(node, context):
            assert not change(peer, label, number)
            status = peer.status("example")
            assert status["state"] == "unconfigured"
            assert status["last_error"] == f"no transition {name} from unconfigured: possible are configure, shutdown"
            assert change(peer, "configure")
            assert peer.status("example")["last_error"] == ""

    def test_transitions_by_number_are_as_good(self, make, context, peer):
        node = make()
        with plainly_spinning(node, context):
            assert change(peer, number=Transition.TRANSITION_CONFIGURE)
            assert change(peer, number=Transition.TRANSITION_ACTIVATE)
            assert state(peer) == "active"
            assert change(peer, number=Transition.TRANSITION_ACTIVE_SHUTDOWN)
            assert state(peer) == "finalized"
            assert not change(peer, number=Transition.TRANSITION_CONFIGURE)
            assert "possible are none" in peer.status("example")["last_error"]

    def test_who_takes_it_down_is_found_in_its_log_and_its_end_is_not(self, make, context, peer, capfd):
        node = make()
        node.start()
        with plainly_spinning(node, context):
            assert change(peer, "deactivate")
            assert "inactive: somebody has asked for it" in capfd.readouterr().err
            assert change(peer, "cleanup")
            assert "unconfigured: somebody has asked for it" in capfd.readouterr().err
            assert change(peer, "configure")
            assert change(peer, "activate")
        node.destroy_node()
        assert "somebody" not in capfd.readouterr().err

    def test_a_call_is_refused_with_the_transition_that_leads_on(self, make, context, peer):
        node = make()
        with plainly_spinning(node, context):
            for step in ("configure", "activate"):
                answer = peer.call(DoCommand, "example/do_command", command="{}")
                assert answer.error_code == ErrorCode.NOT_ACTIVE
                assert f"ros2 lifecycle set /example {step}" in answer.message
                assert change(peer, step)

    def test_each_refusal_is_logged_with_the_reason_as_often_as_it_is_asked_for(self, spin, peer, capfd):
        spin(Example, "example", {"autostart": False})
        for _ in range(2):
            assert not change(peer, "configure")
            assert "cannot configure: node /example: 'size' is missing" in capfd.readouterr().err
        assert not change(peer, number=Transition.TRANSITION_ACTIVATE)
        said = capfd.readouterr().err
        assert "no transition 'activate' from unconfigured" in said
        assert "it is unconfigured because: node /example: 'size' is missing" in said

    def test_who_would_configure_a_node_that_starts_by_itself_is_told_of_autostart(self, example, peer, capfd):
        assert not change(peer, number=Transition.TRANSITION_CONFIGURE)
        assert "give it 'autostart: false'" in capfd.readouterr().err

    def test_an_invalid_transition_does_not_hide_why_the_node_is_not_configured(self, spin, peer):
        spin(Example, "example", {})
        assert not change(peer, "activate")
        assert "'size' is missing" in peer.status("example")["last_error"]


class TestParameters:
    def test_live_ones_are_replaced_and_applied(self, example, peer):
        assert peer.set("example", {"gain": 2, "timeout": 3}).successful
        assert example.settings == Configuration(size=4, gain=2.0, timeout=3.0)
        changes = {"gain": 2.0, "timeout": 3.0}
        assert example.journal[-2:] == [("validate", changes), ("apply", changes, 2.0)]

    @pytest.mark.parametrize("label", ["active", "inactive"])
    def test_structural_ones_are_refused_while_it_is_configured_with_what_to_do(self, example, peer, label):
        if label == "inactive":
            assert change(peer, "deactivate")
        result = peer.set("example", {"size": 5, "gain": 3.0, "parts": ["a"]})
        assert not result.successful
        assert result.reason == (
            "parts, size: can be changed only while the node is unconfigured (deactivate and clean it up first)"
        )
        assert example.settings == Configuration(size=4)

    def test_and_set_while_it_is_not(self, example, peer):
        assert change(peer, "deactivate")
        assert change(peer, "cleanup")
        assert peer.set("example", {"size": 5, "parts": ["a"]}).successful
        assert change(peer, "configure")
        assert example.settings == Configuration(size=5, parts=("a",))

    def test_autostart_may_be_set_at_any_time(self, example, peer):
        assert peer.set("example", {"autostart": False}).successful
        assert state(peer) == "active"

    def test_the_node_may_refuse_and_then_nothing_is_set(self, example, peer):
        example.failures["validate"] = VisionError(ErrorCode.INVALID_ARGUMENT, "too loud")
        result = peer.set("example", {"gain": 9.0})
        assert (result.successful, result.reason) == (False, "too loud")
        assert example.settings.gain == 1.0

    def test_who_sets_a_parameter_is_answered_whatever_checking_it_raises(self, example, peer):
        example.failures["validate"] = SystemExit(7)
        result = peer.set("example", {"gain": 9.0})
        assert (result.successful, result.reason) == (False, "SystemExit: 7")
        assert example.settings.gain == 1.0

    def test_a_node_that_fails_to_use_a_change_goes_on_and_says_so(self, make, context, peer):
        node = make()
        node.start()
        node.failures["apply"] = RuntimeError("oh")
        with plainly_spinning(node, context):
            assert peer.set("example", {"gain": 2.0}).successful
            assert peer.status("example")["troubles"] == ["using changed parameters failed: RuntimeError: oh"]
            node.failures.clear()
            assert peer.set("example", {"gain": 3.0}).successful
            assert peer.status("example")["troubles"] == []


class TestCalls:
    def test_an_answer_begins_with_success(self, example, peer):
        answer = command(peer, say="hello")
        assert (answer.success, answer.error_code, answer.message) == (True, ErrorCode.OK, "")
        assert json.loads(answer.result) == {"timeout": 5.0, "say": "hello"}

    def test_what_was_foreseen_is_answered_with_its_code_and_sentence(self, example, peer):
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

    def test_a_sentence_that_is_no_utf_8_is_answered_all_the_same(self, example, peer):
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


class TestStatus:
    def test_it_has_what_the_node_adds_whatever_that_is(self, example, peer):
        status = peer.status("example")
        assert (status["gain"], status["odd"]) == (1.0, "{1}")
        assert (status["last_error"], status["troubles"]) == ("", [])

    def test_it_is_answered_also_where_the_node_fails_to_add_something(self, example, peer):
        example.failures["status"] = KeyError("model")
        status = peer.status("example")
        assert (status["state"], status["status_error"]) == ("active", "KeyError: 'model'")


class TestTime:
    def test_a_failure_of_housekeeping_is_a_trouble_until_it_works_again(self, make, context, peer, capfd):
        node = make()
        node.start()
        node.failures["housekeep"] = ValueError("oh")
        with plainly_spinning(node, context):
            eventually(lambda: peer.status("example")["troubles"], "the problem begins")
            assert peer.status("example")["troubles"] == ["housekeeping failed: ValueError: oh"]
            node.failures.clear()
            eventually(lambda: not peer.status("example")["troubles"], "the problem is over")
        assert capfd.readouterr().err.count("Traceback") == 1

    @pytest.fixture
    def often(self, monkeypatch):
        """Makes the diagnostics of nodes come more often than once a second."""
        monkeypatch.setattr(node_base, "HOUSEKEEPING_PERIOD", 0.1)
        monkeypatch.setattr(node_status, "DIAGNOSTICS_PERIOD", 0.1)

    def test_diagnostics_say_how_it_is(self, often, make, context, peer):
        node = make()
        inbox = peer.listen(DiagnosticArray, "/diagnostics")

        def diagnosed(level):
            heard = []
            while not heard or heard[-1].level != level:
                assert len(heard) < 200, f"waited in vain for {level}: {heard}"
                heard.append(inbox.next().status[0])
            return heard[-1]

        with plainly_spinning(node, context):
            assert diagnosed(DiagnosticStatus.OK).message == "unconfigured"
            node.failures["configure"] = VisionError(ErrorCode.CAMERA_ERROR, "no device")
            change(peer, "configure")
            assert diagnosed(DiagnosticStatus.ERROR).message == "no device"
            node.failures = {"status": KeyError("x")}
            change(peer, "configure")
            change(peer, "activate")
            node.diagnostics.report("silence", "no frames")
            found = diagnosed(DiagnosticStatus.WARN)
            assert (found.name, found.message) == ("example", "no frames")
            values = {each.key: json.loads(each.value) for each in found.values}
            assert "KeyError" in values["status_error"]
            assert set(values["calls"]) == {"answered", "failed", "pending"}
            assert (values["last_error"], values["last_call_error"]) == ("", "")

    def test_a_second_node_of_the_name_is_a_problem(self, often, example, spin, peer):
        spin(Example, "example", GOOD, namespace="/other")
        twin = spin(Example, "example", GOOD)
        eventually(
            lambda: any("1 more node(s) of the name /example" in said for said in twin.diagnostics.messages), "said"
        )
        assert namesakes(example) == namesakes(twin) == 1


class TestClosing:
    def test_it_lets_go_and_leaves_the_graph(self, make, peer):
        node = make()
        node.start()
        eventually(lambda: peer.node.count_services("/example/get_status"), "it is there")
        node.close()
        assert node.journal[-2:] == ["deactivate", "cleanup"]
        assert node.state == "finalized"
        eventually(lambda: not peer.node.count_services("/example/get_status"), "its services are gone")
        eventually(lambda: "example" not in peer.node.get_node_names(), "its name is gone")

    def test_closing_twice_is_closing_once(self, make):
        node = make()
        node.close()
        before = list(node.journal)
        node.close()
        assert node.journal == before

    def test_hooks_that_fail_do_not_stop_it(self, make, peer):
        node = make()
        node.start()
        node.failures.update(deactivate=ValueError("stuck"), cleanup=ValueError("lost"))
        node.close()
        eventually(lambda: not peer.node.count_services("/example/get_status"), "it is gone")

    def test_a_wait_that_ends_after_the_executor_is_gone_does_no_harm(self, spin, peer, capfd):
        example = spin(Example, "example", GOOD)
        asked(peer, timeout=PATIENCE, wait=1)
        gate = eventually(lambda: example.gates, "the call waits")[0]
        example.executor.shutdown(0)
        gate.set_result("late")
        assert "exception calling callback" not in capfd.readouterr().err


@pytest.mark.parametrize(("text", "value"), [("", {}), ("{}", {}), ('{"a": [1]}', {"a": [1]})])
def test_an_empty_text_is_an_empty_json_object(text, value):
    assert json_object(text, "extra") == value


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
