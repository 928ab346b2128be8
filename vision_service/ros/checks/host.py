"""What this host and this shell's environment give ROS: shared memory, profiles of Fast DDS, reach, and versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

from vision_service.errors import VisionError
from vision_service.files import read_regular
from vision_service.findings import Finding, note
from vision_service.ros.execution.compat import check_rclpy
from vision_service.ros.process.dds import (
    MEBIBYTE,
    MIDDLEWARE,
    RECEIVE_BUFFER,
    SMALLEST,
    VARIABLES,
    kept_to_this_host,
    profile_variable,
    uses_fast_dds,
)
from vision_service.ros.process.shared_memory import SHARED_MEMORY, dead_segments

BUILTIN = "FASTDDS_BUILTIN_TRANSPORTS"
NEEDED = 4 * SMALLEST
"""How much shared memory must be free so that it is used, bytes."""
LIBRARIES = {
    "vision_service": ("vision-service", "vision_service"),
    "rclpy": ("rclpy", "ros-rclpy"),
    "numpy": ("numpy",),
    "opencv": ("opencv-python-headless", "opencv-python", "opencv-contrib-python"),
    "litert": ("ai-edge-litert", "tflite-runtime"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
}
"""Those whose versions matter, by the names of their distributions."""
RECEIVE_LIMIT = Path("/proc/sys/net/core/rmem_max")


def facts() -> dict[str, Any]:
    """Return what there is, for whoever reads a report: versions, shared memory, domain and reach."""
    usage = shutil.disk_usage(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None
    return {
        "versions": {"python": platform.python_version(), **{name: _version(*LIBRARIES[name]) for name in LIBRARIES}},
        "ros_distribution": os.environ.get("ROS_DISTRO", ""),
        "middleware": os.environ.get("RMW_IMPLEMENTATION") or MIDDLEWARE,
        "domain": os.environ.get("ROS_DOMAIN_ID") or "0",
        "discovery_range": os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "SUBNET",
        "kept_to_this_host": kept_to_this_host(),
        "profile": next((os.environ[name] for name in VARIABLES if os.environ.get(name)), ""),
        "shared_memory": {"size": usage.total, "free": usage.free} if usage is not None else None,
    }


def check_host() -> list[Finding]:
    """Return what is wrong with this host and environment, and what is good to know of them."""
    found = [*_versions(), *_reach()]
    if uses_fast_dds():
        found += [*_profiles(), *_shared_memory(), *_receive_buffer()]
    return found


def _versions() -> list[Finding]:
    try:
        check_rclpy()
    except VisionError as error:
        return [Finding("version", "rclpy", error.message)]
    if _version(*LIBRARIES["litert"]) or _version(*LIBRARIES["onnxruntime"]):
        return []
    advice = "pip install ai-edge-litert (for .tflite) or onnxruntime (for .onnx), if ML models are to run"
    return [
        note("version", "runtimes", "neither LiteRT nor ONNX Runtime is installed here: no model file runs", advice)
    ]


def _reach() -> list[Finding]:
    if kept_to_this_host() or _is_secured():
        return []
    what = (
        "other hosts of this network can find this shell's nodes, call them and publish to them (domain "
        f"{os.environ.get('ROS_DOMAIN_ID') or '0'}, no SROS2)"
    )
    advice = "a robot with one computer: export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST; else see docs/security.md"
    return [note("open_domain", "ROS_AUTOMATIC_DISCOVERY_RANGE", what, advice)]


def _is_secured() -> bool:
    enabled = os.environ.get("ROS_SECURITY_ENABLE", "").lower() == "true"
    return enabled and os.environ.get("ROS_SECURITY_STRATEGY") == "Enforce"


def _profiles() -> list[Finding]:
    read = profile_variable()
    found = []
    for variable in VARIABLES:
        path = os.environ.get(variable)
        if not path:
            continue
        if variable != read:
            what = f"the Fast DDS that is installed does not read it (it reads {read}), so {path!r} is not used"
            if not os.environ.get(read):
                found.append(Finding("profile", variable, what, f"export {read}={path}; unset {variable}"))
            continue
        text, wrong = _profile(path)
        if wrong:
            found.append(Finding("profile", variable, f"{path!r} {wrong}", f"correct the file, or unset {variable}"))
        elif b"SHM" not in text:
            what = f"{path!r} names no shared memory (SHM), so large images between processes may get lost"
            found.append(note("profile", variable, what, f"unset {variable}: our nodes choose a profile themselves"))
    if os.environ.get(BUILTIN, "").startswith("UDP"):
        what = f"{os.environ[BUILTIN]} leaves shared memory out, so large images between processes may get lost"
        found.append(note("profile", BUILTIN, what, f"unset {BUILTIN}: our nodes choose a profile themselves"))
    return found


def _profile(path: str) -> tuple[bytes, str]:
    """Return what is in a file of profiles, and what is wrong with it; empty = nothing."""
    try:
        text = read_regular(path)
    except (OSError, ValueError, RuntimeError) as error:
        return b"", f"cannot be read: {getattr(error, 'strerror', None) or error}"
    try:
        xml.etree.ElementTree.fromstring(text)  # noqa: S314, the user's own file
    except (xml.etree.ElementTree.ParseError, ValueError, LookupError) as error:  # these of encodings
        return text, f"is no XML: {error}"
    return text, ""


def _shared_memory() -> list[Finding]:
    where = str(SHARED_MEMORY)
    if not SHARED_MEMORY.is_dir():
        return [Finding("shared_memory", where, "is not there, so images go by UDP", "mount a tmpfs there")]
    found = []
    usage = shutil.disk_usage(SHARED_MEMORY)
    if usage.free < NEEDED:
        what = (
            f"only {usage.free / MEBIBYTE:.0f} of {usage.total / MEBIBYTE:.0f} MiB are free, so nodes that start now "
            "use UDP, and large images between processes get lost"
        )
        advice = f"see what fills it (ls -lS {where}), or give the container more: docker run --shm-size=64m or more"
        found.append(Finding("shared_memory", where, what, advice))
    dead = dead_segments()
    if dead:
        size = sum(each.size for each in dead) / MEBIBYTE
        what = f"{size:.1f} MiB that processes which were killed have left: {dead[0].path.name}" + (
            f" and {len(dead) - 1} more" if len(dead) > 1 else ""
        )
        found.append(note("shared_memory", where, what, "nothing: the next node of ours that starts removes them"))
    return found


def _receive_buffer() -> list[Finding]:
    try:
        limit = int(RECEIVE_LIMIT.read_text())
    except (OSError, ValueError):  # another system
        return []
    if limit >= RECEIVE_BUFFER or kept_to_this_host():
        return []
    what = f"{limit / 1024:.0f} KiB: large images of other hosts get lost at the socket"
    advice = (
        f"if cameras are on other hosts: sudo sysctl -w net.core.rmem_max={RECEIVE_BUFFER} (docs/several_machines.md)"
    )
    return [note("receive_buffer", "net.core.rmem_max", what, advice)]


def _version(*distributions: str) -> str:
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""
