"""The transitions of our nodes: what is asked for, what fails, and what is tried again."""

import pytest
from lifecycle_msgs.msg import Transition
from vision_service.srv import DoCommand

from example_node import GOOD, Configuration, Example, change, command, plainly_spinning, state
from robot import eventually, never
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.node import base as node_base
from vision_service.ros.node import lifecycle

pytestmark = pytest.mark.executor

PERIOD = 0.2
"""Of the housekeeping in tests that wait for it, seconds."""


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

    def test_a_refusal_is_no_reason_for_where_the_node_is_later(self, make, context, peer, capfd):
        node = make()
        node.start()
        with plainly_spinning(node, context):
            for name in ("configure", "cleanup"):
                assert not change(peer, name)
                said = capfd.readouterr().err
                assert f"no transition '{name}' from active" in said
                assert "because" not in said
                assert peer.status("example")["last_error"].startswith(f"no transition '{name}' from active")
            assert change(peer, "deactivate")
            assert peer.status("example")["last_error"] == ""
            answer = peer.call(DoCommand, "example/do_command", command="{}")
            assert answer.error_code == ErrorCode.NOT_ACTIVE
            assert "no transition" not in answer.message

    def test_who_would_configure_a_node_that_starts_by_itself_is_told_of_autostart(self, example, peer, capfd):
        assert not change(peer, number=Transition.TRANSITION_CONFIGURE)
        assert "give it 'autostart: false'" in capfd.readouterr().err

    def test_an_invalid_transition_does_not_hide_why_the_node_is_not_configured(self, spin, peer):
        spin(Example, "example", {})
        assert not change(peer, "activate")
        assert "'size' is missing" in peer.status("example")["last_error"]
