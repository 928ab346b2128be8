"""`python -m tools.lock_dependencies`: writes constraints/DISTRO.lock, all that pip installs for us, with hashes.

It asks uv, with what setup.cfg and pyproject.toml name and constraints/DISTRO.txt holds, for each ROS distribution: for
running, with all extras, for the tests and for building. The files name no index: pip's own is asked.
"""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import tempfile
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints"
OLDEST_PYTHON = "3.10"
HEAD = """\
# All that pip installs to build, run and test vision_service on ROS {distro}, with hashes. Written by `make lock`:
#     pip install --require-hashes --requirement constraints/{distro}.lock
#     pip install --no-deps --no-build-isolation .
"""


def requirements() -> list[str]:
    """Return what we ask for ourselves: to run, the extras, the tests and the build."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    texts = [settings["options"]["install_requires"], *settings["options.extras_require"].values()]
    named = [line.strip() for text in texts for line in text.splitlines()]
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    return sorted({line for line in [*named, *build] if line and not line.startswith("%(")})


def name_of(requirement: str) -> str:
    """Return the name of a package in a requirement, as PEP 503 spells it; empty if there is none."""
    found = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
    return re.sub(r"[-_.]+", "-", found.group()).lower() if found else ""


def locked(text: str) -> dict[str, list[str]]:
    """Return the requirements of a lock file by their names, without hashes: one for each marker."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if name := name_of(line):
            found.setdefault(name, []).append(line.removesuffix("\\").strip())
    return found


def main() -> int:
    """Write the lock files."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text("\n".join(requirements()) + "\n", encoding="utf-8")
        for constraints in sorted(CONSTRAINTS.glob("*.txt")):
            target = constraints.with_suffix(".lock")
            command = [sys.executable, "-m", "uv", "pip", "compile", str(wanted), "--constraint", str(constraints)]
            command += ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--quiet"]
            command += ["--no-header", "--no-annotate", "--upgrade", "--no-emit-index-url", "--no-emit-find-links"]
            done = subprocess.run([*command], check=True, capture_output=True, text=True)
            target.write_text(HEAD.format(distro=constraints.stem) + done.stdout, encoding="utf-8")
            print(f"{target.relative_to(ROOT)}: {len(locked(done.stdout))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
