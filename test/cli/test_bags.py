"""What `inspect` says of bags."""

import json

import numpy as np
import pytest

import bags
from vision_service.cli.main import main

START = 1_700_000_000_000_000_000


def recorded(count=12):
    grey, depth = np.full((6, 8), 900, np.uint16), np.full((6, 8), 1500, np.uint16)
    return [
        item
        for time in (START + number * 50_000_000 for number in range(count))
        for item in (
            ("/cam/image_raw", bags.image(grey, time, "mono16")),
            ("/cam/depth/image_raw", bags.image(depth, time, "16UC1")),
            ("/lidar", bags.points(np.ones((3, 3)), time)),
        )
    ]


def inspect(capsys, *arguments):
    """The exit code, the JSON on stdout, and what is on stderr."""
    code = main(["inspect", "--json", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, json.loads(out), err


def test_a_bag_is_described(capsys, tmp_path):
    code, found, err = inspect(capsys, bags.write(tmp_path / "bag", recorded(), "mcap"), "--set", "points=none")
    assert (code, found["problem"]) == (0, None)
    assert found["duration"] == pytest.approx(0.55)
    assert {each["topic"]: (each["messages"], each["read_as"]) for each in found["topics"]} == {
        "/cam/image_raw": (12, "image"),
        "/cam/depth/image_raw": (12, "depth"),
        "/lidar": (12, ""),
    }
    assert "if the sensor has 10 bits, set 'bit_depth' to 10" in err
    assert found["remarks"][0] in err


def test_what_is_set_holds(capsys, tmp_path):
    folder = bags.write(tmp_path / "bag", recorded())
    code, found, err = inspect(capsys, folder, "--strict", "--set", "points=none", "--set", "bit_depth=10")
    assert (code, found["remarks"], err) == (0, [], "")
    assert inspect(capsys, folder, "--strict", "--set", "points=none")[0] == 1


def test_a_bag_without_a_camera_says_what_it_has(capsys, tmp_path):
    items = [item for item in recorded() if item[0] == "/lidar"]
    code, found, err = inspect(capsys, bags.write(tmp_path / "bag", items), "--set", "points=none")
    assert code == 1
    assert "has no images, depth or points that are wanted" in found["problem"]
    assert found["problem"] in err
    assert found["topics"][0]["topic"] == "/lidar"


def test_a_bag_whose_parts_never_fit_says_so(capsys, tmp_path):
    apart = [
        ("/a", bags.image(np.ones((2, 2), np.uint8), START, "mono8")),
        ("/b", bags.points(np.ones((3, 3)), START + 10**9)),
    ]
    code, found, _ = inspect(capsys, bags.write(tmp_path / "bag", apart))
    assert code == 1
    assert "image, points were not recorded within 0.02 s of each other" in found["problem"]


def test_people_are_shown_a_table(capsys, tmp_path):
    folder = bags.write(tmp_path / "bag", recorded(), "mcap")
    (folder / "bag.mcap").write_bytes((folder / "bag.mcap").read_bytes()[:-50])
    assert main(["inspect", str(folder / "bag.mcap"), "--set", "points=none"]) == 0
    out, err = capsys.readouterr()
    assert "/lidar" in out
    assert "skipped" in out
    assert "was not closed by its recorder" in err
