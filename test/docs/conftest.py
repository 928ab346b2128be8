"""The documentation's examples, run on a robot of rendered cameras."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]

import pytest

import desk


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with files of all names that the examples use."""
    made = tmp_path_factory.mktemp("desk")
    desk.files(made)
    return made
