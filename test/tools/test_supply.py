"""What is installed is locked with hashes, and its licences are listed; `make lock` and `make licences` write that."""

import re

import pytest

from tools.licences import PAGE, listed, wanted
from tools.lock_dependencies import CONSTRAINTS, locked, name_of, requirements

LOCKS = sorted(CONSTRAINTS.glob("*.lock"))


def test_each_distribution_is_locked():
    assert [lock.stem for lock in LOCKS] == sorted(path.stem for path in CONSTRAINTS.glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
class TestLock:
    def test_it_holds_all_that_is_asked_for(self, lock):
        missing = set(map(name_of, requirements())) - locked(lock.read_text()).keys()
        assert not missing, "run `make lock`"

    def test_it_holds_what_is_chosen_for_the_distribution(self, lock):
        versions = locked(lock.read_text())
        for line in lock.with_suffix(".txt").read_text().splitlines():
            if name_of(line) in versions:
                assert versions[name_of(line)] == [line], "run `make lock`"

    def test_every_package_has_one_version_and_a_hash(self, lock):
        entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().partition("\n")[2])[1:]
        assert entries
        for entry in entries:
            assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+]+", entry), entry
            assert "--hash=sha256:" in entry, entry

    def test_it_names_no_index(self, lock):
        assert not re.search(r"://|--(extra-)?index|--find-links", lock.read_text())


def test_the_licence_of_every_package_is_listed():
    page = PAGE.read_text()
    assert listed(page) == wanted().keys(), "run `make licences`"
    assert "| unknown |" not in page
