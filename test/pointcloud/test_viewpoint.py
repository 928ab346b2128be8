"""Where the sensor was, as a PCD file tells it."""

import pytest

from vision_service.pointcloud.pcd import read_pcd
from vision_service.pointcloud.viewpoint import viewpoints_of

HEAD = "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 1\nHEIGHT 1\n"
REST = "POINTS 1\nDATA ascii\n1 2 3\n"


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("VIEWPOINT 0 0 0 1 0 0 0\n", ((0.0, 0.0, 0.0),)),
        ("VIEWPOINT 1.5 -2 0.25 1 0 0 0\n", ((1.5, -2.0, 0.25),)),
        ("", ()),
        ("VIEWPOINT\n", ()),
        ("VIEWPOINT here and there\n", ()),
    ],
)
def test_the_place_is_that_of_the_header(line, places, tmp_path):
    data = f"{HEAD}{line}{REST}".encode()
    assert viewpoints_of(data) == places
    file = tmp_path / "cloud.pcd"
    file.write_bytes(data)
    assert read_pcd(file).viewpoints == places


def test_points_do_not_look_like_a_header():
    assert viewpoints_of(f"{HEAD}{REST}VIEWPOINT 1 2 3 1 0 0 0\n".encode()) == ()


def test_a_cloud_has_it():
    assert read_pcd(f"{HEAD}VIEWPOINT 1 2 3 1 0 0 0\n{REST}".encode()).viewpoints == ((1.0, 2.0, 3.0),)
    assert read_pcd(f"{HEAD}{REST}".encode()).viewpoints == ()
