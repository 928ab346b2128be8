"""What runs is listed completely, or the list says that it is not."""

from contextlib import closing

from robot import eventually
from vision_service.ros.calling.caller import Caller
from vision_service.ros.calling.discovery import complete_listing
from vision_service.ros.node.base import ServiceNode


def test_a_node_whose_services_are_all_seen_is_listed_with_its_state(spin, peer):
    spin(ServiceNode, "whole")
    with closing(Caller(peer.node)) as caller:
        eventually(lambda: caller.node.count_services("/whole/do_command"), "the node is seen")
        listing = complete_listing(caller, 30.0)
    assert listing.lacking == ""
    assert {"/whole/get_status": "GetStatus", "/whole/do_command": "DoCommand"}.items() <= listing.services.items()
    assert listing.states["/whole"] == "active"


def test_a_node_of_which_not_all_services_are_seen_is_named(spin, peer):
    node = spin(ServiceNode, "part")
    (unseen,) = [service for service in node.services if service.srv_name.endswith("/do_command")]
    node.destroy_service(unseen)
    with closing(Caller(peer.node)) as caller:
        eventually(lambda: caller.node.count_services("/part/get_status"), "the node is seen")
        listing = complete_listing(caller, 1.0)
    assert listing.lacking == "/part (1 of 2 services)"
