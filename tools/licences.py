"""`python -m tools.licences`: writes docs/licences.md, the licences of all packages in constraints/*.lock.

They are installed into a folder of their own, without what they depend on, and read from what each says of itself: its
licence expression, its classifiers, the licence of its package.xml (ROS), or the first line of its licence's text.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from importlib.metadata import Distribution, distributions
from pathlib import Path

from tools.lock_dependencies import CONSTRAINTS, ROOT, locked, name_of

PAGE = ROOT / "docs" / "licences.md"
HEAD = """\
# Licences of what is installed with it

`vision_service` is licensed under Apache-2.0 (LICENSE). These are the packages that pip installs to run, build and test
it (`constraints/*.lock`), and what each says of its licence; `make licences` writes this page. Some are installed on
some platforms or Python versions only.
"""
TITLES = ("package", "licence", "where that stands")
LONGEST = 100
CLASSIFIER = "License :: "


def licence_of(found: Distribution) -> tuple[str, str]:
    """Return the licence of a package and where that stands; empty if it says nothing."""
    said = found.metadata
    if expression := said.get("License-Expression"):
        return expression, "licence expression"
    classifiers = [line.split(" :: ")[-1] for line in said.get_all("Classifier") or [] if line.startswith(CLASSIFIER)]
    classifiers = [line for line in classifiers if line not in ("OSI Approved", "DFSG approved")]
    if classifiers:
        return ", ".join(classifiers), "classifier"
    if field := (said.get("License") or "").strip():
        return field.splitlines()[0][:LONGEST], "metadata"
    files = found.files or []
    for file in files:
        if file.name == "package.xml" and file.parent.name in (found.name, name_in_ros(found.name)):
            root = ElementTree.fromstring(file.locate().read_text(encoding="utf-8"))  # noqa: S314 (of ROS)
            return ", ".join(each.text or "" for each in root.iter("license")), "package.xml"
    for file in files:
        if re.match(r"(LICEN[CS]E|COPYING)", file.name, re.IGNORECASE):
            text = file.locate().read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line.strip() for line in text if line.strip()), "")[:LONGEST], file.name
    return "", ""


def name_in_ros(name: str) -> str:
    """Return what ROS calls the package of a wheel."""
    return name.removeprefix("ros-").replace("-", "_")


def table(rows: list[tuple[str, str, str]]) -> str:
    """Return the page's table."""
    lines = [TITLES, ("---",) * len(TITLES), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def listed(page: str) -> set[str]:
    """Return the names of the packages on the page."""
    return {name_of(line[2:]) for line in page.splitlines() if line.startswith("| ")} - {"package", ""}


def wanted() -> dict[str, list[str]]:
    """Return the packages in all lock files, each with its requirements, without markers."""
    found: dict[str, list[str]] = {}
    for file in sorted(CONSTRAINTS.glob("*.lock")):
        for name, lines in locked(file.read_text(encoding="utf-8")).items():
            found.setdefault(name, []).extend(line.partition(";")[0].strip() for line in lines)
    return found


def install(folder: Path, *arguments: str) -> bool:
    """Install packages into a folder, without what they depend on; return whether that is possible here."""
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    return subprocess.run([*command, *arguments], check=False).returncode == 0


def main() -> int:
    """Write the page; return 1 if the licence of a package is not known."""
    rows, unknown = [], []
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        for lock in sorted(CONSTRAINTS.glob("*.lock")):
            install(folder / lock.stem, "--requirement", str(lock))
        for name, requirements in sorted(wanted().items()):
            found = find(folder, name)
            if found is None:  # of other platforms, or versions of Python
                install(folder / name, requirements[-1])
                found = find(folder, name)
            licence, where = licence_of(found) if found is not None else ("", "")
            rows.append((name, licence or "unknown", where or "not said"))
            if not licence:
                unknown.append(name)
    PAGE.write_text(f"{HEAD}\n{table(rows)}\n", encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} packages")
    if unknown:
        print(f"their licences are not known: {', '.join(unknown)}", file=sys.stderr)
    return 1 if unknown else 0


def find(folder: Path, name: str) -> Distribution | None:
    """Return what is installed of a package in one of the folders in a folder."""
    paths = [str(each) for each in sorted(folder.iterdir())]
    return next((each for each in distributions(path=paths) if name_of(each.name) == name), None)


if __name__ == "__main__":
    sys.exit(main())
