"""What a host and the environment give ROS."""

import os
import shutil
from pathlib import Path

import pytest

from vision_service.findings import NOTE, PROBLEM
from vision_service.ros.checks import host as host_checks
from vision_service.ros.checks.host import check_host, facts
from vision_service.ros.process import dds
from vision_service.ros.process.dds import MEBIBYTE, VARIABLES, choose_profile, profile_variable

OF_THE_USER = (*VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS", "RMW_IMPLEMENTATION", "ROS_LOCALHOST_ONLY")


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """A host on which all is well, and an environment in which nobody has chosen anything."""
    for variable in (*OF_THE_USER, "ROS_SECURITY_ENABLE", "ROS_SECURITY_STRATEGY"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    monkeypatch.setenv("ROS_HOME", str(tmp_path / "ros"))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setattr(host_checks, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(host_checks, "dead_segments", list)
    usage = shutil.disk_usage("/")._replace(total=64 * MEBIBYTE, free=60 * MEBIBYTE)
    monkeypatch.setattr(host_checks.shutil, "disk_usage", lambda path: usage)


def found(kind):
    return [each for each in check_host() if each.kind == kind]


def test_where_all_is_well_nothing_is_found():
    assert check_host() == []


def test_facts_name_versions_memory_and_reach():
    told = facts()
    assert told["versions"]["rclpy"]
    assert told["versions"]["numpy"]
    assert told["shared_memory"] == {"size": 64 * MEBIBYTE, "free": 60 * MEBIBYTE}
    assert (told["middleware"], told["kept_to_this_host"]) == ("rmw_fastrtps_cpp", True)


class TestReach:
    def test_a_domain_that_other_hosts_reach_is_noted_with_what_to_set(self, monkeypatch):
        monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE")
        (note,) = found("open_domain")
        assert note.severity == NOTE
        assert "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST" in note.advice

    def test_security_closes_it(self, monkeypatch):
        monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE")
        monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
        assert found("open_domain")  # permissive: whoever has no keys is let in
        monkeypatch.setenv("ROS_SECURITY_STRATEGY", "Enforce")
        assert not found("open_domain")

    def test_small_socket_buffers_matter_for_other_hosts_only(self, monkeypatch, tmp_path):
        limit = tmp_path / "rmem_max"
        limit.write_text("212992\n")
        monkeypatch.setattr(host_checks, "RECEIVE_LIMIT", limit)
        assert not found("receive_buffer")
        monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE")
        assert "208 KiB" in found("receive_buffer")[0].what


class TestProfiles:
    def test_ours_is_all_right(self):
        choose_profile()
        assert not found("profile")

    def test_a_variable_that_the_installed_fast_dds_does_not_read_is_a_problem(self, monkeypatch, tmp_path):
        read = profile_variable()
        (other,) = set(VARIABLES) - {read}
        monkeypatch.setenv(other, "/mine.xml")
        (problem,) = found("profile")
        assert (problem.where, problem.severity) == (other, PROBLEM)
        assert problem.advice == f"export {read}=/mine.xml; unset {other}"

    @pytest.mark.parametrize(
        ("text", "says"),
        [(None, "cannot be read"), ("<dds>", "is no XML"), ("<?xml version='1.0' encoding='x'?><dds/>", "is no XML")],
    )
    def test_a_file_that_cannot_be_used_is_a_problem(self, monkeypatch, tmp_path, text, says):
        path = tmp_path / "profile.xml"
        if text is not None:
            path.write_text(text)
        monkeypatch.setenv(profile_variable(), str(path))
        (problem,) = found("profile")
        assert says in problem.what

    def test_a_pipe_in_its_place_is_not_waited_for(self, monkeypatch, tmp_path):
        os.mkfifo(tmp_path / "profile.xml")
        monkeypatch.setenv(profile_variable(), str(tmp_path / "profile.xml"))
        (problem,) = found("profile")
        assert "cannot be read: it is a named pipe" in problem.what

    def test_one_without_shared_memory_is_noted(self, monkeypatch):
        monkeypatch.setattr(dds, "SHARED_MEMORY", Path("/nowhere"))
        choose_profile()
        assert "no shared memory" in found("profile")[0].what

    def test_so_are_built_in_transports_without_it(self, monkeypatch):
        monkeypatch.setenv("FASTDDS_BUILTIN_TRANSPORTS", "UDPv4")
        assert "leaves shared memory out" in found("profile")[0].what

    def test_another_middleware_has_none(self, monkeypatch):
        monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp")
        monkeypatch.setenv(VARIABLES[0], "/nowhere.xml")
        assert check_host() == []


class TestSharedMemory:
    def test_too_little_is_a_problem_with_what_to_do(self, monkeypatch):
        usage = shutil.disk_usage("/")._replace(free=3 * MEBIBYTE)
        monkeypatch.setattr(host_checks.shutil, "disk_usage", lambda path: usage)
        (problem,) = found("shared_memory")
        assert "only 3 of 64 MiB are free" in problem.what
        assert "--shm-size" in problem.advice

    def test_none_is_a_problem(self, monkeypatch):
        monkeypatch.setattr(host_checks, "SHARED_MEMORY", Path("/nowhere"))
        assert "is not there" in found("shared_memory")[0].what
        assert facts()["shared_memory"] is None
