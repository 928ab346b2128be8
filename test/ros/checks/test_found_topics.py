"""Which cameras the topics on a graph are, for a first parameter file."""

import rclpy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from vision_service.ros.checks.found_topics import TopicsOfCamera, cameras_of, look

IMAGE, COMPRESSED, INFO, POINTS = (
    f"sensor_msgs/msg/{kind}" for kind in ("Image", "CompressedImage", "CameraInfo", "PointCloud2")
)
NODE = ("/driver",)


def topics(**kinds):
    return {f"/{name.replace('__', '/')}": (kind, NODE) for name, kind in kinds.items()}


def test_a_camera_is_a_topic_of_images_with_its_camera_info():
    found = cameras_of(topics(front__image_raw=IMAGE, front__camera_info=INFO, back__image_raw=IMAGE))
    assert found == [
        TopicsOfCamera("/back/image_raw", publishers=NODE),
        TopicsOfCamera("/front/image_raw", camera_info="/front/camera_info", publishers=NODE),
    ]


def test_its_transports_are_not_further_cameras():
    found = cameras_of(topics(a__image_raw=IMAGE, a__image_raw__compressed=COMPRESSED, b__image__compressed=COMPRESSED))
    assert [(each.image, each.transport) for each in found] == [("/a/image_raw", "raw"), ("/b/image", "compressed")]


def test_results_of_vision_services_are_no_cameras():
    assert cameras_of(topics(people__image_annotated=IMAGE, people__label_image=IMAGE)) == []


def test_depth_and_points_belong_to_the_camera_in_whose_namespace_they_are():
    (found,) = cameras_of(
        topics(d__color__image_raw=IMAGE, d__depth__image_raw=IMAGE, d__depth__points=POINTS, lidar__points=POINTS)
    )
    assert (found.image, found.depth, found.points) == ("/d/color/image_raw", "/d/depth/image_raw", "/d/depth/points")


def test_they_are_looked_for_on_the_graph(context):
    publisher = rclpy.create_node("driver", context=context, namespace="/usb_cam")
    looker = rclpy.create_node("looker", context=context)
    try:
        for kind, name in (
            (Image, "image_raw"),
            (CompressedImage, "image_raw/compressed"),
            (CameraInfo, "camera_info"),
        ):
            publisher.create_publisher(kind, name, 1)
        looker.create_subscription(Image, "/nobody/image_raw", lambda _: None, 1)
        publisher.create_publisher(PointCloud2, "/elsewhere/points", 1)
        expected = TopicsOfCamera("/usb_cam/image_raw", "raw", "/usb_cam/camera_info", publishers=("/usb_cam/driver",))
        assert look(looker, 10.0) == [expected]
    finally:
        looker.destroy_node()
        publisher.destroy_node()
