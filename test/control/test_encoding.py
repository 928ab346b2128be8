"""What is shown, as the page's messages."""

import json

import numpy as np
import pytest

from vision_service.control.backend import Shown, Watch
from vision_service.control.clouds import cloud_message
from vision_service.control.encoding import WIDEST, frame_message
from vision_service.control.wire import MOST_POINTS, pack, unpack
from vision_service.image import Image, decode, encode
from vision_service.pointcloud.objects import object_of
from vision_service.results import Result, result_of
from vision_service.types import (
    CameraIntrinsics,
    Classification,
    Detection,
    DetectionExtra,
    Frame,
    InstanceMask,
    Keypoint,
    LabelImage,
    OrientedBox,
    PointCloud,
)
from vision_service.zones.view import ZoneView

PIXELS = np.full((48, 64, 3), (200, 30, 10), np.uint8)
NOW = 1_790_000_000_123_456_789
"""A stamp that has more digits than JavaScript's numbers."""


def message_of(frame, found=None, **values):
    result = None if found is None else result_of("front", frame, found, **values)
    header, parts = frame_message(Shown(Watch("/detector", "front"), frame, result))
    return unpack(pack(header, parts))


def frame(**values):
    return Frame(image=Image(PIXELS), stamp=NOW, frame_id="lens", camera_name="front", **values)


def test_an_image_comes_with_what_is_said_of_it():
    header, parts = message_of(frame(), {"detect": [Detection("cube", 0.75, 1, 2, 30.5, 40, class_index=2)]})
    assert (header["width"], header["height"], header["stamp"]) == (64, 48, str(NOW))
    assert header["result_stamp"] == header["stamp"]
    (found,) = header["detections"]
    assert (found["class_name"], found["confidence"], found["class_index"]) == ("cube", 0.75, 2)
    assert [found[name] for name in ("x_min", "y_min", "x_max", "y_max")] == [1, 2, 30.5, 40]
    assert np.abs(decode(parts["image"])[:, :, ::-1].astype(int) - PIXELS).max() < 12


def test_nothing_found_is_an_empty_list_and_what_a_service_does_not_say_is_absent():
    header, _ = message_of(frame(), {"detect": []})
    assert header["detections"] == []
    assert "classifications" not in header
    header, _ = message_of(frame())
    assert "detections" not in header
    assert header["result_stamp"] is None


def test_masks_keypoints_and_turned_boxes_come_along():
    mask = InstanceMask.of(np.eye(3, dtype=bool), 5, 6)
    points = (Keypoint("nose", 1.0, 2.0, 0.5), Keypoint("tail", 3.0, 4.0))
    box = OrientedBox(10, 20, 8, 4, 0.5)
    found = Detection("cat", 0.5, 0, 0, 20, 30, id="cat_1", extra=DetectionExtra(box, mask, points))
    header, _ = message_of(frame(), {"detect": [found]}, skeleton=((0, 1), (0, 7)))
    (told,) = header["detections"]
    assert told["id"] == "cat_1"
    assert told["box"]["angle"] == 0.5
    assert told["mask"] == {"x": 5, "y": 6, "width": 3, "height": 3, "counts": list(mask.counts)}
    assert told["keypoints"] == [[1, 2, 0.5, "nose"], [3, 4, None, "tail"]]
    assert header["skeleton"] == [[0, 1]]


def test_classifications_labels_of_pixels_and_objects_come_along():
    labels = LabelImage(np.tile(np.array([[0, 1]], np.uint16), (48, 32)), ("floor", "wall"))
    segment = object_of(PointCloud(np.float32([[0, 0, 1], [0.2, 0.1, 1.3]])), label="box")
    found = {"classify": [Classification("kitchen", 0.9)], "label": labels, "segment": [segment]}
    header, parts = message_of(frame(), found)
    assert header["classifications"] == [{"class_name": "kitchen", "confidence": 0.9}]
    assert header["classes"] == {"width": 64, "height": 48, "names": ["floor", "wall"]}
    assert parts["labels"] == bytes([0, 1]) * 32 * 48
    assert (header["objects"][0]["label"], header["objects"][0]["points"]) == ("box", 2)
    assert header["objects_frame_id"] == "lens"


def test_zones_come_with_their_counts():
    area = ZoneView("shop", ((1.0, 2.0), (30.25, 2.0), (1.0, 40.0)), inside=2)
    line = ZoneView("gate", ((5.0, 0.0), (5.0, 48.0)), is_line=True, sides=("in", "out"), crossed_to=(3, 1))
    header, _ = message_of(frame(), {"detect": []}, zones=(area, line))
    assert header["zones"] == [
        {"name": "shop", "points": [[1, 2], [30.2, 2], [1, 40]], "inside": 2},
        {"name": "gate", "points": [[5, 0], [5, 48]], "sides": ["in", "out"], "crossed_to": [3, 1]},
    ]
    assert "zones" not in message_of(frame(), {"detect": []})[0]


def test_numbers_that_are_not_finite_are_null():
    header, _ = message_of(frame(), {"detect": [Detection("cube", float("nan"), 0, 0, float("inf"), 1)]})
    assert (header["detections"][0]["confidence"], header["detections"][0]["x_max"]) == (None, None)


def test_a_cameras_jpeg_goes_as_it_came():
    data = encode(PIXELS, "image/jpeg", quality=50)
    _, parts = message_of(Frame(image=Image.from_compressed(data)))
    assert parts["image"] == data


def test_a_large_image_is_reduced_and_its_coordinates_stay():
    header, parts = message_of(Frame(image=Image(np.zeros((1000, 2000, 3), np.uint8))))
    assert (header["width"], header["height"]) == (2000, 1000)
    assert decode(parts["image"]).shape[:2] == (WIDEST // 2, WIDEST)


def test_depth_is_shown_where_there_is_no_image():
    depth = np.tile(np.linspace(0.5, 3, 64, dtype=np.float32), (48, 1))
    depth[:8] = np.nan
    _, parts = message_of(Frame(depth=depth))
    shown = decode(parts["image"]).astype(int).sum(axis=2)
    assert shown[20, 2] > shown[20, 60] + 100  # near is light
    assert shown[2].max() < 60  # unknown is black


def test_why_there_is_no_result_comes_along():
    shown = frame()
    header, _ = frame_message(Shown(Watch("/detector", "front"), shown, Result("front", shown, problem="it failed")))
    header = json.loads(header)
    assert (header["error"], header["latency"]) == ("it failed", None)


class TestCloud:
    def of(self, cloud=None, **values):
        made = cloud_message(Shown(Watch("/objects", "front"), Frame(cloud=cloud, stamp=NOW, **values)))
        return None if made is None else unpack(pack(*made))

    def test_points_come_with_their_colours_and_without_those_that_are_none(self):
        xyz = np.float32([[0, 0, 1], [np.nan, 0, 1], [1, 2, 3]])
        header, parts = self.of(PointCloud(xyz, np.uint8([[1, 2, 3], [4, 5, 6], [7, 8, 9]])))
        assert header["count"] == 2
        assert np.frombuffer(parts["xyz"], np.float32).reshape(-1, 3).tolist() == [[0, 0, 1], [1, 2, 3]]
        assert parts["rgb"] == bytes([1, 2, 3, 7, 8, 9])

    @pytest.mark.parametrize("shape", [(200_000, 3), (480, 640, 3)])
    def test_they_are_not_too_many(self, shape):
        header, parts = self.of(PointCloud(np.ones(shape, np.float32)))
        assert MOST_POINTS / 5 < header["count"] <= MOST_POINTS
        assert len(parts["xyz"]) == 12 * header["count"]

    def test_they_are_made_of_depth_with_a_calibration_and_there_are_none_without(self):
        depth = np.ones((48, 64), np.float32)
        header, parts = self.of(depth=depth, intrinsics=CameraIntrinsics(64, 48, 60, 60, 31.5, 23.5))
        assert header["count"] == depth.size
        assert "rgb" not in parts
        assert self.of(depth=depth) is None
        assert self.of() is None
