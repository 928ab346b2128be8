"""What the machine is that the figures were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("ros-rclpy", "numpy", "opencv-python-headless", "scipy", "ai-edge-litert", "open3d-cpu", "viam-sdk")


def describe() -> str:
    """Return what the machine is, Markdown."""
    lines = [
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory():.0f} GiB",
        f"{_system()}, Linux {_kernel()}, Python {platform.python_version()}",
        ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name))) + _pcl(),
    ]
    return "\n".join(f"- {line}" for line in lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _kernel() -> str:
    return ".".join(platform.release().split(".")[:2])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _pcl() -> str:
    found = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "libpcl-dev"], capture_output=True, text=True, check=False
    )
    return f", PCL {found.stdout}" if found.returncode == 0 and found.stdout else ""
