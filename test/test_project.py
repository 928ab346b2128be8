"""What the project says of itself agrees: versions, dependencies for ROS, findings, documents that others link to."""

import configparser
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tools.release import versions

ROOT = Path(__file__).parents[1]
PACKAGE = ElementTree.parse(ROOT / "package.xml").getroot()  # noqa: S314 (of ours)
IN_ROS = {"opencv-python-headless": "python3-opencv", "pyyaml": "python3-yaml"}


def keys() -> dict[str, str]:
    lines = (ROOT / "tools" / "rosdep_keys.txt").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


def required_of_users() -> set[str]:
    """The packages that setup.cfg asks pip for, without the extra `test`."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    extras = {name: text for name, text in settings["options.extras_require"].items() if name not in ("all", "test")}
    lines = "\n".join([settings["options"]["install_requires"], *extras.values()]).splitlines()
    return {re.match(r"[\w-]+", line).group() for line in map(str.strip, lines) if line and not line.startswith("#")}


def test_all_files_state_the_same_version():
    assert len(set(versions().values())) == 1, "make version VERSION=…"


def test_each_dependency_in_package_xml_is_a_known_rosdep_key():
    kinds = ("depend", "build_depend", "buildtool_depend", "exec_depend", "test_depend", "member_of_group")
    named = {each.text for kind in kinds for each in PACKAGE.iter(kind)}
    known = {name for name, who in keys().items() if who in ("distribution", "rosdep", "group")}
    assert named == known


def test_what_pip_installs_for_users_comes_by_rosdep_too_or_is_a_documented_exception():
    named = {each.text for each in PACKAGE.iter("exec_depend")} | {each.text for each in PACKAGE.iter("depend")}
    exceptions = {name for name, who in keys().items() if who.startswith("exception: ")}
    lacking = set()
    for package in required_of_users():
        in_ros = IN_ROS.get(package, f"python3-{package}")
        if in_ros not in named and package.removeprefix("ros-").replace("-", "_") not in named:
            lacking.add(package)
    assert lacking == exceptions


def test_the_package_says_where_it_comes_from():
    assert {each.get("type") for each in PACKAGE.iter("url")} == {"website", "repository", "bugtracker"}
    assert PACKAGE.find("license").get("file") == "LICENSE"
    assert (ROOT / "LICENSE").is_file()


def test_each_finding_is_in_the_table():
    table = (ROOT / "findings" / "README.md").read_text()
    assert sorted(re.findall(r"\((\w+\.sh)\)", table)) == sorted(path.name for path in (ROOT / "findings").glob("*.sh"))


@pytest.mark.parametrize("document", ["SECURITY.md", "GOVERNANCE.md", "findings/README.md", "CONTRIBUTING.md"])
def test_its_links_lead_somewhere(document):
    links = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / document).read_text())
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []
