"""Masks, keypoints and turned boxes over DDS: what models of users give is answered, published and drawn."""

import numpy as np
import pytest
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, Detection3DArray
from vision_service.msg import InstanceArray, ObjectKeypointsArray
from vision_service.srv import (
    CaptureAllFromCamera,
    GetDetections,
    GetDetections3DFromCamera,
    GetKeypoints,
    GetKeypointsFromCamera,
    GetSegmentation,
    GetSegmentationFromCamera,
    GetVisionProperties,
)

import shapes
from robot import eventually, image_message, node_program, running
from vision_nodes import image_camera, refused
from vision_service.drawing import draw_detections
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image as OurImage
from vision_service.image import encode
from vision_service.masks import instance_image
from vision_service.ros import conversion
from vision_service.ros.client import VisionClient
from vision_service.ros.resources.local_calls import LocalCalls
from vision_service.types import Frame

SCENE = shapes.scene()
FRAME = Frame(image=OurImage(SCENE))
FOUND = shapes.made().detect(FRAME)
"""What the model says of it."""
LABELS = shapes.made(pixel_classes=True).label(FRAME)
GIVEN = image_message(SCENE)
RED = {"detect_color": "#ff0000", "hue_tolerance_pct": 0.1, "segment_size_px": 10}


def shapes_node(**parameters):
    return {"model": "shapes", "cameras": ["lens"], **parameters}


@pytest.fixture(scope="module", autouse=True)
def plugin():
    with shapes.joined():
        yield


@pytest.fixture(scope="module")
def robot(tmp_path_factory, plugin):
    file = tmp_path_factory.mktemp("lens") / "scene.png"
    file.write_bytes(encode(SCENE, "image/png"))
    tracked = {"model": "tracker", "detector_name": "all", "cameras": ["lens"], "min_track_persistence": 1}
    sections = {
        "all": shapes_node(),
        "masks": shapes_node(carry=["masks"]),
        "points": shapes_node(carry=["keypoints"]),
        "turned": shapes_node(carry=["oriented_boxes"]),
        "classes": shapes_node(boxes=False, pixel_classes=True),
        "both": shapes_node(carry=["masks"], pixel_classes=True),
        "reds": {"model": "color_detector", "cameras": ["lens"], **RED},
        "view": {"driver": "synthetic", "seed": 3, "width_px": 160, "height_px": 120, "speed": 0.0},
        "solids": {"model": "obstacles_pointcloud", "cameras": ["view"]},
        "tracked": tracked,
        "drawn": {
            "driver": "transform",
            "source": "lens",
            "pipeline": ["boxes"],
            "boxes.type": "detections",
            "boxes.detector_name": "all",
        },
    }
    cameras = ["lens", "view", "drawn"]
    names = {"cameras": cameras, "vision": [name for name in sections if name not in cameras]}
    sections["lens"] = image_camera(file)
    with running({"stack": names, **sections}) as robot:
        for name in (*names["vision"], "drawn"):
            eventually(lambda name=name: robot.status(name)["state"] == "active", f"{name} is active")
        yield robot


def properties(robot, node):
    answer = robot.call(GetVisionProperties, f"{node}/get_properties")
    return answer.segmentation_supported, answer.keypoints_supported, answer.detections_3d_supported


@pytest.mark.parametrize(
    ("node", "can"),
    [
        ("all", (True, True, False)),
        ("masks", (True, False, False)),
        ("points", (False, True, False)),
        ("turned", (False, False, False)),
        ("classes", (True, False, False)),
        ("both", (True, False, False)),
        ("reds", (False, False, False)),
        ("solids", (False, False, True)),
        ("tracked", (True, True, False)),
    ],
)
def test_a_node_says_what_its_model_can_do(robot, node, can):
    assert properties(robot, node) == can


def same(found, expected):
    """Look that two lists of detections are the same, but for the number of the class, which messages do not have."""
    assert [(one.class_name, one.confidence, one.extra) for one in found] == [
        (one.class_name, one.confidence, one.extra) for one in expected
    ]


def test_the_masks_of_objects_are_answered(robot):
    answer = robot.call(GetSegmentation, "masks/get_segmentation", image=GIVEN)
    assert (answer.success, answer.image_width, answer.image_height) == (True, 160, 120), answer.message
    assert not answer.label_image.data
    found = conversion.instances_from_message(answer.instances)
    assert [one.extra.mask for one in found] == [one.extra.mask for one in FOUND]
    assert [one.class_name for one in found] == ["red", "blue"]


def test_the_class_of_each_pixel_is_answered(robot):
    answer = robot.call(GetSegmentationFromCamera, "classes/get_segmentation_from_camera", timeout=20.0)
    assert (answer.success, answer.camera_name, list(answer.class_names)) == (
        True,
        "lens",
        ["background", "red", "blue"],
    )
    assert answer.instances.detections == []
    labels = conversion.label_image_from_message(answer.label_image, answer.class_names)
    np.testing.assert_array_equal(labels.labels, LABELS.labels)
    assert answer.label_image.header == answer.header


def test_a_model_that_has_both_answers_both(robot):
    answer = robot.call(GetSegmentation, "both/get_segmentation", image=GIVEN)
    assert (len(answer.instances.masks), answer.label_image.encoding) == (2, "mono8")


def test_keypoints_are_answered(robot):
    given = robot.call(GetKeypoints, "points/get_keypoints", image=GIVEN)
    seen = robot.call(GetKeypointsFromCamera, "points/get_keypoints_from_camera", timeout=20.0)
    for answer in (given, seen):
        assert answer.success, answer.message
        found = conversion.keypoints_from_message(answer.keypoints)
        assert [one.extra.keypoints for one in found] == [one.extra.keypoints for one in FOUND]
    assert [point.name for point in seen.keypoints.objects[0].keypoints] == list(shapes.OUTERMOST)


def test_turned_boxes_are_answered(robot):
    answer = robot.call(GetDetections, "turned/get_detections", image=GIVEN)
    same(conversion.detections_from_message(answer.detections), shapes.made(carry=("oriented_boxes",)).detect(FRAME))
    red = answer.detections.detections[0].bbox
    assert sorted((red.size_x, red.size_y)) == pytest.approx([30, 70], abs=2.0)
    angle = red.center.theta if red.size_x > red.size_y else red.center.theta + np.pi / 2
    assert np.degrees(angle) == pytest.approx(30, abs=1.5)


def test_objects_in_space_are_answered_without_their_points(robot):
    answer = robot.call(GetDetections3DFromCamera, "solids/get_detections_3d_from_camera", timeout=20.0)
    assert answer.success, answer.message
    inbox = robot.listen(Detection3DArray, "solids/objects")
    message = inbox.next()
    robot.stop_listening(inbox)
    assert len(answer.detections.detections) == len(message.detections) > 0
    assert answer.header.frame_id == message.header.frame_id == answer.detections.header.frame_id
    ours, theirs = answer.detections.detections[0], message.detections[0]
    assert ours.bbox.size.x == pytest.approx(theirs.bbox.size.x, abs=0.02)


@pytest.mark.parametrize(
    ("node", "kind", "service", "words"),
    [
        ("reds", GetSegmentation, "get_segmentation", "is not a 2D segmenter: it can detect"),
        ("points", GetSegmentation, "get_segmentation", "it can detect, find keypoints"),
        ("masks", GetKeypoints, "get_keypoints", "is not a keypoint detector: it can detect, segment images"),
        ("classes", GetKeypointsFromCamera, "get_keypoints_from_camera", "it can segment images"),
        ("classes", GetDetections, "get_detections", "is not a detector: it can segment images"),
        ("all", GetDetections3DFromCamera, "get_detections_3d_from_camera", "is not a 3D segmenter"),
    ],
)
def test_what_the_model_cannot_do_is_not_supported(robot, node, kind, service, words):
    fields = {} if "camera" in service else {"image": GIVEN}
    refused(robot.call(kind, f"{node}/{service}", **fields), ErrorCode.NOT_SUPPORTED, words)


def test_all_is_captured_of_one_frame(robot):
    wanted = {
        f"return_{name}": True
        for name in ("image", "detections", "classifications", "object_point_clouds", "segmentation", "keypoints")
    }
    answer = robot.call(CaptureAllFromCamera, "all/capture_all_from_camera", timeout=20.0, **wanted)
    assert answer.success, answer.message
    assert len(answer.detections.detections) == len(answer.instances.masks) == len(answer.keypoints.objects) == 2
    assert answer.instances.header == answer.keypoints.header == answer.header
    nothing = robot.call(CaptureAllFromCamera, "reds/capture_all_from_camera", timeout=20.0, **wanted)
    assert (nothing.success, len(nothing.detections.detections)) == (True, 1)
    assert (nothing.instances.masks, nothing.keypoints.objects, len(nothing.label_image.data)) == ([], [], 0)
    unasked = robot.call(CaptureAllFromCamera, "all/capture_all_from_camera", timeout=20.0, return_detections=True)
    assert (unasked.instances.masks, unasked.keypoints.objects) == ([], [])


# Topics.


def test_what_the_model_says_is_published_for_the_camera_and_directly(robot):
    kinds = {"instances": InstanceArray, "instance_image": Image, "keypoints": ObjectKeypointsArray}
    for place in ("", "lens/"):
        inboxes = {name: robot.listen(kind, f"all/{place}{name}") for name, kind in kinds.items()}
        messages = {name: inbox.next() for name, inbox in inboxes.items()}
        for inbox in inboxes.values():
            robot.stop_listening(inbox)
        same_masks = [one.extra.mask for one in conversion.instances_from_message(messages["instances"])]
        assert same_masks == [one.extra.mask for one in FOUND]
        view = messages["instance_image"]
        assert (view.encoding, view.width, view.height) == ("mono8", 160, 120)
        np.testing.assert_array_equal(np.array(view.data).reshape(120, 160), instance_image(FOUND, 160, 120))
        points = [one.extra.keypoints for one in conversion.keypoints_from_message(messages["keypoints"])]
        assert points == [one.extra.keypoints for one in FOUND]
        assert {message.header.frame_id for message in messages.values()} == {messages["instances"].header.frame_id}


def test_topics_are_those_of_what_the_model_can_do(robot):
    names = {"instances", "instance_image", "keypoints", "label_image"}
    offered = {name for name, _ in robot.node.get_topic_names_and_types() if robot.node.count_publishers(name)}
    for node, expected in {
        "all": {"instances", "instance_image", "keypoints"},
        "points": {"keypoints"},
        "both": {"instances", "instance_image", "label_image"},
        "classes": {"label_image"},
        "reds": set(),
    }.items():
        assert {name for name in names if f"/{node}/lens/{name}" in offered} == expected, node


def test_all_topics_of_a_frame_take_one_run_of_the_model(robot):
    inboxes = [
        robot.listen(kind, f"all/{name}")
        for name, kind in {
            "detections": Detection2DArray,
            "instances": InstanceArray,
            "keypoints": ObjectKeypointsArray,
        }.items()
    ]
    stamps = [set(), set(), set()]

    def twenty_together():
        for inbox, seen in zip(inboxes, stamps, strict=True):
            seen |= {(message.header.stamp.sec, message.header.stamp.nanosec) for message in inbox.drain()}
        return len(set.intersection(*stamps)) >= 20

    before = robot.status("all")["runs"]
    eventually(twenty_together, "results of the same frames")
    runs = robot.status("all")["runs"] - before
    for inbox in inboxes:
        robot.stop_listening(inbox)
    assert runs <= len(set.union(*stamps)) + 20


def test_turned_boxes_are_published(robot):
    inbox = robot.listen(Detection2DArray, "turned/detections")
    message = inbox.next()
    robot.stop_listening(inbox)
    same(conversion.detections_from_message(message), shapes.made(carry=("oriented_boxes",)).detect(FRAME))


def test_the_annotated_image_shows_masks_keypoints_and_turned_boxes(robot):
    inbox = robot.listen(Image, "all/image_annotated")
    drawn = conversion.image_from_message(inbox.next()).rgb
    robot.stop_listening(inbox)
    np.testing.assert_array_equal(drawn, draw_detections(SCENE, FOUND, shapes.Shapes.skeleton))


def test_a_model_that_can_do_something_else_after_a_change_has_other_topics(robot):
    sections = {"stack": {"vision": ["changing"]}, "changing": {**shapes_node(carry=["masks"]), "cameras": ["front"]}}
    with running(sections) as other:
        assert other.set("changing", {"carry": ["keypoints"]}).successful
        eventually(lambda: other.node.count_publishers("/changing/front/keypoints"), "the topic of keypoints")
        eventually(lambda: not other.node.count_publishers("/changing/front/instances"), "no topic of masks")
        assert properties(other, "changing") == (False, True, False)
        refused(other.call(GetSegmentation, "changing/get_segmentation", image=GIVEN), ErrorCode.NOT_SUPPORTED)


@pytest.mark.parametrize("name", ["instances", "instance_image", "keypoints"])
def test_a_camera_may_not_bear_the_name_of_an_output(name):
    sections = {"stack": {"vision": ["odd"]}, "odd": {"model": "color_detector", "cameras": [name], **RED}}
    with running(sections) as robot:
        assert f"a camera cannot be called {name!r}" in robot.status("odd")["last_error"]


def test_a_model_whose_extras_are_unknown_is_refused():
    sections = {"stack": {"vision": ["odd"]}, "odd": shapes_node(carry=["mask"], cameras=[])}
    with running(sections) as robot:
        error = eventually(lambda: robot.status("odd")["last_error"], "an error")
        assert "name 'mask': known are keypoints, masks, oriented_boxes" in error


# Who builds on others.


def test_a_tracker_keeps_masks_keypoints_and_turned_boxes(robot):
    inboxes = [
        robot.listen(kind, f"tracked/{name}")
        for name, kind in (
            ("instances", InstanceArray),
            ("keypoints", ObjectKeypointsArray),
            ("detections", Detection2DArray),
        )
    ]
    instances, keypoints, detections = (inbox.next() for inbox in inboxes)
    for inbox in inboxes:
        robot.stop_listening(inbox)
    found = conversion.instances_from_message(instances)
    assert [one.extra.mask for one in found] == [one.extra.mask for one in FOUND]
    assert {one.id for one in found} == {"red_1", "blue_1"}
    assert [item.keypoints[0].name for item in keypoints.objects] == ["left", "left"]
    assert [one.bbox.center.theta for one in detections.detections] == [one.extra.box.angle for one in FOUND]


def test_a_camera_that_draws_what_is_detected_draws_all_of_it(robot):
    inbox = robot.listen(Image, "drawn/image_raw")
    drawn = conversion.image_from_message(inbox.next()).rgb
    robot.stop_listening(inbox)
    np.testing.assert_array_equal(drawn, draw_detections(SCENE, FOUND, shapes.Shapes.skeleton))


def test_a_service_of_another_process_gives_its_masks():
    there = {"stack": {"vision": ["far", "far_points", "far_classes"]}}
    there |= {
        "far": shapes_node(carry=["masks"], cameras=[]),
        "far_points": shapes_node(carry=["keypoints"], cameras=[]),
    }
    there |= {"far_classes": shapes_node(boxes=False, pixel_classes=True, cameras=[])}
    here = {"stack": {"vision": ["near", "near_points", "regions"]}}
    for name, detector in (("near", "far"), ("near_points", "far_points")):
        here |= {name: {"model": "tracker", "detector_name": detector, "cameras": []}}
    here |= {"regions": {"model": "detections_to_segments", "detector_name": "far_classes", "cameras": []}}
    with node_program("stack", there), running(here) as robot:
        for name in ("near", "near_points", "regions"):
            eventually(lambda name=name: robot.status(name)["state"] == "active", f"{name} is active")
        answer = robot.call(GetSegmentation, "near/get_segmentation", image=GIVEN, timeout=20.0)
        assert answer.success, answer.message
        found = conversion.instances_from_message(answer.instances)
        assert [one.extra.mask for one in found] == [one.extra.mask for one in FOUND]
        answer = robot.call(GetKeypoints, "near_points/get_keypoints", image=GIVEN, timeout=20.0)
        found = conversion.keypoints_from_message(answer.keypoints)
        assert [one.extra.keypoints for one in found] == [one.extra.keypoints for one in FOUND]
        answer = robot.call(GetSegmentation, "regions/get_segmentation", image=GIVEN, timeout=20.0)
        assert answer.success, answer.message
        found = {one.class_name: one.extra.mask for one in conversion.instances_from_message(answer.instances)}
        assert found == {one.class_name: one.extra.mask for one in FOUND}


# Clients.


def test_a_client_gets_masks_and_classes(robot):
    with VisionClient("/both") as client:
        for found in (
            client.get_segmentation(SCENE),
            client.get_segmentation_from_camera("lens", timeout=20.0),
            client.get_segmentation_async(encode(SCENE, "image/png")).result(),
        ):
            np.testing.assert_array_equal(found.label_image.labels, LABELS.labels)
            assert found.label_image.class_names == LABELS.class_names
            assert [one.extra.mask for one in found.instances] == [one.extra.mask for one in FOUND]


def test_a_client_gets_keypoints(robot):
    with VisionClient("/all") as client:
        for found in (client.get_keypoints(SCENE), client.get_keypoints_from_camera_async(timeout=20.0).result()):
            assert [one.extra.keypoints for one in found] == [one.extra.keypoints for one in FOUND]
            assert [one.extra.box for one in found] == [one.extra.box for one in FOUND]


def test_a_client_gets_objects_in_space(robot):
    with VisionClient("/solids") as client:
        found = client.get_detections_3d_from_camera(timeout=20.0)
        objects = client.get_object_point_clouds(timeout=20.0)
        assert len(found) == len(objects) > 0
        np.testing.assert_allclose(found[0].size, objects[0].size, atol=0.02)
        with pytest.raises(VisionError) as caught:
            client.get_segmentation(SCENE)
        assert caught.value.code is ErrorCode.NOT_SUPPORTED


def test_a_client_captures_detections_with_all_that_they_carry(robot):
    with VisionClient("/all") as client:
        can = client.get_properties()
        assert (can.segmentation_supported, can.keypoints_supported, can.detections_3d_supported) == (True, True, False)
        captured = client.capture_all_from_camera(
            return_detections=True, return_segmentation=True, return_keypoints=True, timeout=20.0
        )
        same(captured.detections, FOUND)
        assert len(captured.segmentation.instances) == len(captured.keypoints) == 2
        plain = client.capture_all_from_camera(return_detections=True, timeout=20.0)
        assert (plain.segmentation, plain.keypoints) == (None, None)
        assert plain.detections[0].extra.mask is None


@pytest.mark.parametrize("node", ["all", "masks", "turned", "reds"])
def test_what_is_called_by_reference_is_answered_as_over_ros(robot, node):
    by_reference = VisionClient.by(f"/{node}", LocalCalls(robot.nodes[node]))
    with VisionClient(node) as over_ros, by_reference:
        for ask in (lambda client: client.get_detections(SCENE), lambda client: client.get_detections_from_camera()):
            ours, theirs = ask(by_reference), ask(over_ros)
            same(ours, theirs)
            assert [one.class_index for one in ours] == [one.class_index for one in theirs]
            assert edges(ours) == pytest.approx(edges(theirs), abs=1e-9)
            assert (ours.frame.camera_name, ours.frame.size) == (theirs.frame.camera_name, theirs.frame.size)
            assert ours.frame.frame_id == theirs.frame.frame_id


def edges(found):
    return [value for one in found for value in (one.x_min, one.y_min, one.x_max, one.y_max)]
