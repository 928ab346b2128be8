"""A recording as a ROS 2 bag, read by the library rosbags and by our own camera."""

import numpy as np
import pytest

import bags  # noqa: F401 - skips where there is no library for bags
from vision_service.camera.replay import Replay, ReplayConfig
from vision_service.configuration import configure
from vision_service.control.recorded_bag import typestore
from vision_service.control.recorded_moment import Moment
from vision_service.control.recording import save
from vision_service.image import decode, encode
from vision_service.pointcloud.objects import object_of
from vision_service.resources import LocalResources
from vision_service.types import (
    CameraIntrinsics,
    Classification,
    Detection,
    DetectionExtra,
    InstanceMask,
    Keypoint,
    LabelChange,
    LabelImage,
    OrientedBox,
    PointCloud,
)

LENS = CameraIntrinsics(40, 30, 50.0, 51.0, 19.5, 14.5, "plumb_bob", (0.1, 0.0, 0.0, 0.0, 0.0), 0.25)
BOX = OrientedBox(20, 15, 16, 8, 0.5)
MASK = InstanceMask.of(np.ones((8, 10), bool), 35, 2)
CUBE = np.stack(np.meshgrid([0.0, 0.2], [0.0, 0.2], [1.0, 1.4]), axis=-1).reshape(-1, 3).astype(np.float32)
FOUND = {
    "detect": [
        Detection("tool", 0.75, *BOX.envelope, id="tool_1", extra=DetectionExtra(box=BOX, mask=MASK)),
        Detection("pen", 0.5, 1, 2, 11, 22, extra=DetectionExtra(keypoints=(Keypoint("tip", 3.0, 4.0, 0.5),))),
    ],
    "classify": [Classification("table", 0.625)],
    "label": LabelImage(np.arange(1200, dtype=np.uint16).reshape(30, 40) % 7, tuple("abcdefg")),
    "segment": [object_of(PointCloud(CUBE), label="box", confidence=0.25, id="box_1")],
}
CHANGE = LabelChange("", "tool_1", 0.75, "front", 1_700_000_000_000_000_007, "lens")


def jpeg(number, width=40, height=30):
    return encode(np.full((height, width, 3), 40 * number + 20, np.uint8), "image/jpeg")


def moments(count=3, **values):
    return [
        Moment(
            1_700_000_000_000_000_007 + number * 100_000_000,
            jpeg(number),
            40,
            30,
            FOUND if number == 1 else {"detect": []},
            frame_id="lens",
            camera="front",
            service="/robot/people",
            intrinsics=LENS,
            changes=(CHANGE,) if number == 1 else (),
            received=1_800_000_000_000_000_000 + number * 100_000_000,
            **values,
        )
        for number in range(count)
    ]


def read(path):
    """Return the messages by topic, and the topics' types, as anybody reads them."""
    from rosbags.rosbag2 import Reader

    found, types = {}, {}
    with Reader(path) as reader:
        for connection, time, data in reader.messages():
            types[connection.topic] = connection.msgtype
            message = typestore().deserialize_cdr(data, connection.msgtype)
            found.setdefault(connection.topic, []).append((time, message))
    return found, types


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return save(moments(), "bag", tmp_path_factory.mktemp("saved"), name="bag")


def test_topics_have_the_names_and_types_they_have_on_the_robot(bag):
    _, types = read(bag.path)
    assert types == {
        "/front/image_raw/compressed": "sensor_msgs/msg/CompressedImage",
        "/front/camera_info": "sensor_msgs/msg/CameraInfo",
        "/robot/people/front/detections": "vision_msgs/msg/Detection2DArray",
        "/robot/people/front/instances": "vision_service/msg/InstanceArray",
        "/robot/people/front/keypoints": "vision_service/msg/ObjectKeypointsArray",
        "/robot/people/front/classifications": "vision_msgs/msg/Classification",
        "/robot/people/front/label_image": "sensor_msgs/msg/Image",
        "/robot/people/front/objects": "vision_msgs/msg/Detection3DArray",
        "/robot/people/front/events": "vision_service/msg/LabelEvent",
    }


def test_the_bag_carries_the_definitions_of_our_messages(bag):
    from mcap.reader import make_reader

    (file,) = bag.path.glob("*.mcap")
    with file.open("rb") as opened:
        schemas = {schema.name: schema.data.decode() for schema in make_reader(opened).get_summary().schemas.values()}
    assert "MSG: vision_service/InstanceMask" in schemas["vision_service/msg/InstanceArray"]
    assert "uint32[] counts" in schemas["vision_service/msg/InstanceArray"]


def test_images_are_those_that_came_when_they_came(bag):
    found, _ = read(bag.path)
    images = found["/front/image_raw/compressed"]
    assert [bytes(message.data) for _, message in images] == [jpeg(number) for number in range(3)]
    assert [time for time, _ in images] == [moment.received for moment in moments()]
    header = images[1][1].header
    assert (header.stamp.sec, header.stamp.nanosec, header.frame_id) == (1_700_000_000, 100_000_007, "lens")


def test_results_say_what_the_service_said(bag):
    found, _ = read(bag.path)
    empty, some, _ = (message for _, message in found["/robot/people/front/detections"])
    assert len(empty.detections) == 0, "nothing found is a message too"
    tool, pen = some.detections
    assert (tool.id, tool.results[0].hypothesis.class_id, tool.results[0].hypothesis.score) == ("tool_1", "tool", 0.75)
    assert (tool.bbox.center.theta, tool.bbox.size_x, tool.bbox.size_y) == (0.5, 16, 8)
    assert (pen.bbox.center.position.x, pen.bbox.center.position.y, pen.bbox.size_x) == (6, 12, 10)
    ((_, instances),) = found["/robot/people/front/instances"]
    clipped, none = instances.masks
    assert (clipped.x, clipped.y, clipped.width, clipped.height) == (35, 2, 5, 8), "as far as it lies in the image"
    assert (sum(clipped.counts), none.width) == (40, 0)
    ((_, keypoints),) = found["/robot/people/front/keypoints"]
    assert [(p.name, p.x, p.confidence) for p in keypoints.objects[1].keypoints] == [("tip", 3.0, 0.5)]
    ((_, classes),) = found["/robot/people/front/classifications"]
    assert (classes.results[0].class_id, classes.results[0].score) == ("table", 0.625)
    ((_, labels),) = found["/robot/people/front/label_image"]
    assert (labels.encoding, labels.step) == ("mono8", 40)
    np.testing.assert_array_equal(labels.data.reshape(30, 40), FOUND["label"].labels)
    ((_, objects),) = found["/robot/people/front/objects"]
    box = objects.detections[0]
    assert (box.results[0].hypothesis.class_id, box.id) == ("box", "box_1")
    np.testing.assert_allclose([box.bbox.center.position.z, box.bbox.size.z], [1.2, 0.4], rtol=1e-6)
    ((_, event),) = found["/robot/people/front/events"]
    assert (event.camera_name, event.previous, event.current) == ("front", "", "tool_1")


@pytest.mark.parametrize("whole", [True, False])
def test_our_own_camera_replays_it(bag, whole):
    path = bag.path if whole else next(bag.path.glob("*.mcap"))
    config = configure(ReplayConfig, {"path": str(path), "loop": False, "rate": 100.0}, of="the camera")
    camera = Replay(config, LocalResources())
    frames = [camera.read() for _ in range(3)]
    assert [frame.stamp for frame in frames] == [moment.stamp for moment in moments()]
    assert [int(frame.image.rgb.mean().round()) for frame in frames] == [20, 60, 100]
    assert {frame.frame_id for frame in frames} == {"lens"}
    assert frames[0].intrinsics == LENS
    camera.close()


def test_a_smaller_copy_has_its_results_and_its_lens_in_its_own_pixels(tmp_path):
    (moment,) = moments(1)
    wide = CameraIntrinsics(80, 60, 100.0, 102.0, 39.5, 29.5)
    box = Detection("pen", 0.5, 2, 4, 22, 44)
    recorded = Moment(1, moment.jpeg, 80, 60, {"detect": [box]}, service="/people", intrinsics=wide)
    found, _ = read(save([recorded], "bag", tmp_path).path)
    ((_, info),) = found["/camera/camera_info"]
    assert (info.width, info.height, info.k[0], info.k[4], info.k[2], info.k[5]) == (40, 30, 50, 51, 19.5, 14.5)
    ((_, message),) = found["/people/camera/detections"]
    (detection,) = message.detections
    assert (detection.bbox.center.position.x, detection.bbox.size_y) == (6, 20)


def test_a_camera_alone_is_recorded_under_the_topic_of_its_images(tmp_path):
    recorded = [Moment(1, jpeg(1), 40, 30, image_topic="/usb_cam/color/image_raw")]
    _, types = read(save(recorded, "bag", tmp_path).path)
    assert types == {"/usb_cam/color/image_raw/compressed": "sensor_msgs/msg/CompressedImage"}


def test_times_in_a_bag_do_not_go_back(tmp_path):
    recorded = moments(3)
    recorded.reverse()
    found, _ = read(save(recorded, "bag", tmp_path).path)
    times = [time for time, _ in found["/front/image_raw/compressed"]]
    assert times == sorted(times)
    assert decode(bytes(found["/front/image_raw/compressed"][0][1].data)).mean().round() == 100, "in their order"
