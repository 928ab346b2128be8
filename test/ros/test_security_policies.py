"""SROS2's policies under security/: what they allow is what the running nodes of config/demo.yaml have."""

import pytest
from std_msgs.msg import Header
from vision_service.srv import GetStatus

from robot import ROOT, eventually
from tools.security_policies import entities_of, observe, policy, read_policy
from vision_service.ros.node.base import ServiceNode

FILE = ROOT / "security" / "demo.policy.xml"
DEMO = ROOT / "config" / "demo.yaml"


@pytest.fixture(scope="module")
def running_nodes():
    return observe(DEMO)


def test_the_policy_allows_what_the_running_nodes_have_and_no_more(running_nodes):
    allowed = read_policy(FILE.read_text(encoding="utf-8"))
    assert allowed == running_nodes, "run: python -m tools.security_policies"


def test_the_policy_is_the_one_that_the_script_writes(running_nodes):
    assert FILE.read_text(encoding="utf-8") == policy(running_nodes)


def test_clients_may_ask_and_look_but_change_nothing(running_nodes):
    client = policy(running_nodes).partition("/vision_service/client")[2]
    assert "/camera/get_image<" in client
    assert "/detector/get_detections_from_camera<" in client
    for word in ("set_parameters", "change_state", "set_camera_info", "do_command"):
        assert word not in client


def test_what_a_node_subscribes_to_and_calls_is_allowed_too(peer, spin):
    class Other(ServiceNode):
        """Nothing but the base."""

    node = spin(Other, "other", namespace="/robot")
    node.create_subscription(Header, "received", lambda _: None, 1)
    node.create_client(GetStatus, "asked")

    def seen():
        return entities_of(peer.node, "other", "/robot")

    eventually(lambda: "/robot/received" in seen().subscriptions and "/robot/asked" in seen().clients, "it is seen")
    found = read_policy(policy({("/robot", "other"): seen()}))
    assert found == {("/robot", "other"): seen()}
    assert "/robot/other/get_status" in found["/robot", "other"].services
