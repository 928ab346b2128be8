"""What our nodes say of themselves: get_status and diagnostics."""

import json

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from example_node import GOOD, Example, change, plainly_spinning
from robot import eventually
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.node import base as node_base
from vision_service.ros.node import status as node_status
from vision_service.ros.node.status import namesakes

pytestmark = pytest.mark.executor


class TestStatus:
    def test_it_has_what_the_node_adds_whatever_that_is(self, example, peer):
        status = peer.status("example")
        assert (status["gain"], status["odd"]) == (1.0, "{1}")
        assert (status["last_error"], status["troubles"]) == ("", [])

    def test_it_is_answered_also_where_the_node_fails_to_add_something(self, example, peer):
        example.failures["status"] = KeyError("model")
        status = peer.status("example")
        assert (status["state"], status["status_error"]) == ("active", "KeyError: 'model'")


class TestDiagnostics:
    @pytest.fixture
    def often(self, monkeypatch):
        """Makes the diagnostics of nodes come more often than once a second."""
        monkeypatch.setattr(node_base, "HOUSEKEEPING_PERIOD", 0.1)
        monkeypatch.setattr(node_status, "DIAGNOSTICS_PERIOD", 0.1)

    def test_diagnostics_say_how_it_is(self, often, make, context, peer):
        node = make()
        inbox = peer.listen(DiagnosticArray, "/diagnostics")

        def diagnosed(level):
            received = []
            while not received or received[-1].level != level:
                assert len(received) < 200, f"waited in vain for {level}: {received}"
                received.append(inbox.next().status[0])
            return received[-1]

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
