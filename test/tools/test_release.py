"""What `make release` asks for before it builds anything; it builds what is committed."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tools.release import (
    NotReadyError,
    check,
    interpreters,
    is_python,
    needed,
    notes,
    published,
    set_version,
    versions,
    write_checksums,
)

ROOT = Path(__file__).parents[2]
CHANGELOG = """# Changelog

## Unreleased

- Something new.

## 0.9.0 (2026-01-02)

- Something old,
  in two lines.

## 0.8.0
"""


def git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments], cwd=folder, check=True)


@pytest.fixture
def sources(tmp_path):
    for name in ("setup.cfg", "package.xml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git(tmp_path, "init", "--quiet")
    set_version("1.0.0", "2026-11-29", tmp_path)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "1.0.0")
    return tmp_path


def test_the_notes_of_a_version_are_its_section_of_the_changelog():
    assert notes(CHANGELOG, "0.9.0") == "- Something old,\n  in two lines."
    assert notes(CHANGELOG, "Unreleased") == "- Something new."
    assert notes(CHANGELOG, "0.8.0") == notes(CHANGELOG, "0.9") == ""


def test_a_version_is_set_in_all_files_and_takes_the_unreleased_entries(sources):
    assert set(versions(sources).values()) == {"1.0.0"}
    assert "## 1.0.0 (2026-11-29)\n\n- Something new." in (sources / "CHANGELOG.md").read_text()


def test_it_is_set_once_more_without_another_section(sources):
    before = (sources / "CHANGELOG.md").read_text()
    set_version("1.0.0", "2026-11-30", sources)
    assert (sources / "CHANGELOG.md").read_text() == before


@pytest.mark.parametrize(("version", "reason"), [("1.0", "no version of the form"), ("1.1.0", "no section '## Unrel")])
def test_what_is_no_version_or_has_no_entries_is_refused(sources, version, reason):
    with pytest.raises(NotReadyError, match=reason):
        set_version(version, "2026-11-29", sources)


def test_what_is_committed_and_described_can_be_released(sources):
    assert check(sources) == "1.0.0"


def test_all_that_is_in_the_way_is_said_at_once(sources):
    (sources / "setup.cfg").write_text((sources / "setup.cfg").read_text().replace("1.0.0", "1.0.1"))
    (sources / "new.py").touch()
    with pytest.raises(NotReadyError) as refused:
        check(sources)
    assert str(refused.value).splitlines() == [
        "the files disagree on the version (setup.cfg 1.0.1, package.xml 1.0.0): make version VERSION=1.0.1",
        "CHANGELOG.md has no section '## 1.0.1' with entries: make version VERSION=1.0.1",
        "the tree has changes that are not committed (setup.cfg, new.py): commit or remove them",
    ]


def test_a_version_is_not_released_twice(sources):
    git(sources, "tag", "v1.0.0")
    assert check(sources) == "1.0.0"
    git(sources, "commit", "--quiet", "--allow-empty", "--message", "more")
    with pytest.raises(NotReadyError, match=r"v1\.0\.0 is the tag of another commit"):
        check(sources)


def test_checksums_are_of_what_is_published(tmp_path):
    for name in ("b.whl", "a.tar.gz", "build.log"):
        (tmp_path / name).write_text(name)
    write_checksums(tmp_path)
    assert [path.name for path in published(tmp_path)] == ["a.tar.gz", "b.whl"]
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_what_a_wheel_needs_of_glibc_is_the_newest_symbol_of_its_libraries(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as packed:
        packed.writestr("lib/a.so", b"\0GLIBC_2.4\0GLIBC_2.14\0GLIBCXX_3.4.29\0")
        packed.writestr("lib/b.so.1", b"\0GLIBC_2.2.5\0")
        packed.writestr("a.py", b"\0GLIBC_9.9\0")
    assert needed(tmp_path / "x.whl") == "2.14"
    assert needed(tmp_path / "x.whl", "GLIBCXX") == "3.4.29"


def test_interpreters_are_those_that_are_here():
    found = interpreters()
    assert found
    assert all(is_python(command, version) for version, command in found.items())
    assert interpreters(["2.0"]) == {}


# What a wheel asks for.


def test_a_wheel_asks_for_the_distribution_that_its_interfaces_were_built_with(tmp_path):
    try:
        built_with = version("ros-rosidl-runtime-c")
    except PackageNotFoundError:
        pytest.skip("this ROS was not installed by pip, so its interfaces are built with colcon")
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "package.xml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    script = f"import setuptools.build_meta as backend; backend.prepare_metadata_for_build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)
    (metadata,) = tmp_path.glob("*.dist-info/METADATA")
    assert f"Requires-Dist: ros-rosidl-runtime-c~={built_with}" in metadata.read_text().splitlines()
