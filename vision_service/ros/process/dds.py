"""Fast DDS's shared memory and buffers, without which most large images between two processes or hosts are lost.

Between processes of one host only the publisher's profile matters, between hosts the listener's. It has to be chosen
before ``rclpy.init``, and is left alone where the user has chosen one, or uses another middleware.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from vision_service.ros.process.shared_memory import SHARED_MEMORY

OLD_VARIABLE, NEW_VARIABLE = VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""Where Fast DDS 2 (up to Jazzy) and 3 (from Kilted on) look for a profile; 3 warns of the old name."""
FAST_DDS_2 = ("libfastrtps.so*", "*-linux-gnu/libfastrtps.so*")
FAST_DDS_3 = ("libfastdds.so*", "*-linux-gnu/libfastdds.so*")
"""Their libraries in a prefix's folder ``lib``."""

MIDDLEWARE = "rmw_fastrtps_cpp"
"""ROS's default."""
MEBIBYTE = 2**20
SEGMENT = 16 * MEBIBYTE
"""What gave 60 of 60 images at 1080p and 30 Hz; larger ones cost memory in every process."""
SMALLEST = 2 * MEBIBYTE
RECEIVE_BUFFER = 16 * MEBIBYTE
"""What of another host's images may wait at the socket; the kernel gives net.core.rmem_max of it at most. With its
default of 208 KiB, every third raw image of 640×480 got lost."""

PROFILE = """\
<?xml version="1.0" encoding="UTF-8" ?>
<dds xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <profiles>
    <transport_descriptors>
{shared_memory}      <transport_descriptor>
        <transport_id>udp</transport_id>
        <type>UDPv4</type>
        <receiveBufferSize>{receive_buffer}</receiveBufferSize>
      </transport_descriptor>
    </transport_descriptors>
    <participant profile_name="vision_service" is_default_profile="true">
      <rtps>
        <userTransports>
{use_shared_memory}          <transport_id>udp</transport_id>
        </userTransports>
        <useBuiltinTransports>false</useBuiltinTransports>
        <builtin>
          <discovery_config>
            <initialAnnouncements>
              <count>30</count>
              <period>
                <sec>0</sec>
                <nanosec>100000000</nanosec>
              </period>
            </initialAnnouncements>
          </discovery_config>
        </builtin>
      </rtps>
    </participant>
  </profiles>
</dds>
"""
DESCRIPTOR = """\
      <transport_descriptor>
        <transport_id>shared_memory</transport_id>
        <type>SHM</type>
        <segment_size>{segment}</segment_size>
        <maxMessageSize>{segment}</maxMessageSize>
      </transport_descriptor>
"""
USE = "          <transport_id>shared_memory</transport_id>\n"


def choose_profile() -> str:
    """Choose the shared memory profile for this process, and for those it starts, by environment variables.

    Where there is too little of it, UDP alone is chosen: a process that writes to shared memory that is full gets
    SIGBUS. Where discovery is kept to this host, rmw_fastrtps adds a segment of its own of 0.5 MiB to whatever a
    profile or FASTDDS_BUILTIN_TRANSPORTS says (seen on Jazzy and Kilted), and goes on with UDP where that does not fit.

    Returns:
        What to log if shared memory is not used as it should be, else an empty text.
    """
    if not uses_fast_dds():
        return ""
    if any(os.environ.get(variable) for variable in (*VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS")):
        return ""
    free = _free(SHARED_MEMORY)
    segment = min(SEGMENT, free // 4)
    warning = ""
    if segment < SMALLEST:
        segment = 0
        instead = "UDP is used instead"
        if kept_to_this_host():
            instead += " (but for half a MiB, which rmw_fastrtps takes of itself where discovery is kept to this host)"
        warning = (
            f"only {free / MEBIBYTE:.0f} MiB of shared memory are free in {SHARED_MEMORY}, so {instead}, and "
            "large images between processes will get lost: give the container more (docker run --shm-size=64m, or "
            "--ipc=host), or see with 'vision-service doctor' what has filled it"
        )
    try:
        path = _write_profile(segment)
    except OSError as error:
        if not segment:
            os.environ["FASTDDS_BUILTIN_TRANSPORTS"] = "UDPv4"  # known from Fast DDS 2.13 on
            return warning
        return (
            f"the profile for shared memory cannot be written ({error}), so large images between processes will get "
            "lost: set ROS_HOME to a folder that this user may write to"
        )
    os.environ[profile_variable()] = str(path)
    return warning


def uses_fast_dds() -> bool:
    """Return whether this process uses Fast DDS, which is ROS's default."""
    return (os.environ.get("RMW_IMPLEMENTATION") or MIDDLEWARE) == MIDDLEWARE


def kept_to_this_host() -> bool:
    """Return whether other hosts cannot discover this process, nor it them, by what the environment says."""
    if os.environ.get("ROS_LOCALHOST_ONLY") == "1" and profile_variable() == OLD_VARIABLE:  # not read from Kilted on
        return True
    # rcl takes what it does not know for LOCALHOST.
    return os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "") not in ("", "SUBNET", "SYSTEM_DEFAULT")


def profile_variable() -> str:
    """Return the variable that the installed Fast DDS reads its profile from."""
    for prefix in _prefixes():
        for variable, libraries in ((NEW_VARIABLE, FAST_DDS_3), (OLD_VARIABLE, FAST_DDS_2)):
            if any(next((prefix / "lib").glob(library), None) for library in libraries):
                return variable
    # Built elsewhere, or of the system: distributions are called by the alphabet.
    return NEW_VARIABLE if os.environ.get("ROS_DISTRO", "") > "jazzy" else OLD_VARIABLE


def _free(folder: Path) -> int:
    """Return how many bytes this user may write into a folder's file system; none, if it is no folder."""
    if not folder.is_dir():
        return 0
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _prefixes() -> list[Path]:
    """Return where ROS may be installed, the prefix of rclpy first, which its middleware is installed with."""
    rclpy = importlib.util.find_spec("rclpy")
    # rclpy lies in <prefix>/lib/python3.x/site-packages/rclpy/__init__.py.
    own = list(Path(rclpy.origin).parents)[4:5] if rclpy is not None and rclpy.origin is not None else []
    sourced = [Path(prefix) for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
    return [*own, *sourced, Path(sys.prefix)]


def _write_profile(segment: int) -> Path:
    """Return a file with the profile; the same for every process of this user that has the same segment size.

    Args:
        segment: Bytes; 0 = no shared memory, UDP alone.
    """
    mebibytes = segment // MEBIBYTE
    name = f"fastdds_{mebibytes}_mib.xml" if segment else "fastdds_udp.xml"
    text = PROFILE.format(
        shared_memory=DESCRIPTOR.format(segment=mebibytes * MEBIBYTE) if segment else "",
        use_shared_memory=USE if segment else "",
        receive_buffer=RECEIVE_BUFFER,
    )
    home = os.environ.get("ROS_HOME") or "~/.ros"
    try:
        return _write(Path(home).expanduser() / "vision_service" / name, text)
    except (OSError, RuntimeError):  # not ours to write, or there is no home
        import tempfile

        return _write(Path(tempfile.mkdtemp(prefix="vision_service_")) / name, text)


def _write(path: Path, text: str) -> Path:
    """Let a file have this text; return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != text.encode():
        import tempfile

        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(text)
        Path(file.name).replace(path)  # in one step, because another process may read it now
    return path
