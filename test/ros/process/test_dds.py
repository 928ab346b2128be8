"""The profile of Fast DDS: chosen unless the user chose, and never a reason not to start."""

import importlib.machinery
import os
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest

from vision_service.ros.process import dds
from vision_service.ros.process.dds import (
    MEBIBYTE,
    NEW_VARIABLE,
    OLD_VARIABLE,
    RECEIVE_BUFFER,
    SEGMENT,
    VARIABLES,
    choose_profile,
    profile_variable,
)

NAMESPACE = "{http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles}"
PRINT_RECEIVE_BUFFERS = """
import os, socket
for number in map(int, os.listdir("/proc/self/fd")):
    try:
        print(socket.socket(fileno=os.dup(number)).getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
    except OSError:  # no socket
        pass
"""
OF_THE_USER = (*VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS", "RMW_IMPLEMENTATION", "ROS_HOME")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A home of the test's own, and an environment in which nobody has chosen anything."""
    for variable in OF_THE_USER:
        monkeypatch.setenv(variable, "")  # so that what is chosen is forgotten after the test
        monkeypatch.delenv(variable)
    monkeypatch.setenv("ROS_HOME", str(tmp_path / "ros"))
    return tmp_path / "ros"


def chosen():
    """Return the path of the profile that was chosen, of which there is one at most."""
    paths = [path for path in map(os.environ.get, VARIABLES) if path is not None]
    assert len(paths) <= 1
    return paths[0] if paths else None


def fast_dds(prefix, library):
    """Make a prefix in which this library of Fast DDS is installed; return it."""
    (prefix / library).parent.mkdir(parents=True)
    (prefix / library).touch()
    return prefix


@pytest.fixture
def free(monkeypatch):
    """Sets how much shared memory is free, MiB."""

    def set_free(mebibytes):
        monkeypatch.setattr(dds, "_free", lambda folder: mebibytes * MEBIBYTE)

    return set_free


def test_the_file_is_chosen_under_the_name_that_the_installed_fast_dds_reads(free, home):
    free(64)
    assert choose_profile() == ""
    assert Path(chosen()).parent == home / "vision_service"
    assert os.environ[profile_variable()] == chosen()


class TestTheNameOfTheVariable:
    """Fast DDS 3 warns of the name that Fast DDS 2 reads."""

    @pytest.fixture(autouse=True)
    def no_rclpy(self, monkeypatch):
        """Leave only the prefixes in the environment."""
        monkeypatch.setattr(dds.importlib.util, "find_spec", lambda name: None)
        monkeypatch.setattr(dds.sys, "prefix", "/nowhere")
        monkeypatch.delenv("ROS_DISTRO", raising=False)
        monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)

    @pytest.mark.parametrize(
        ("library", "variable"),
        [
            ("lib/libfastrtps.so.2.14", OLD_VARIABLE),
            ("lib/x86_64-linux-gnu/libfastrtps.so.2.14", OLD_VARIABLE),
            ("lib/libfastdds.so.3.2", NEW_VARIABLE),
            ("lib/aarch64-linux-gnu/libfastdds.so.3.2", NEW_VARIABLE),
        ],
    )
    def test_the_library_decides(self, monkeypatch, tmp_path, library, variable):
        workspace = tmp_path / "workspace"  # without any
        ros = fast_dds(tmp_path / "ros", library)
        monkeypatch.setenv("AMENT_PREFIX_PATH", f"{workspace}:{ros}")
        monkeypatch.setenv("ROS_DISTRO", "jazzy" if variable == NEW_VARIABLE else "kilted")
        assert profile_variable() == variable

    def test_the_first_prefix_decides(self, monkeypatch, tmp_path):
        first = fast_dds(tmp_path / "first", "lib/libfastdds.so")
        second = fast_dds(tmp_path / "second", "lib/libfastrtps.so")
        monkeypatch.setenv("AMENT_PREFIX_PATH", f"{first}:{second}")
        assert profile_variable() == NEW_VARIABLE
        monkeypatch.setenv("AMENT_PREFIX_PATH", f"{second}:{first}")
        assert profile_variable() == OLD_VARIABLE

    def test_the_environment_of_python_counts_where_rclpy_is_laid_over_it(self, monkeypatch, tmp_path):
        monkeypatch.setattr(dds.sys, "prefix", str(fast_dds(tmp_path, "lib/libfastdds.so")))
        assert profile_variable() == NEW_VARIABLE

    def test_an_rclpy_in_a_short_path_is_no_prefix(self, monkeypatch):
        spec = importlib.machinery.ModuleSpec("rclpy", None, origin="/rclpy/__init__.py")
        monkeypatch.setattr(dds.importlib.util, "find_spec", lambda name: spec)
        assert profile_variable() == OLD_VARIABLE

    @pytest.mark.parametrize(
        ("distribution", "variable"),
        [
            ("humble", OLD_VARIABLE),
            ("jazzy", OLD_VARIABLE),
            ("kilted", NEW_VARIABLE),
            ("lyrical", NEW_VARIABLE),
            ("rolling", NEW_VARIABLE),
            (None, OLD_VARIABLE),
        ],
    )
    def test_where_there_is_none_the_distribution_decides(self, monkeypatch, distribution, variable):
        if distribution is not None:
            monkeypatch.setenv("ROS_DISTRO", distribution)
        assert profile_variable() == variable


def test_it_asks_for_shared_memory_and_udp_instead_of_what_is_built_in(free):
    free(64)
    choose_profile()
    tree = xml.etree.ElementTree.parse(chosen())  # noqa: S314
    transports = {found.find(f"{NAMESPACE}type").text: found for found in tree.iter(f"{NAMESPACE}transport_descriptor")}
    assert set(transports) == {"SHM", "UDPv4"}
    assert [transports["SHM"].find(f"{NAMESPACE}{name}").text for name in ("segment_size", "maxMessageSize")] == [
        str(SEGMENT)
    ] * 2
    assert transports["UDPv4"].find(f"{NAMESPACE}receiveBufferSize").text == str(RECEIVE_BUFFER)
    (participant,) = tree.iter(f"{NAMESPACE}participant")
    assert participant.attrib["is_default_profile"] == "true"
    assert [found.text for found in tree.iter(f"{NAMESPACE}useBuiltinTransports")] == ["false"]


def in_a_ros_process(code):
    """Return what a process of a node writes that runs this."""
    code = f"import rclpy\nrclpy.init(args=[])\nnode = rclpy.create_node('n')\n{code}\nrclpy.shutdown()"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    return found.stdout


def test_real_ros_reads_it(free):
    free(64)
    choose_profile()
    in_a_ros_process("pass")


def test_images_of_other_hosts_may_wait_at_its_sockets(free):
    free(64)
    choose_profile()
    buffers = in_a_ros_process(PRINT_RECEIVE_BUFFERS).split()
    granted = min(RECEIVE_BUFFER, int(Path("/proc/sys/net/core/rmem_max").read_text()))
    assert str(2 * granted) in buffers  # the kernel doubles it, for its own bookkeeping


@pytest.mark.parametrize(("mebibytes", "segment"), [(1000, 16), (64, 16), (40, 10), (8, 2)])
def test_the_segment_fits_the_memory_that_is_free(free, mebibytes, segment):
    free(mebibytes)
    assert choose_profile() == ""
    assert f"<segment_size>{segment * MEBIBYTE}<" in Path(chosen()).read_text()


@pytest.mark.parametrize("mebibytes", [0, 1, 7])
def test_too_little_memory_is_said_with_what_to_do(free, mebibytes):
    free(mebibytes)
    message = choose_profile()
    assert f"only {mebibytes} MiB" in message
    assert "--shm-size" in message
    assert "UDP is used" in message
    tree = xml.etree.ElementTree.parse(chosen())  # noqa: S314
    assert [found.text for found in tree.iter(f"{NAMESPACE}type")] == ["UDPv4"]
    assert [found.text for found in tree.iter(f"{NAMESPACE}transport_id")] == ["udp", "udp"]


HALF_A_MEBIBYTE = "half a MiB"


@pytest.mark.parametrize("fill", [0, 1000], ids=["tiny", "full"])
@pytest.mark.parametrize("discovery", ["SUBNET", "LOCALHOST"])
def test_a_process_lives_with_shared_memory_that_is_tiny_or_full(home, fill, discovery):
    """With a /dev/shm of its own, which only root can give it."""
    unshare = ["unshare", "--mount", "sh", "-c"]
    mount = "mount -t tmpfs -o size=1m tmpfs /dev/shm"
    if subprocess.run([*unshare, mount], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace can be made here")
    code = (
        "from vision_service.ros.process.dds import choose_profile; print(choose_profile())\n"
        "import os, rclpy; from std_msgs.msg import String\n"
        "rclpy.init(args=[]); node = rclpy.create_node('n'); pub = node.create_publisher(String, 't', 10)\n"
        "[pub.publish(String(data='x' * 300_000)) for _ in range(20)]\n"
        "print(sum(os.stat(f'/dev/shm/{name}').st_size for name in os.listdir('/dev/shm') if 'fast' in name))\n"
        "rclpy.shutdown()"
    )
    command = f'{mount} && head -c {fill}k /dev/zero > /dev/shm/filled; exec "$0" -c "$1"'
    found = subprocess.run(
        [*unshare, command, sys.executable, code],
        env=os.environ | {"ROS_AUTOMATIC_DISCOVERY_RANGE": discovery},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    warning, used = found.stdout.splitlines()[0], int(found.stdout.splitlines()[-1])
    assert "UDP is used" in warning
    if discovery == "SUBNET":
        assert (used, found.stderr, HALF_A_MEBIBYTE in warning) == (0, "", False)
    else:
        assert used < MEBIBYTE
        assert HALF_A_MEBIBYTE in warning


class TestWhetherOtherHostsAreKeptOut:
    @pytest.fixture(autouse=True)
    def nothing_set(self, monkeypatch):
        monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE", raising=False)
        monkeypatch.delenv("ROS_LOCALHOST_ONLY", raising=False)

    def test_by_default_they_are_not(self):
        assert not dds.kept_to_this_host()

    @pytest.mark.parametrize(
        ("value", "kept"),
        [("SUBNET", False), ("SYSTEM_DEFAULT", False), ("LOCALHOST", True), ("OFF", True), ("localhost", True)],
    )
    def test_the_range_says_so(self, monkeypatch, value, kept):
        monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", value)
        assert dds.kept_to_this_host() is kept

    @pytest.mark.parametrize(("variable", "kept"), [(OLD_VARIABLE, True), (NEW_VARIABLE, False)])
    def test_the_old_variable_counts_up_to_jazzy(self, monkeypatch, variable, kept):
        monkeypatch.setattr(dds, "profile_variable", lambda: variable)
        monkeypatch.setenv("ROS_LOCALHOST_ONLY", "1")
        assert dds.kept_to_this_host() is kept


@pytest.mark.parametrize("variable", [*VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS"])
def test_what_the_user_chose_is_left_alone(free, monkeypatch, home, variable):
    free(0)  # nor is he told of memory
    monkeypatch.setenv(variable, "mine")
    assert choose_profile() == ""
    assert [os.environ.get(name) for name in VARIABLES] == ["mine" if name == variable else None for name in VARIABLES]
    assert not home.exists()


def test_another_middleware_is_left_alone(free, monkeypatch, home):
    free(64)
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp")
    assert choose_profile() == ""
    assert chosen() is None
    assert not home.exists()


@pytest.mark.parametrize("name", ["rmw_fastrtps_cpp", ""])
def test_fast_dds_may_be_named_and_an_empty_name_is_none(free, monkeypatch, name):
    free(64)
    monkeypatch.setenv("RMW_IMPLEMENTATION", name)
    choose_profile()
    assert chosen()


def test_processes_that_are_started_later_keep_the_choice(free):
    free(64)
    choose_profile()
    before = chosen()
    free(8)
    assert choose_profile() == ""
    assert chosen() == before


def test_the_file_is_written_once_and_mended_if_it_is_not_ours(free, home, monkeypatch):
    free(64)
    choose_profile()
    file = Path(chosen())
    written = file.stat().st_mtime_ns, file.stat().st_ino
    for again in ("same", "damaged"):
        monkeypatch.delenv(profile_variable())
        if again == "damaged":
            file.write_bytes(b"\xff<dds>")
        choose_profile()
        assert ((file.stat().st_mtime_ns, file.stat().st_ino) == written) == (again == "same")
    assert "<dds" in file.read_text()
    assert list(file.parent.iterdir()) == [file]


def test_where_there_is_no_folder_for_shared_memory_that_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(dds, "SHARED_MEMORY", tmp_path / "nowhere")
    assert "only 0 MiB" in choose_profile()


class TestHomeThatCannotBeWritten:
    @pytest.fixture(autouse=True)
    def temporary(self, free, monkeypatch, tmp_path):
        free(64)
        (tmp_path / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    def test_a_temporary_folder_serves(self, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("ROS_HOME", str(tmp_path / "file"))
        assert choose_profile() == ""
        assert (tmp_path / "tmp") in Path(chosen()).parents
        assert "<dds" in Path(chosen()).read_text()

    def test_also_where_the_folder_is_there_and_the_file_cannot_be(self, home, tmp_path):
        (home / "vision_service" / "fastdds_16_mib.xml").mkdir(parents=True)
        assert choose_profile() == ""
        assert (tmp_path / "tmp") in Path(chosen()).parents

    @pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
    def test_also_where_the_folder_belongs_to_another(self, home, tmp_path):
        (home / "vision_service").mkdir(parents=True)
        (home / "vision_service").chmod(0o555)
        assert choose_profile() == ""
        assert (tmp_path / "tmp") in Path(chosen()).parents

    def test_where_nothing_can_be_written_that_is_said(self, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("ROS_HOME", str(tmp_path / "file"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
        message = choose_profile()
        assert "cannot be written" in message
        assert "ROS_HOME" in message
        assert chosen() is None

    def test_a_user_without_a_home_is_served(self, monkeypatch, tmp_path):
        monkeypatch.delenv("ROS_HOME")
        monkeypatch.delenv("HOME", raising=False)
        monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
        assert choose_profile() == ""
        assert (tmp_path / "tmp") in Path(chosen()).parents
