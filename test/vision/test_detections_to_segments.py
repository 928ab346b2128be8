"""The model `detections_to_segments`: from boxes and masks in the image to solids in space."""

import dataclasses
import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import testdata
from touching_scenes import Box, Cylinder, Seen, seen
from vision_service.camera.image_file import read_depth
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.pointcloud.pcd import read_pcd, read_pcd_fields
from vision_service.pointcloud.projection import cloud_of, in_metres
from vision_service.resources import LocalResources
from vision_service.types import (
    CameraIntrinsics,
    Detection,
    DetectionExtra,
    Frame,
    InstanceMask,
    Keypoint,
    LabelImage,
    OrientedBox,
    PointCloud,
)
from vision_service.vision.color_detector import ColorDetector
from vision_service.vision.detections_to_segments import DetectionsToSegments, regions
from vision_service.vision.mlmodel import MLModel
from vision_service.vision.model import Needs, VisionModel, methods

COCO = "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
TABLES = Path(__file__).resolve().parents[3] / "shared" / "touching_objects" / "learn"
PINHOLE = CameraIntrinsics(40, 30, 50.0, 50.0, 20.0, 15.0)
EVERYTHING = {"mean_k": 0, "depth_ratio": 0, "min_points_in_segment": 1}
"""Attributes by which all points in a box are the solid, as they are for Viam."""
SCENES = {"dining table", "suitcase", "potted plant"}
"""What COCO calls boxes that hold most of a scene: no single solid is in their middle."""


def made(detector: VisionModel, **values) -> DetectionsToSegments:
    resources = LocalResources({"vision": {"detector": lambda _: detector}})
    config = configure(DetectionsToSegments.Config, {"detector_name": "detector", **values}, of="the model")
    return DetectionsToSegments(config, resources)


class Given(VisionModel):
    """A detector whose answers are given: what no real one can be made to say."""

    def __init__(self, *found: Detection, labels: tuple[str, ...] = ()) -> None:
        self.labels = labels
        self.found = list(found)

    def detect(self, frame: Frame) -> list[Detection]:
        return self.found


class Annotated(VisionModel):
    """What people said of each pixel."""

    def __init__(self, labels: np.ndarray, class_names: tuple[str, ...]) -> None:
        self.labels = class_names
        self.answer = LabelImage(labels.astype(np.uint16), class_names)

    def detect(self, frame: Frame) -> list[Detection]:
        return list(regions(self.answer))

    def label(self, frame: Frame) -> LabelImage:
        return self.answer


def reds() -> ColorDetector:
    values = {"detect_color": "#ff0000", "hue_tolerance_pct": 0.1, "segment_size_px": 1}
    return ColorDetector(configure(ColorDetector.Config, values, of="the model"), LocalResources())


@cache
def coco() -> MLModel:
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    values = {**testdata.attributes(COCO), "default_minimum_confidence": 0.4}
    return MLModel(configure(MLModel.Config, values, of="the model"), LocalResources())


def red_square(depth: np.ndarray) -> Frame:
    """An image with a red square from 10, 10 to 20, 20, and depth."""
    pixels = np.full((30, 40, 3), 128, np.uint8)
    pixels[10:20, 10:20] = (255, 0, 0)
    return Frame(image=Image(pixels), depth=depth.astype(np.float32), intrinsics=PINHOLE)


def red_square_with(cloud: np.ndarray, **values) -> Frame:
    """The same image with a point cloud instead of depth."""
    frame = red_square(unknown_depth())
    return dataclasses.replace(frame, **{"depth": None, "cloud": PointCloud(cloud.astype(np.float32)), **values})


def unknown_depth() -> np.ndarray:
    return np.full((30, 40), np.nan)


def of_cloud(name: str) -> Frame:
    cloud = read_pcd(testdata.path(f"clouds/{name}"))
    assert cloud.rgb is not None
    return Frame(image=Image(cloud.rgb), cloud=cloud)


def desk() -> Frame:
    """An RGB-D frame whose depth is in whole numbers of a fifth of a millimetre."""
    folder = "rgbd/tum_fr2_desk_1"
    depth = read_depth(testdata.path(f"{folder}/depth.png"), 1 / 5000)
    return Frame(image=testdata.image(f"{folder}/rgb.png"), depth=depth, intrinsics=intrinsics(folder))


def shelf() -> tuple[Frame, Annotated]:
    """An RGB-D frame whose depth is in metres, with gaps, of a lens with distortion; and what each pixel shows."""
    folder = "rgbd/arc2017"
    names = testdata.path(f"{folder}/class_names.txt").read_text().split()
    with np.load(testdata.path(f"{folder}/data.npz")) as data:
        labels = np.zeros(data["depth"].shape, np.uint16)
        for label, mask in zip(data["labels"], data["masks"], strict=True):
            labels[mask == 1] = label
        frame = Frame(image=Image(data["rgb"]), depth=in_metres(data["depth"]), intrinsics=intrinsics(folder))
    return frame, Annotated(labels, tuple(names))


def intrinsics(folder: str) -> CameraIntrinsics:
    info = json.loads(testdata.path(f"{folder}/camera_info.json").read_text())
    k = info["K"]
    return CameraIntrinsics(
        640, 480, k[0], k[4], k[2], k[5], distortion_model=info["distortion_model"], distortion=tuple(info["D"])
    )


def measured(place: str, name: str) -> list[dict]:
    """What expected.json says of the solids in a cloud or an RGB-D frame."""
    entry = testdata.expected().get(place, {}).get(name)
    if entry is None:
        pytest.skip("no test data: expected.json is not there")
    return entry["detections_3d"][COCO]


def of_box(found: list, label: str, box: list[int]) -> object:
    """The object whose detection has the box, by the order of the detections."""
    return max((item for item in found if item[0].class_name == label), key=lambda item: overlap(item[0], box))[1]


def overlap(detection: Detection, box: list[int]) -> float:
    return testdata.overlap(testdata.edges(detection), box)


def median(item) -> np.ndarray:
    return np.median(item.cloud.xyz, axis=0)


# Viam's numbers.


def test_the_points_in_a_box_are_the_object():
    depth = unknown_depth()
    depth[15, 15], depth[14, 16], depth[25, 15] = 3, 10, 3  # column 15 of row 15, column 16 of row 14; one outside
    model = made(reds(), confidence_threshold_pct=0.2, **EVERYTHING)
    (found,) = model.segment(red_square(depth))
    assert found.label == "red"
    np.testing.assert_allclose(sorted(found.cloud.xyz[:, 2]), [3, 10])


# What is found, and how sure.


def test_depth_in_millimetres_is_told_and_metres_end_it():
    model = made(reds())
    model.segment(red_square(np.full((30, 40), 1200.0)))
    assert "half of the points are farther from the sensor than 12" in model.warning
    model.segment(red_square(np.full((30, 40), 1.2)))
    assert model.warning == ""


def test_it_detects_what_it_segments():
    model = made(reds())
    assert methods(model) == {"detect", "segment"}
    assert model.needs == Needs.IMAGE | Needs.CLOUD
    assert model.detect(red_square(unknown_depth())) == [Detection("red", 1.0, 10, 10, 20, 20)]


def test_objects_have_label_confidence_and_id_of_their_detections_the_best_first():
    weak, strong = Detection("cup", 0.6, 0, 0, 10, 30, id="7"), Detection("mug", 0.9, 20, 0, 40, 30, id="8")
    found = made(Given(weak, strong), mean_k=0).segment(red_square(np.ones((30, 40))))
    assert [(item.label, item.confidence, item.id) for item in found] == [("mug", 0.9, "8"), ("cup", 0.6, "7")]
    assert [len(item.cloud) for item in found] == [600, 300]


@pytest.mark.parametrize(("threshold", "names"), [(0.5, ["b", "a"]), (0.7, ["b"]), (0.0, ["b", "a", "c"])])
def test_what_the_detector_is_less_sure_of_is_left_out(threshold, names):
    boxes = [Detection(name, score, 0, 0, 40, 30) for name, score in (("a", 0.5), ("b", 0.7), ("c", 0.49))]
    model = made(Given(*boxes), confidence_threshold_pct=threshold)
    frame = red_square(np.ones((30, 40)))
    assert [item.class_name for item in model.detect(frame)] == names
    assert [item.label for item in model.segment(frame)] == names


def test_only_valid_labels_are_found_and_known():
    boxes = [Detection(name, 0.9, 0, 0, 40, 30) for name in ("cat", "Dog", "bird")]
    model = made(Given(*boxes, labels=("cat", "Dog", "bird")), valid_labels=["dog", "CAT"])
    assert [item.label for item in model.segment(red_square(np.ones((30, 40))))] == ["cat", "Dog"]
    assert model.labels == ("cat", "Dog")
    model.update(dataclasses.replace(model.config, valid_labels=()))
    assert model.labels == ("cat", "Dog", "bird")


@pytest.mark.parametrize("box", [(0, 0, 10, 10), (50, 50, 60, 60), (20, 20, 10, 10), (float("nan"), 10, 20, 20)])
def test_a_detection_without_points_is_no_object(box):
    depth = unknown_depth()
    depth[10:20, 10:20] = 1
    assert made(Given(Detection("cup", 0.9, *box))).segment(red_square(depth)) == []


def test_an_object_of_too_few_points_is_no_object():
    depth = unknown_depth()
    depth[10, 10:20] = 1
    assert len(made(reds(), mean_k=0).segment(red_square(depth))) == 1
    assert made(reds(), mean_k=0, min_points_in_segment=11).segment(red_square(depth)) == []


# Which points belong to it.


def test_points_keep_their_colour():
    (found,) = made(reds()).segment(red_square(np.ones((30, 40))))
    np.testing.assert_array_equal(np.unique(found.cloud.rgb, axis=0), [[255, 0, 0]])
    assert not found.cloud.organized


def test_the_background_in_a_box_is_left_out():
    depth = np.full((30, 40), 5.0)
    depth[10:20, 12:18] = 2.0
    (found,) = made(reds(), mean_k=0).segment(red_square(depth))
    assert len(found.cloud) == 60
    assert np.ptp(found.cloud.xyz[:, 2]) == 0


def test_what_stands_before_an_object_is_left_out_too():
    depth = np.full((30, 40), 2.0)
    depth[10:20, 10:12] = 0.5
    (found,) = made(reds()).segment(red_square(depth))
    assert (found.cloud.xyz[:, 2] == 2).all()


def test_the_depth_ratio_says_how_deep_an_object_may_be():
    # At 2 m, ten pixels are 0.4 m: with a ratio of 1, so much from the front to the back.
    depth = np.full((30, 40), 2.0)
    depth[10], depth[11] = 2.19, 2.21
    rows = {}
    for ratio in (0.9, 1.0, 1.1):
        (found,) = made(reds(), depth_ratio=ratio, mean_k=0).segment(red_square(depth))
        rows[ratio] = len(found.cloud) / 10
    assert rows == {0.9: 8, 1.0: 9, 1.1: 10}


def test_one_scan_line_through_a_box_tells_its_size():
    depth = unknown_depth()
    depth[15, 10:14], depth[15, 14:20] = 5.0, 2.1
    (found,) = made(reds(), mean_k=0, min_points_in_segment=1).segment(red_square(depth))
    assert len(found.cloud) == 6


def test_outliers_are_removed():
    depth = np.full((30, 40), 2.0)
    depth[15, 15] = 2.2
    kept, all_of_it = (made(reds(), mean_k=k).segment(red_square(depth))[0].cloud.xyz[:, 2] for k in (8, 0))
    assert all_of_it.max() == np.float32(2.2)
    assert kept.max() == 2


def test_a_box_may_be_turned():
    depth = np.full((30, 40), 2.0)
    upright, turned = (made(reds(), oriented_boxes=which).segment(red_square(depth))[0] for which in (False, True))
    assert upright.orientation == (0, 0, 0, 1)
    np.testing.assert_allclose(upright.size, [0.36, 0.36, 0], atol=1e-6)
    np.testing.assert_allclose(sorted(turned.size), [0, 0.36, 0.36], atol=1e-6)


def test_live_attributes_change_what_the_next_call_finds():
    model, frame = made(reds()), red_square(np.ones((30, 40)))
    assert model.segment(frame)
    model.update(dataclasses.replace(model.config, valid_labels=("blue",)))
    assert model.segment(frame) == []


# Masks.


def test_each_region_of_a_class_is_an_object_and_the_background_none():
    labels = np.zeros((30, 40), np.uint16)
    labels[0:5, 0:5] = labels[20:30, 20:40] = 2
    labels[10:15, 10:15] = 1
    model = made(Annotated(labels, ("background", "cat", "dog")), mean_k=0)
    found = model.segment(red_square(np.ones((30, 40))))
    assert [(item.label, item.confidence, len(item.cloud)) for item in found] == [
        ("cat", 1.0, 25),
        ("dog", 1.0, 25),
        ("dog", 1.0, 200),
    ]
    boxes = {
        (one.class_name, one.x_min, one.y_min, one.x_max, one.y_max)
        for one in model.detect(red_square(unknown_depth()))
    }
    assert ("dog", 20, 20, 40, 30) in boxes


def test_what_the_rim_of_a_mask_shows_behind_the_object_does_not_belong_to_it():
    labels = np.zeros((30, 40), np.uint16)
    labels[8:22, 8:22] = 1
    depth = np.full((30, 40), 9.0)  # a wall
    depth[10:20, 10:20] = 2.0
    (found,) = made(Annotated(labels, ("", "box")), mean_k=0).segment(red_square(depth))
    assert len(found.cloud) == 100


def test_a_mask_of_what_is_deep_is_not_cut_without_a_ratio():
    labels = np.zeros((30, 40), np.uint16)
    labels[:, 5:35] = 1
    depth = np.linspace(1, 9, 30)[:, None] * np.ones(40)  # a floor
    (found,) = made(Annotated(labels, ("", "floor")), mean_k=0, depth_ratio=0).segment(red_square(depth))
    assert len(found.cloud) == 900


def test_a_mask_has_its_points_and_no_others_of_its_box():
    labels = np.zeros((30, 40), np.uint16)
    labels[10:20, 10] = labels[19, 10:20] = 1  # an L
    (found,) = made(Annotated(labels, ("", "angle")), mean_k=0).segment(red_square(np.ones((30, 40))))
    assert len(found.cloud) == 19


def test_specks_of_a_mask_are_no_objects():
    labels = np.zeros((30, 40), np.uint16)
    labels[3, 3] = labels[10:20, 10:20] = 1
    model = made(Annotated(labels, ("", "cat")))
    assert len(model.detect(red_square(unknown_depth()))) == len(model.segment(red_square(np.ones((30, 40))))) == 1


# Clouds that are not organized like the image.


def test_points_without_rows_and_columns_are_projected():
    frame = red_square(np.full((30, 40), 2.0))
    (expected,) = made(reds()).segment(frame)
    order = np.random.default_rng(1).permutation(30 * 40)
    listed = PointCloud(cloud_of(frame).xyz.reshape(-1, 3)[order])
    (found,) = made(reds()).segment(dataclasses.replace(frame, depth=None, cloud=listed))
    assert {*map(tuple, found.cloud.xyz)} == {*map(tuple, expected.cloud.xyz)}


def test_an_organized_cloud_of_another_size_is_projected():
    frame = red_square(np.full((30, 40), 2.0))
    (expected,) = made(reds()).segment(frame)
    lidar = PointCloud(cloud_of(frame).xyz.reshape(10, 120, 3))
    (found,) = made(reds()).segment(dataclasses.replace(frame, depth=None, cloud=lidar))
    np.testing.assert_array_equal(found.cloud.xyz, expected.cloud.xyz)


# What is wrong.


def test_an_unknown_detector_is_named():
    config = configure(DetectionsToSegments.Config, {"detector_name": "detectr"}, of="the model")
    with pytest.raises(VisionError, match="'detectr': did you mean 'detector'") as caught:
        DetectionsToSegments(config, LocalResources({"vision": {"detector": lambda _: reds()}}))
    assert caught.value.code == ErrorCode.UNKNOWN_RESOURCE


def test_a_service_that_cannot_detect_is_no_detector():
    class Classifier(VisionModel):
        def __init__(self) -> None:
            """It has no attributes."""

    with pytest.raises(VisionError, match="'detector' is no detector") as caught:
        made(Classifier())
    assert caught.value.code == ErrorCode.UNKNOWN_RESOURCE


def test_a_detector_must_be_named():
    with pytest.raises(VisionError, match="'detector_name' is missing"):
        configure(DetectionsToSegments.Config, {}, of="the model detections_to_segments")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"image": None}, ErrorCode.NO_FRAME),
        ({"depth": None}, ErrorCode.NO_DEPTH),
        ({"depth": np.ones((15, 20), np.float32)}, ErrorCode.NOT_CALIBRATED),
        ({"intrinsics": None}, ErrorCode.NOT_CALIBRATED),
    ],
    ids=["no image", "no depth", "depth of another size", "no intrinsics"],
)
def test_what_cannot_be_placed_is_an_error_whatever_is_found(changes, code):
    for detector in (reds(), Given()):
        with pytest.raises(VisionError) as caught:
            made(detector).segment(dataclasses.replace(red_square(np.ones((30, 40))), **changes))
        assert caught.value.code == code


@pytest.mark.parametrize("points", [np.empty((0, 3)), np.full((30, 40, 3), np.nan), np.zeros((30, 40, 3))])
def test_where_nothing_was_measured_there_is_no_object(points):
    assert made(reds()).segment(red_square_with(points.astype(np.float32))) == []


def test_depth_that_is_nowhere_known_shows_no_object():
    assert made(reds()).segment(red_square(np.zeros((30, 40)))) == []


def test_one_point_is_an_object_where_that_is_enough():
    points = np.array([[-0.2, 0, 2]], np.float32)
    frame = red_square_with(points)
    assert made(reds()).segment(frame) == []
    (found,) = made(reds(), min_points_in_segment=1).segment(frame)
    np.testing.assert_allclose(found.center, points[0])
    np.testing.assert_array_equal(found.size, [0, 0, 0])


# Real clouds and RGB-D frames.

PLACES = [
    ("clouds", "five_people.pcd", 5),
    ("clouds", "osd_learn33.pcd", 3),
    ("rgbd", "tum_fr2_desk_1", 4),
]


@pytest.mark.parametrize(("place", "name", "solids"), PLACES, ids=[name for _, name, _ in PLACES])
def test_solids_are_placed_where_they_were_measured(place, name, solids):
    frame = of_cloud(name) if place == "clouds" else desk()
    model = made(coco(), confidence_threshold_pct=0.45)
    found = list(zip(model.detect(frame), model.segment(frame), strict=True))
    expected = [item for item in measured(place, name) if item["label"] not in SCENES]
    assert len(expected) == solids
    for item in expected:
        solid = of_box(found, item["label"], item["box_px"])
        assert np.linalg.norm(median(solid) - item["median_xyz_central_half_of_box"]) < 0.05


@pytest.mark.parametrize("name", ["five_people.pcd", "osd_learn33.pcd", "table_scene_mug_stereo_textured.pcd"])
def test_all_that_is_in_a_box_has_the_median_that_was_measured(name):
    """With Viam's rule; also for boxes around a whole scene."""
    frame = of_cloud(name)
    model = made(coco(), confidence_threshold_pct=0.45, **EVERYTHING)
    found = list(zip(model.detect(frame), model.segment(frame), strict=True))
    for item in measured("clouds", name):
        solid = of_box(found, item["label"], item["box_px"])
        assert np.linalg.norm(median(solid) - item["median_xyz_whole_box"]) < 0.01


def test_a_person_s_points_are_the_person_and_not_the_hall():
    model = made(coco(), valid_labels=["person"])
    people = model.segment(of_cloud("five_people.pcd"))
    assert len(people) == 5
    for person in people:
        width, height, depth = person.size
        assert 0.4 < width < 1.0
        assert 1.5 < height < 2.0
        assert depth < 1.4  # with the floor below


def test_solids_on_a_table_are_mostly_what_people_said_they_are():
    frame = of_cloud("osd_learn33.pcd")
    truth = read_pcd_fields(testdata.path("clouds/osd_learn33.pcd"))["label"].reshape(-1) // 10
    points = frame.cloud.xyz.reshape(-1, 3)
    truth = truth[np.isfinite(points[:, 2])]
    number_of = {tuple(point): number for number, point in enumerate(points[np.isfinite(points[:, 2])])}
    model = made(coco(), valid_labels=["cup", "bowl"], confidence_threshold_pct=0.45)
    found = model.segment(frame)
    assert len(found) == 3
    for item in found:
        shown = truth[[number_of[tuple(point)] for point in item.cloud.xyz]]
        number = np.bincount(shown).argmax()
        assert number > 1  # 1 is the table
        assert (shown == number).sum() / (len(shown) + (truth == number).sum() - (shown == number).sum()) > 0.75


def test_annotated_solids_are_placed_where_they_were_measured():
    frame, annotated = shelf()
    found = made(annotated).segment(frame)
    expected = testdata.expected()["rgbd"]["arc2017"]["objects"]
    for item in expected:
        solid = max((other for other in found if other.label == item["name"]), key=lambda other: len(other.cloud))
        assert np.linalg.norm(median(solid) - item["median_xyz_in_mask_using_K"]) < 0.05


def test_a_trained_segmentation_model_places_what_it_sees():
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    values = testdata.attributes("deeplabv3_mnv2_dm05_pascal_quant.tflite")
    labels_pixels = MLModel(configure(MLModel.Config, values, of="the model"), LocalResources())
    assert methods(labels_pixels) == {"label"}

    class OnlyThis(LocalResources):
        def detector(self, name):
            return labels_pixels

    config = configure(
        DetectionsToSegments.Config, {"detector_name": "deeplab", "valid_labels": ["tvmonitor"]}, of="the model"
    )
    (screen,) = DetectionsToSegments(config, OnlyThis()).segment(desk())
    (measured_screen,) = [item for item in measured("rgbd", "tum_fr2_desk_1") if item["label"] == "tv"]
    assert abs(median(screen)[2] - measured_screen["median_xyz_central_half_of_box"][2]) < 0.01
    assert screen.size.max() < 0.5


# Masks and turned boxes of detections.


def test_a_mask_of_a_detection_is_better_than_its_box():
    pixels = np.zeros((10, 10), bool)
    pixels[2:8, 4:6] = True
    found = Detection("cup", 0.9, 10, 10, 20, 20, extra=DetectionExtra(mask=InstanceMask.of(pixels, 10, 10)))
    (item,) = made(Given(found), **EVERYTHING).segment(red_square(np.ones((30, 40))))
    assert len(item.cloud) == 12
    (whole,) = made(Given(dataclasses.replace(found, extra=None)), **EVERYTHING).segment(red_square(np.ones((30, 40))))
    assert len(whole.cloud) == 100


def test_a_mask_may_lie_anywhere():
    mask = InstanceMask.of(np.ones((4, 6), bool), 36, 28)  # partly outside of the image, and of its box
    found = Detection("cup", 0.9, 10, 10, 20, 20, extra=DetectionExtra(mask=mask))
    (item,) = made(Given(found), **EVERYTHING).segment(red_square(np.ones((30, 40))))
    assert len(item.cloud) == 2 * 4


def test_of_a_turned_box_the_points_inside_it_count():
    turned = OrientedBox(20.0, 15.0, 20.0, 2.0, math.pi / 4)
    found = Detection("pen", 0.9, *turned.envelope, extra=DetectionExtra(box=turned))
    (item,) = made(Given(found), **EVERYTHING).segment(red_square(np.ones((30, 40))))
    assert len(item.cloud) == pytest.approx(40, abs=8)
    (whole,) = made(Given(dataclasses.replace(found, extra=None)), **EVERYTHING).segment(red_square(np.ones((30, 40))))
    assert len(whole.cloud) > 200


def test_what_detections_carry_it_keeps():
    extra = DetectionExtra(keypoints=(Keypoint("tip", 3.0, 4.0),))
    detector = Given(Detection("pen", 0.9, 10, 10, 20, 20, class_index=7, extra=extra))
    detector.extras, detector.skeleton = frozenset({"keypoints"}), ((0, 1),)
    model = made(detector)
    assert (model.extras, model.skeleton) == ({"keypoints"}, ((0, 1),))
    assert model.detect(red_square(np.ones((30, 40)))) == detector.found
    assert made(Annotated(np.zeros((3, 3)), ("background",))).extras == {"masks"}


# Objects that touch.


PAIR = (Box((0, -0.06), (0.2, 0.12, 0.1)), Box((0.03, 0.06), (0.2, 0.12, 0.2)))
"""A low box right in front of a high one: in the image, the high one's box holds much of the low one."""
TABLE = {
    "ground_plane_normal_vec": [0.0, -1.0, -1.0],
    "ground_angle_tolerance_degs": 45.0,
    "max_dist_from_plane": 0.01,
    "split_touching": True,
}


BESIDE = (Cylinder((-0.05, -0.02), 0.06, 0.15), Box((0.0655, 0.059), (0.16, 0.1, 0.1), 0.6))
"""A tin that a turned box touches with its small side."""


def touching(solids, **values) -> tuple[Frame, Seen]:
    view = seen(*solids, width=640, height=480, noise=0.001, **values)
    return Frame(image=Image(np.zeros((480, 640, 3), np.uint8)), cloud=PointCloud(view.xyz)), view


def box_of(view: Seen, number: int, name: str, **values) -> Detection:
    rows, columns = np.nonzero(view.numbers == number)
    return Detection(name, 0.9, columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, **values)


def share_of(view: Seen, found, number: int) -> float:
    """IoU of an object's points and those of a solid."""
    places = {point.tobytes(): place for place, point in enumerate(view.xyz.reshape(-1, 3))}
    shown = np.zeros(view.numbers.size, bool)
    shown[[places[point.tobytes()] for point in found.cloud.xyz]] = True
    truth = view.numbers.reshape(-1) == number
    return float((shown & truth).sum() / (shown | truth).sum())


@pytest.mark.parametrize("solids", [PAIR, BESIDE], ids=["behind", "beside"])
def test_two_solids_that_touch_get_their_own_points_each(solids):
    frame, view = touching(solids)
    boxes = [box_of(view, 1, "one"), box_of(view, 2, "two")]
    by_depth = made(Given(*boxes), mean_k=0).segment(frame)
    assert min(share_of(view, item, number) for number, item in enumerate(by_depth, 1)) < 0.85
    model = made(Given(*boxes), mean_k=0, **TABLE)
    found = model.segment(frame)
    assert [item.label for item in found] == ["one", "two"]
    assert min(share_of(view, item, number) for number, item in enumerate(found, 1)) > 0.93
    assert model.describe()["split_touching"] == "yes"


@pytest.mark.parametrize("grown", [-12, 12])
def test_boxes_need_not_be_exact(grown):
    frame, view = touching(PAIR)
    boxes = [
        dataclasses.replace(
            box,
            x_min=box.x_min - grown,
            y_min=box.y_min - grown,
            x_max=box.x_max + grown,
            y_max=box.y_max + grown,
        )
        for box in (box_of(view, 1, "one"), box_of(view, 2, "two"))
    ]
    found = made(Given(*boxes), mean_k=0, **TABLE).segment(frame)
    assert min(share_of(view, item, number) for number, item in enumerate(found, 1)) > 0.93


def test_depth_images_and_points_in_no_order_are_told_apart_too():
    frame, view = touching(PAIR)
    model = made(Given(box_of(view, 1, "one"), box_of(view, 2, "two")), mean_k=0, **TABLE)
    focal = 0.95 * 640
    camera = CameraIntrinsics(640, 480, focal, focal, 319.5, 239.5)
    by_depth = model.segment(Frame(image=frame.image, depth=view.xyz[..., 2], intrinsics=camera))
    points = PointCloud(view.xyz[np.isfinite(view.xyz[..., 2])])
    listed = model.segment(Frame(image=frame.image, cloud=points, intrinsics=camera, frame_id="camera_optical_frame"))
    for found in (by_depth, listed):
        sizes = [np.ptp(item.cloud.xyz @ view.up.astype(np.float32)) for item in found]
        np.testing.assert_allclose(sizes, [0.1, 0.2], atol=0.03)
    assert min(share_of(view, item, number) for number, item in enumerate(listed, 1)) > 0.85


def test_a_mask_keeps_its_points_and_drops_what_its_rim_shows_of_others():
    frame, view = touching(PAIR)
    rows, columns = np.nonzero(view.numbers == 1)
    shown = np.zeros((480, 640), bool)
    shown[rows.min() - 8 : rows.max() + 8, columns.min() - 8 : columns.max() + 8] = True
    mask = InstanceMask.of(shown)
    detection = box_of(view, 1, "one", extra=DetectionExtra(mask=mask))
    loose, (kept,) = (
        made(Given(detection), mean_k=0, **{**TABLE, "split_touching": on}).segment(frame) for on in (False, True)
    )
    assert share_of(view, kept, 1) > 0.93 > share_of(view, loose[0], 1)
    part = InstanceMask.of(shown & (view.numbers == 1) & (np.arange(640) < (columns.min() + columns.max()) // 2))
    (half,) = made(Given(box_of(view, 1, "one", extra=DetectionExtra(mask=part))), mean_k=0, **TABLE).segment(frame)
    assert 0.4 < share_of(view, half, 1) < 0.6  # nothing that the mask does not show


def test_a_turned_box_has_the_object_that_fills_it():
    frame, view = touching(PAIR)
    rows, columns = np.nonzero(view.numbers == 2)
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    box = OrientedBox(columns.min() + width / 2, rows.min() + height / 2, height, width, math.pi / 2)
    detection = box_of(view, 2, "two", extra=DetectionExtra(box=box))
    (found,) = made(Given(detection), mean_k=0, **TABLE).segment(frame)
    assert share_of(view, found, 2) > 0.93


def test_what_shows_no_object_has_its_points_by_depth():
    frame, _ = touching(PAIR)
    table = Detection("table", 0.9, 0, 0, 640, 480)
    corner = Detection("mat", 0.9, 10, 400, 100, 470)
    plain, split = (
        made(Given(table, corner), mean_k=0, **{**TABLE, "split_touching": on}).segment(frame) for on in (False, True)
    )
    assert [len(item.cloud) for item in split] == [len(item.cloud) for item in plain]
    assert len(split) == 2
    assert made(Given(), **TABLE).segment(frame) == []


def test_boxes_stand_upright_on_the_table():
    frame, view = touching(PAIR)
    model = made(Given(box_of(view, 1, "one"), box_of(view, 2, "two")), upright_boxes=True, **TABLE)
    for item, solid in zip(model.segment(frame), PAIR, strict=True):
        np.testing.assert_allclose(item.size, solid.size, atol=0.012)
        assert rotation_matrix(item.orientation)[:, 2] @ view.up > 0.999


def test_boxes_stand_upright_without_telling_apart_too():
    frame, view = touching((Box((0, 0), (0.2, 0.12, 0.1), 0.4),))
    values = {**TABLE, "split_touching": False, "depth_ratio": 0.4, "upright_boxes": True}
    (found,) = made(Given(box_of(view, 1, "one")), **values).segment(frame)
    assert rotation_matrix(found.orientation)[:, 2] @ view.up > 0.999


def test_several_views_go_by_depth_and_it_is_said():
    frame, view = touching(PAIR)
    frame = dataclasses.replace(frame, camera_name="front")
    model = made(Given(box_of(view, 1, "one")), **TABLE)
    views = dataclasses.replace(frame.cloud, viewpoints=((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)))
    assert len(model.segment(dataclasses.replace(frame, cloud=views))) == 1
    assert "camera 'front': objects that touch are not told apart" in model.warning
    assert "2 views" in model.describe()["split_touching"]["front"]
    assert model.segment(frame)
    assert model.warning == ""


@pytest.mark.parametrize("name", ["sensor_position", "ground_plane_normal_vec"])
def test_a_vector_is_three_numbers(name):
    with pytest.raises(VisionError, match=name):
        made(reds(), **{name: [1.0, 2.0]})


@pytest.mark.parametrize("name", ["learn5", "learn20", "learn40"])
def test_detections_of_labelled_solids_on_real_tables_have_their_points(name):
    path = TABLES / f"{name}.pcd"
    if not path.exists():
        pytest.skip(f"no test data: {path} is not there")
    labels = read_pcd_fields(path)["label"].reshape(480, 640).astype(int) // 10
    cloud = read_pcd(path)
    solids = [solid for solid in np.unique(labels) if solid and (labels == solid).sum() >= 300]
    view = Seen(cloud.xyz, np.searchsorted(solids, labels, side="right") * np.isin(labels, solids), None)
    boxes = [box_of(view, number, str(number)) for number in range(1, len(solids) + 1)]
    frame = Frame(image=Image(cloud.rgb), cloud=cloud)
    means = {}
    for on in (False, True):
        found = made(Given(*boxes), **{**TABLE, "split_touching": on}).segment(frame)
        shares = [share_of(view, item, int(item.label)) for item in found]
        assert len(shares) == len(solids)
        means[on] = np.mean(shares)
    assert means[True] > max(0.85, means[False])
