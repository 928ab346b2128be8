"""Nodes that a lifecycle manager such as nav2's brings up and down, with and without bonds."""

import pytest
from vision_service.srv import GetDetectionsFromCamera

from lifecycle_manager import LifecycleManager
from robot import RED_DETECTOR, eventually, node_program, running
from vision_service.ros.node.bond import message_type

CAMERA = {"driver": "synthetic", "width_px": 64, "height_px": 48, "autostart": False}
SECTIONS = {
    "stack": {"cameras": ["camera"], "vision": ["reds"]},
    "camera": CAMERA,
    "reds": {**RED_DETECTOR, "cameras": ["camera"], "autostart": False},
}
NAMES = ["camera", "reds"]


@pytest.fixture
def bonds():
    """Skip where a lifecycle manager cannot have bonds."""
    pytest.importorskip("bond.msg", reason="the ROS package bond is not installed")
    pytest.importorskip("bondpy.bondpy", reason="the ROS package bondpy is not installed")


def test_without_bonds_nodes_are_brought_up_and_down_again_and_again():
    with running(SECTIONS) as robot:
        manager = LifecycleManager(robot, NAMES, bond=False)
        for _ in range(3):
            assert {robot.status(name)["state"] for name in NAMES} == {"unconfigured"}
            assert manager.startup()
            assert robot.call(GetDetectionsFromCamera, "reds/get_detections_from_camera").success
            assert manager.reset()


def test_a_node_that_cannot_be_configured_says_why_to_who_asks_and_is_brought_up_when_it_is_set_right(capfd):
    sections = {**SECTIONS, "reds": {**SECTIONS["reds"], "detect_color": "red"}}
    with running(sections) as robot:
        manager = LifecycleManager(robot, NAMES, bond=False)
        assert not manager.startup()
        assert "cannot configure: " in capfd.readouterr().err
        status = robot.status("reds")
        assert status["state"] == "unconfigured"
        assert "'detect_color'" in status["last_error"]
        assert manager.reset() is False  # it was not active
        assert robot.set("reds", {"detect_color": "#FF0000"}).successful
        assert robot.status("reds")["state"] == "unconfigured"  # nobody has asked for more


def test_a_node_that_needs_a_later_one_says_so_and_waits_for_nobody(capfd):
    sections = {
        "stack": {"vision": ["tracked", "reds"]},
        "tracked": {"model": "tracker", "detector_name": "reds", "autostart": False},
        "reds": {**RED_DETECTOR, "autostart": False},
    }
    with running(sections) as robot:
        assert not LifecycleManager(robot, ["tracked", "reds"], bond=False).startup()
        assert "cannot configure: " in capfd.readouterr().err
        assert "reds" in robot.status("tracked")["last_error"]
        assert LifecycleManager(robot, ["reds", "tracked"], bond=False).startup()


@pytest.mark.skipif(message_type() is not None, reason="the ROS package bond is installed")
def test_a_process_that_can_have_no_bonds_says_so_once(peer):
    with node_program("stack", SECTIONS) as started:
        assert LifecycleManager(peer, NAMES, bond=False).startup()
        assert started.end() == 0, started.output
        assert started.output.count("'bond' is not installed") == 1


def test_a_bond_is_made_when_a_node_is_activated_and_ends_when_it_is_deactivated(bonds):
    with running(SECTIONS) as robot:
        manager = LifecycleManager(robot, NAMES, bond=True)
        for _ in range(2):
            assert manager.startup()
            kept = dict(manager.bonds)
            assert sorted(kept) == NAMES
            assert not any(bond.is_broken() for bond in kept.values())
            assert manager.reset()
            eventually(lambda kept=kept: all(bond.is_broken() for bond in kept.values()), "the bonds are broken")


def test_a_process_that_is_told_to_stop_breaks_its_bond(peer, bonds):
    with node_program("camera", {"camera": CAMERA}) as started:
        manager = LifecycleManager(peer, ["camera"], bond=True)
        assert manager.startup(), started.output
        assert started.end() == 0, started.output
        eventually(manager.bonds["camera"].is_broken, "the bond is broken")


@pytest.mark.parametrize("changes", [{"autostart": True}, {"bond_heartbeat_period": 0.0}])
def test_a_node_that_starts_by_itself_or_is_told_not_to_has_no_bond(bonds, changes):
    sections = {"stack": {"cameras": ["camera"]}, "camera": {**CAMERA, **changes}}
    with running(sections) as robot:
        if "autostart" not in changes:
            assert LifecycleManager(robot, ["camera"], bond=False).startup()
        eventually(lambda: robot.status("camera")["state"] == "active", "it works")
        assert robot.node.count_publishers("bond") == 0
