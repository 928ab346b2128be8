"""The node base: parameters, housekeeping, and how it ends."""

import pytest

from example_node import GOOD, Configuration, Example, asked, change, plainly_spinning, state
from robot import PATIENCE, eventually
from vision_service.errors import ErrorCode, VisionError

pytestmark = pytest.mark.executor


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
