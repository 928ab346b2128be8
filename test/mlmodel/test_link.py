"""How tensors travel to a model: measured, chosen once, told; lossy only on request."""

import numpy as np
import pytest

from vision_service.mlmodel.link import SMALLEST, TRIES, Link
from vision_service.mlmodel.sending import Sending

TENSOR = np.repeat(np.arange(256, dtype=np.float32), 192).reshape(1, 128, 128, 3)
SECONDS = {"raw": 0.02, "bytes": 0.01, "png": 0.03}


def use(link, seconds, calls=40):
    """Make calls that take as long as is said of each way; return the ways."""
    ways = []
    for _ in range(calls):
        load = link.pack({"image": TENSOR})
        link.took(load.way, seconds[load.way])
        ways.append(load.way)
    return ways


@pytest.mark.parametrize("quickest", ["raw", "bytes", "png"])
def test_the_quickest_way_is_chosen_and_told_once(quickest):
    told = []
    link = Link(["bytes", "png", "jpeg"], told.append)
    ways = use(link, {**SECONDS, "bytes": 0.02, quickest: 0.005})
    assert set(ways[: 3 * TRIES]) == {"raw", "bytes", "png"}
    assert set(ways[-10:]) == {quickest}
    assert len(told) == 1
    assert f"travel as {quickest}" in told[0]
    assert link.to_json()["tensors_travel_as"] == quickest


def test_a_gain_that_is_not_worth_it_is_none():
    assert use(Link(["bytes"]), {"raw": 0.0100, "bytes": 0.0099})[-1] == "raw"


def test_what_the_node_cannot_read_is_not_sent():
    assert set(use(Link([]), SECONDS)) == {"raw"}
    link = Link([])
    link.adjust(Sending("jpeg"))
    assert set(use(link, SECONDS)) == {"raw"}


def test_jpeg_is_sent_only_if_it_is_said():
    link = Link(["bytes", "png", "jpeg"])
    assert "jpeg" not in use(link, {**SECONDS, "jpeg": 0.001})
    link.adjust(Sending("jpeg", quality=80))
    assert set(use(link, {"jpeg": 0.1}, 3)) == {"jpeg"}


def test_small_tensors_travel_as_they_are():
    small = np.zeros((1, 8, 8, 3), np.float32)
    assert small.nbytes < SMALLEST
    assert Link(["bytes"]).pack({"image": small}).way == "raw"


def test_what_cannot_be_packed_travels_as_it_is():
    link = Link(["bytes", "png"])
    noise = np.random.default_rng(1).normal(size=TENSOR.shape).astype(np.float32)
    for _ in range(30):
        load = link.pack({"image": noise})
        assert load.way == "raw"
        assert load.plain["image"] is noise
        link.took(load.way, 0.01)
    assert link.to_json()["tensors_travel_as"] == "raw"
