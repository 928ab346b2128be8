"""Parameter services: the answers of rclpy's own, and changes that are built while the node goes on."""

import threading
from dataclasses import dataclass

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterDescriptor, ParameterEvent, ParameterType, ParameterValue
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.node import Node
from rclpy.parameter import Parameter, get_parameter_value
from vision_service.srv import GetStatus

from robot import PATIENCE, eventually
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.parameters.candidates import Candidate
from vision_service.ros.parameters.declared import Parameters
from vision_service.ros.parameters.services import ParameterServices
from vision_service.ros.process.spinning import Spinner
from vision_service.settings.node import NodeConfiguration

# The same answers as rclpy's.


@dataclass(frozen=True)
class Settings:
    """Attributes of ours, beside parameters that are none."""

    color: str = attribute("One of some.", default="red", choices=("red", "green"))
    count: int = attribute("At least one.", default=3, minimum=1)
    share: float = attribute("A part.", default=0.5, minimum=0.0, maximum=1.0)
    names: tuple[str, ...] = attribute("Names.", default=("a",))
    limits: dict[str, float] = attribute("By name.", default={}, minimum=0.0, maximum=1.0)


class Theirs(Node):
    """A node with rclpy's own parameter services."""

    def __init__(self, name, **arguments):
        super().__init__(name, **arguments)
        self.parameters = Parameters(self, lambda changes: None, lambda changes: None)
        self.parameters.declare(Settings)
        self.declare_parameter("fixed", 1, ParameterDescriptor(read_only=True))
        self.declare_parameter("unset", Parameter.Type.DOUBLE)
        self.declare_parameter("free", "any", ParameterDescriptor(dynamic_typing=True))
        self.declare_parameter("deep.er.still", [1, 2])
        self.declare_parameter("deep.here", True)


class Ours(Theirs):
    """The same with ours."""

    def __init__(self, name, **arguments):
        super().__init__(name, start_parameter_services=False, **arguments)
        ParameterServices(self, self.parameters)


def messages(**texts):
    """Return parameter messages as ``ros2 param set`` makes them of what somebody types."""
    return [
        ParameterMessage(name=name.replace("__", "."), value=get_parameter_value(text)) for name, text in texts.items()
    ]


NOT_SET = [ParameterMessage(name="count", value=ParameterValue(type=ParameterType.PARAMETER_NOT_SET))]
REQUESTS = [
    (DescribeParameters, {"names": ["count", "share", "color", "names", "fixed", "unset", "free"]}),
    (DescribeParameters, {"names": ["count", "nothing"]}),
    (DescribeParameters, {"names": []}),
    (GetParameters, {"names": ["count", "share", "names", "deep.er.still", "deep.here", "free"]}),
    (GetParameters, {"names": ["count", "nothing"]}),
    (GetParameters, {"names": ["count", "unset"]}),
    (GetParameters, {"names": []}),
    (GetParameterTypes, {"names": ["count", "unset", "free", "deep.here"]}),
    (GetParameterTypes, {"names": ["count", "nothing"]}),
    (ListParameters, {}),
    (ListParameters, {"depth": 1}),
    (ListParameters, {"depth": 2}),
    (ListParameters, {"prefixes": ["deep"]}),
    (ListParameters, {"prefixes": ["deep"], "depth": 1}),
    (ListParameters, {"prefixes": ["deep.er", "count"], "depth": 1}),
    (ListParameters, {"prefixes": ["nothing"]}),
    (SetParameters, {"parameters": []}),
    (SetParameters, {"parameters": messages(count="7")}),
    (SetParameters, {"parameters": messages(share="1", names="[]", color="green")}),
    (SetParameters, {"parameters": messages(count="half", share="1.5", color="blue", names="[1]")}),
    (SetParameters, {"parameters": messages(fixed="2", nothing="1", colour="red", count="8")}),
    (SetParameters, {"parameters": messages(unset="1.5", free="5", deep__er__still="[3]", deep__here="1")}),
    (SetParameters, {"parameters": messages(limits__cat="0.5", limits__dog="2", limit__cat="0.5")}),
    (SetParameters, {"parameters": NOT_SET}),
    (SetParametersAtomically, {"parameters": []}),
    (SetParametersAtomically, {"parameters": messages(count="9", share="0.25", limits__cow="1")}),
    (SetParametersAtomically, {"parameters": messages(count="10", fixed="2")}),
    (SetParametersAtomically, {"parameters": messages(count="10", nothing="2")}),
    (SetParametersAtomically, {"parameters": messages(count="10", share="7")}),
    (SetParametersAtomically, {"parameters": messages(count="10", color="blue")}),
    (SetParametersAtomically, {"parameters": messages(use_sim_time="1")}),
    (GetParameters, {"names": ["count", "share", "names", "color", "fixed", "free", "limits.cat", "limits.cow"]}),
    (ListParameters, {}),
    (SetParameters, {"parameters": messages(count="77")}),
]
"""What is asked of both, one after the other; the last is the mark of the end."""
SERVICES = {
    DescribeParameters: "describe_parameters",
    GetParameters: "get_parameters",
    GetParameterTypes: "get_parameter_types",
    ListParameters: "list_parameters",
    SetParameters: "set_parameters",
    SetParametersAtomically: "set_parameters_atomically",
}


def test_every_request_is_answered_as_rclpy_answers_it_and_tells_others_the_same(spin, peer):
    spin(Theirs, "theirs"), spin(Ours, "ours")
    received = peer.listen(ParameterEvent, "/parameter_events", 1000)
    eventually(lambda: received.subscription.get_publisher_count() == 3, "both and the peer are connected")
    for kind, fields in REQUESTS:
        ours, theirs = (peer.call(kind, f"{name}/{SERVICES[kind]}", **fields) for name in ("ours", "theirs"))
        assert ours == theirs, (kind, fields)
    events = {"/ours": [], "/theirs": []}

    def both_have_ended():
        for event in received.drain():
            events[event.node].append((event.new_parameters, event.changed_parameters, event.deleted_parameters))
        return all(found and found[-1][1] == REQUESTS[-1][1]["parameters"] for found in events.values())

    eventually(both_have_ended, "the events of the last request")
    assert events["/ours"] == events["/theirs"]


def test_the_services_are_of_the_same_names_types_and_quality_of_service(spin):
    nodes = {"ours": spin(Ours, "ours"), "theirs": spin(Theirs, "theirs")}
    found = {
        name: sorted(
            (service.srv_name.rpartition("/")[2], service.srv_type.__name__, str(service.qos_profile))
            for service in node.services
            if "parameter" in service.srv_name
        )
        for name, node in nodes.items()
    }
    assert len(found["ours"]) == len(SERVICES)
    assert found["ours"] == found["theirs"]
    names = {name: dict(node.get_service_names_and_types_by_node(name, "/")) for name, node in nodes.items()}
    assert {f"/ours/{name}" for name in SERVICES.values()} <= names["ours"].keys()


def test_a_value_of_no_known_type_is_refused_and_the_node_goes_on(spin, peer, capfd):
    spin(Ours, "ours")
    strange = [ParameterMessage(name="count", value=ParameterValue(type=77))]
    (result,) = peer.call(SetParameters, "ours/set_parameters", parameters=strange).results
    assert not result.successful
    assert "77" in result.reason
    assert "Traceback" not in capfd.readouterr().err  # whoever sends it again and again fills no disk
    (result,) = peer.call(SetParameters, "ours/set_parameters", parameters=messages(count="7")).results
    assert result.successful


class TestWhatHasItsValueAlready:
    def test_it_is_no_change_also_where_it_is_read_only(self, spin, peer):
        spin(Ours, "ours")
        same = messages(fixed="1", start_type_description_service="true", count="3")
        results = peer.call(SetParameters, "ours/set_parameters", parameters=same).results
        assert [result.successful for result in results] == [True] * 3
        same = messages(fixed="1")
        assert peer.call(SetParametersAtomically, "ours/set_parameters_atomically", parameters=same).result.successful

    @pytest.mark.parametrize("text", ["1", "true", "1e-05", "[a, b]", "# no comment", ""])
    def test_a_text_may_look_like_something_else(self, spin, peer, text):
        """``ros2 param load`` makes a number of the text 1."""
        node = spin(Ours, "ours")
        node.declare_parameter("text", text)
        message = ParameterMessage(name="text", value=get_parameter_value(text))
        (result,) = peer.call(SetParameters, "ours/set_parameters", parameters=[message]).results
        assert result.successful, result.reason
        assert node.get_parameter("text").value == text

    def test_a_small_number_may_look_like_a_text(self, spin, peer):
        node = spin(Ours, "ours", {"share": 1e-05})
        message = ParameterMessage(name="share", value=get_parameter_value(str(1e-05)))
        assert message.value.type == ParameterType.PARAMETER_STRING
        (result,) = peer.call(SetParameters, "ours/set_parameters", parameters=[message]).results
        assert result.successful, result.reason
        assert node.get_parameter("share").value == 1e-05


# What has to be built.


@dataclass(frozen=True, kw_only=True)
class BuildingConfiguration(NodeConfiguration):
    """One value for which something has to be built, and others."""

    plan: str = attribute("What is built.", default="first", live=True)
    gain: float = attribute("A value only.", default=1.0, minimum=0.0, maximum=2.0, live=True)
    size: int = attribute("Fixed while configured.", default=1)


class Site(ServiceNode):
    """Builds what its plan says, as long as the gate of the plan is shut."""

    Configuration = BuildingConfiguration

    def __init__(self, name, **arguments):
        self.journal, self.gates, self.failures, self.threads = [], {}, {}, []
        super().__init__(name, **arguments)

    def gate(self, plan):
        """Keep what is built of a plan from being ready until the returned event is set."""
        return self.gates.setdefault(plan, threading.Event())

    def candidate(self, changes):
        if "plan" not in changes:
            return None
        plan = changes["plan"]

        def make():
            self.journal.append(f"build {plan}")
            self.threads.append(threading.current_thread())
            if plan in self.gates:
                assert self.gates[plan].wait(PATIENCE)
            if plan in self.failures:
                raise self.failures[plan]
            return plan

        return Candidate(
            what="the building",
            configuration=plan if "gain" not in changes else (plan, changes["gain"]),
            make=make,
            use=lambda made: self.journal.append(f"use {made} with gain {self.settings.gain:g}"),
            drop=lambda made: self.journal.append(f"drop {made}"),
        )

    def apply(self, changes):
        self.journal.append(f"apply {', '.join(changes)}")


@pytest.fixture
def site(spin):
    node = spin(Site, "site")
    yield node
    for gate in node.gates.values():
        gate.set()


def ask(peer, **texts):
    """Return a future of the response to a request that sets parameters one by one."""
    return peer.ask(SetParameters, "site/set_parameters", parameters=messages(**texts))


def reasons(answer):
    """Return why each parameter was refused, empty for those that were set."""
    return [result.reason for result in answer.result(PATIENCE).results]


def being_built(site, plan):
    eventually(lambda: f"build {plan}" in site.journal, f"{plan} is being built")


def transition(peer, number):
    assert peer.call(ChangeState, "site/change_state", transition=Transition(id=number)).success


def test_what_is_built_is_used_when_the_parameters_are_set(site, peer):
    assert reasons(ask(peer, plan="second")) == [""]
    assert site.journal == ["build second", "apply plan", "use second with gain 1"]
    assert site.settings.plan == "second"


def test_the_node_answers_while_it_is_built(site, peer):
    gate = site.gate("second")
    change = ask(peer, plan="second")
    being_built(site, "second")
    assert peer.call(GetStatus, "site/get_status").success
    (value,) = peer.call(GetParameters, "site/get_parameters", names=["plan"]).values
    assert value.string_value == "first"
    assert "plan" in peer.call(ListParameters, "site/list_parameters").result.names
    assert not change.done()
    gate.set()
    assert reasons(change) == [""]
    assert site.settings.plan == "second"


def test_changes_take_turns(site, peer):
    gate = site.gate("second")
    changes = [ask(peer, plan="second")]
    being_built(site, "second")
    changes += [ask(peer, plan="third"), ask(peer, gain="0.5"), ask(peer, plan="second")]
    assert peer.call(GetStatus, "site/get_status").success
    assert site.journal == ["build second"]
    gate.set()
    assert [reasons(change) for change in changes] == [[""]] * 4
    assert site.journal == [
        *("build second", "apply plan", "use second with gain 1"),
        *("build third", "apply plan", "use third with gain 1"),
        "apply gain",
        *("build second", "apply plan", "use second with gain 0.5"),
    ]


def test_parameters_of_one_request_are_set_in_their_order(site, peer):
    assert reasons(ask(peer, gain="0.5", plan="second", size="2")) == ["", "", site_refuses("size")]
    assert site.journal == ["apply gain", "build second", "apply plan", "use second with gain 0.5"]


def site_refuses(name):
    return f"{name}: can be changed only while the node is unconfigured (deactivate and clean it up first)"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"gain": "much"}, "Wrong parameter type"),
        ({"gain": "3"}, "out of range"),
        ({"start_type_description_service": "false"}, "read-only"),
        ({"size": "2"}, "unconfigured"),
        ({"gian": "1"}, "did you mean 'gain'"),
    ],
)
def test_nothing_is_built_for_a_change_that_is_wrong(site, peer, wrong, words):
    change = messages(plan="second", **wrong)
    result = peer.call(SetParametersAtomically, "site/set_parameters_atomically", parameters=change).result
    assert not result.successful
    assert words in result.reason
    assert site.journal == []
    assert site.settings.plan == "first"


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (VisionError(ErrorCode.INVALID_ARGUMENT, "no such plan"), "no such plan"),
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh"),
        (SystemExit(3), "RuntimeError: the building raised SystemExit: 3"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason_and_the_next_is_built(site, peer, failure, reason):
    site.failures["second"] = failure
    assert reasons(ask(peer, plan="second")) == [reason]
    assert site.settings.plan == "first"
    assert reasons(ask(peer, plan="third")) == [""]
    assert site.journal == ["build second", "build third", "apply plan", "use third with gain 1"]


@pytest.mark.parametrize("transitions", [["DEACTIVATE"], ["DEACTIVATE", "CLEANUP"], ["ACTIVE_SHUTDOWN"]])
def test_a_node_that_is_stopped_meanwhile_drops_what_was_built_and_says_so(site, peer, transitions):
    gate = site.gate("second")
    change = ask(peer, plan="second")
    being_built(site, "second")
    for name in transitions:
        transition(peer, getattr(Transition, f"TRANSITION_{name}"))
    gate.set()
    (reason,) = reasons(change)
    assert "the building" in reason
    assert "deactivated" in reason
    eventually(lambda: site.journal == ["build second", "drop second"], "it is dropped")
    assert site.get_parameter("plan").value == "first"


def test_also_if_it_works_again_when_it_is_built(site, peer):
    gate = site.gate("second")
    change = ask(peer, plan="second")
    being_built(site, "second")
    for name in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
        transition(peer, getattr(Transition, f"TRANSITION_{name}"))
    gate.set()
    assert "deactivated" in reasons(change)[0]
    assert reasons(ask(peer, plan="second")) == [""]


def test_a_node_that_is_closed_meanwhile_drops_what_was_built(context, peer):
    site = Site("site", context=context)
    site.start()
    spinner = Spinner(site)
    gate = site.gate("second")
    ask(peer, plan="second")
    being_built(site, "second")
    spinner.stop()
    site.close()
    gate.set()
    eventually(lambda: site.journal[-1] == "drop second", "it is dropped")
    (thread,) = site.threads
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_what_is_not_ready_in_time_is_refused_and_dropped_when_it_is_and_holds_up_no_other(site, peer):
    gate = site.gate("second")
    assert reasons(ask(peer, timeout="0.2")) == [""]
    (reason,) = reasons(ask(peer, plan="second"))
    assert "the building was not built within 0.2 s" in reason
    assert "'timeout'" in reason
    assert reasons(ask(peer, timeout="30.0", plan="third")) == ["", ""]
    assert "drop second" not in site.journal
    gate.set()
    eventually(lambda: site.journal[-1] == "drop second", "it is dropped")
    assert site.settings.plan == "third"


def test_what_is_set_in_this_process_is_built_in_place(site):
    (result,) = site.set_parameters([Parameter("plan", value="second")])
    assert result.successful
    assert site.journal == ["build second", "apply plan", "use second with gain 1"]
    assert site.threads == [threading.current_thread()]
    site.failures["third"] = VisionError(ErrorCode.INVALID_ARGUMENT, "no such plan")
    assert site.set_parameters_atomically([Parameter("plan", value="third")]).reason == "no such plan"


def test_what_another_change_has_made_unnecessary_is_dropped(site, peer):
    gate = site.gate("second")
    change = ask(peer, plan="second")
    being_built(site, "second")
    del site.gates["second"]
    assert site.set_parameters_atomically([Parameter("plan", value="second")]).successful
    gate.set()
    assert reasons(change) == [""]
    eventually(lambda: site.journal[-1] == "drop second", "it is dropped")
    assert site.journal.count("use second with gain 1") == 1
