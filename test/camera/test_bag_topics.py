"""Which topics of a recording are a camera's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.camera.bag_topics import CAMERA_INFO, COMPRESSED, IMAGE, POINTS, BagTopics, choose
from vision_service.errors import ErrorCode, VisionError
from vision_service.messages import Kind

KINDS = {"image": Kind.IMAGE, "depth": Kind.DEPTH, "either": Kind.EITHER, "neither": Kind.NEITHER}


def chosen(types, kinds=None, **given):
    """Return what is chosen of topics with their types, of which those of images are of a kind."""
    return choose(given, types, lambda topic: KINDS[(kinds or {}).get(topic, "image")], of="the bag")


def refused(types, kinds=None, **given):
    with pytest.raises(VisionError) as caught:
        chosen(types, kinds, **given)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def test_parts_are_found_by_what_they_say_that_they_are():
    types = {"/a": IMAGE, "/b": COMPRESSED, "/c": POINTS, "/d": CAMERA_INFO}
    assert chosen(types, {"/b": "depth"}) == BagTopics("/a", "/b", "/c", "/d")


@pytest.mark.parametrize(("topic", "part"), [("/front/depth/image", "depth"), ("/front/grey", "image")])
def test_of_what_may_be_both_the_name_decides(topic, part):
    assert getattr(chosen({topic: COMPRESSED}, {topic: "either"}), part) == topic


def test_of_what_may_be_both_the_user_decides():
    assert chosen({"/grey": IMAGE}, {"/grey": "either"}, depth="/grey") == BagTopics(depth="/grey")


def test_what_cannot_be_read_is_passed_over():
    types = {"/front/image/compressed": COMPRESSED, "/front/lost/compressed": COMPRESSED}
    assert chosen(types, {"/front/lost/compressed": "neither"}).depth == ""


@pytest.mark.parametrize(
    ("kind", "transport"),
    [
        ("ffmpeg_image_transport_msgs/msg/FFMPEGPacket", "ffmpeg"),
        ("theora_image_transport/msg/Packet", "theora"),
        ("foxglove_msgs/msg/CompressedVideo", "foxglove"),
    ],
)
def test_video_is_named_with_the_way_out(kind, transport):
    message = refused({"/front/image_raw/video": kind})
    assert "has no images, depth or points" in message
    assert "/front/image_raw/video is a video stream: play the bag with ros2 bag play" in message
    assert f"in_transport:={transport}" in message


def test_what_is_not_of_ros_2_is_listed():
    message = refused({"/camera": "foxglove.CompressedImage, protobuf: not read, because not of ROS 2"})
    assert "/camera (foxglove.CompressedImage, protobuf: not read, because not of ROS 2)" in message
    assert "/camera of the bag is foxglove" in refused(
        {"/camera": "foxglove.CompressedImage, protobuf"}, image="/camera"
    )


# Several topics of one imager, and several cameras.

INFO, DEPTH_INFO = "/cam/color/camera_info", "/cam/depth/camera_info"


def recorded(*topics):
    """Return the types of topics by their names, and which of them are depth."""
    types = {}
    for topic in topics:
        end = topic.rpartition("/")[2]
        if end.endswith(("info", "calibration")):
            types[topic] = CAMERA_INFO
        elif "points" in end or "cloud" in end:
            types[topic] = POINTS
        else:
            types[topic] = COMPRESSED if end.startswith("compressed") else IMAGE
    return types, {topic: "depth" for topic in types if "depth" in topic or "stereo" in topic}


def of(*topics, **given):
    return chosen(*recorded(*topics), **given)


@pytest.mark.parametrize("color", ["image_raw", "image_raw/compressed"])
@pytest.mark.parametrize("depth", ["image_raw", "image_raw/compressed", "image_raw/compressedDepth"])
def test_the_calibration_beside_is_found_whatever_the_transport(color, depth):
    found = of(f"/cam/color/{color}", INFO, f"/cam/depth/{depth}", DEPTH_INFO)
    assert found == BagTopics(f"/cam/color/{color}", f"/cam/depth/{depth}", "", INFO, DEPTH_INFO)
    assert of(f"/cam/depth/{depth}", DEPTH_INFO).camera_info == DEPTH_INFO


def test_compressed_images_do_not_get_the_calibration_of_the_depth():
    found = of("/cam/color/image_raw/compressed", "/cam/depth/image_raw/compressedDepth", DEPTH_INFO)
    assert (found.camera_info, found.depth_camera_info) == ("", DEPTH_INFO)


def test_a_calibration_below_the_topic_of_the_imager_is_its():
    infos = ("/front/image/camera_info", "/back/image/camera_info")
    assert of("/front/image/compressed", *infos).camera_info == infos[0]
    assert of("/front/image", *infos).camera_info == infos[0]


def test_what_was_decoded_from_a_video_has_the_calibration_of_its_imager():
    types = {
        "/front/image_raw/ffmpeg": "ffmpeg_image_transport_msgs/msg/FFMPEGPacket",
        "/front/image_raw/decoded": IMAGE,
        "/front/camera_info": CAMERA_INFO,
        "/front/depth/camera_info": CAMERA_INFO,
    }
    assert chosen(types).camera_info == "/front/camera_info"


def test_of_one_imager_compressed_depth_goes_before_depth_in_png_and_raw_before_both():
    both = ["/d/image_raw/compressed", "/d/image_raw/compressedDepth"]
    types, _ = recorded(*both, "/d/camera_info")
    kinds = dict.fromkeys([*both, "/d/image_raw"], "depth")
    assert chosen(types, kinds) == BagTopics(depth=both[1], camera_info="/d/camera_info")
    assert chosen({**types, "/d/image_raw": IMAGE}, kinds).depth == "/d/image_raw"
    assert chosen(types, kinds, depth=both[0]).depth == both[0]


def test_depth_of_two_imagers_is_ambiguous_whatever_the_transport():
    topics = [
        f"/{name}/image_raw/{end}" for name in ("depth_a", "depth_b") for end in ("compressed", "compressedDepth")
    ]
    assert "/depth_a/image_raw/compressedDepth, /depth_b/image_raw/compressedDepth:" in refused(*recorded(*topics))


@pytest.mark.parametrize(
    ("image", "others"),
    [
        ("/front/image_raw", ("/back/image_raw", "/back/camera_info")),
        ("/front/image_raw/compressed", ("/back/image_raw/compressed", "/back/camera_info")),
        ("/front/image_raw", ("/back/image_raw", "/back/info")),
        ("/front/image_raw", ("/back/color/image_raw", "/back/calibration")),
        ("/image_raw", ("/back/image_raw", "/back/camera_info")),
        ("/front_image", ("/back_image", "/back_camera_info")),
        ("/image_front", ("/image_back", "/back_info")),
        ("/front/image_raw", ("/back/depth/image_raw", "/back/depth/camera_info", "/back/image_raw")),
        ("/robot/front/image_raw", ("/robot/back/image_raw", "/robot/info")),
    ],
)
def test_the_calibration_of_another_camera_is_not_chosen_and_that_is_said(image, others):
    found = of(image, *others, image=image, depth="none")
    info = next(topic for topic in others if topic.endswith(("info", "calibration")))
    assert found.camera_info == found.depth_camera_info == ""
    assert len(found.remarks) == 1
    assert info in found.remarks[0]
    assert "give 'camera_info' if it is meant" in found.remarks[0]
    assert of(image, *others, image=image, depth="none", camera_info=info).remarks == ()
    assert of(image, *others, image=image, depth="none", camera_info="none").remarks == ()


def test_a_calibration_beside_a_video_of_another_camera_is_that_cameras():
    types, kinds = recorded("/front/image_raw", "/back/camera_info")
    types["/back/image_raw/ffmpeg"] = "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
    assert chosen(types, kinds).camera_info == ""


def test_the_only_calibration_of_the_only_camera_is_its_whatever_its_name():
    assert of("/front/image_raw", "/calibration").camera_info == "/calibration"
    assert of("/front/throttled/image_raw", "/front/camera_info").camera_info == "/front/camera_info"
    assert of("/front_image", "/front_camera_info").camera_info == "/front_camera_info"


def test_that_one_calibration_is_another_cameras_does_not_make_a_third_this_ones():
    topics = ("/oak/rgb/image_raw", "/oak/rgb/camera_info", "/oak/left/camera_info", "/oak/stereo/image_raw")
    message = refused(*recorded(*topics), image="none")
    assert "several topics for 'camera_info': /oak/left/camera_info, /oak/rgb/camera_info" in message


def camera(prefix, end=""):
    return {
        "image": f"{prefix}/color/image_raw{end and '/compressed'}",
        "depth": f"{prefix}/depth/image_raw{end and '/compressedDepth'}",
        "points": f"{prefix}/points",
        "camera_info": f"{prefix}/color/camera_info",
        "depth_camera_info": f"{prefix}/depth/camera_info",
    }


@pytest.mark.parametrize("end", ["", "compressed"])
@pytest.mark.parametrize(("one", "other"), [("/front", "/back"), ("/robot/front", "/robot/back"), ("", "/back")])
@pytest.mark.parametrize("named", ["image", "depth", "points"])
def test_of_two_cameras_all_parts_are_of_that_of_which_one_is_named(one, other, end, named):
    ours, theirs = camera(one, end), camera(other, end)
    found = of(*ours.values(), *theirs.values(), **{named: theirs[named]})
    assert found == BagTopics(**theirs)
    if one:
        assert of(*ours.values(), *theirs.values(), **{named: ours[named]}) == BagTopics(**ours)


@pytest.mark.parametrize(
    ("image", "others", "part"),
    [
        ("/front/image_raw", ("/back/image_raw", "/back/depth/image_raw"), "depth"),
        ("/front/image_raw", ("/back/image_raw/compressed", "/back/depth/image_raw/compressedDepth"), "depth"),
        ("/front/image_raw", ("/back/image_raw", "/back/points"), "points"),
        ("/robot/front/image_raw", ("/robot/back/image_raw", "/robot/back/depth/points"), "points"),
        ("/image_raw", ("/back/image_raw", "/back/depth/image_raw"), "depth"),
        ("/front_image", ("/back_image", "/back_depth"), "depth"),
        ("/image_front", ("/image_back", "/points_back"), "points"),
    ],
)
def test_depth_and_points_of_another_camera_are_not_chosen_and_that_is_said(image, others, part):
    found = of(image, *others, image=image)
    assert found == BagTopics(image, remarks=found.remarks)
    assert len(found.remarks) == 1
    assert f"{others[1]} is not read as '{part}'" in found.remarks[0]
    assert getattr(of(image, *others, image=image, **{part: others[1]}), part) == others[1]
    assert of(image, *others, image=image, **{part: "none"}) == BagTopics(image)


def test_points_of_another_camera_are_not_chosen_beside_depth_alone():
    topics = ("/front/depth/image_raw", "/back/image_raw", "/back/points")
    assert of(*topics, image="none").points == ""


def test_depth_that_may_be_of_either_of_two_cameras_is_said_to_be_uncertain():
    topics = ("/robot/front/image_raw", "/robot/back/image_raw", "/robot/depth/image_raw")
    found = of(*topics, image=topics[0])
    assert found.depth == topics[2]
    assert f"{topics[2]} is read as 'depth' with {topics[0]}, but its name does not tell" in found.remarks[0]
    assert of(*topics, image=topics[0], depth=topics[2]).remarks == ()


def test_depth_that_jpeg_has_lost_is_no_other_camera():
    types, kinds = recorded("/cam/color/image_raw", "/cam/depth/image_raw/compressed", "/cam/depth/points")
    kinds["/cam/depth/image_raw/compressed"] = "neither"
    assert chosen(types, kinds) == BagTopics("/cam/color/image_raw", points="/cam/depth/points")


ZED = "/zed/zed_node"


@pytest.mark.parametrize(
    "parts",
    [
        ("/image_raw", "", "", "/camera_info", ""),
        ("/camera1/image_raw", "", "", "/camera1/camera_info", ""),
        (
            "/camera/camera/color/image_raw",
            "/camera/camera/aligned_depth_to_color/image_raw",
            "/camera/camera/depth/color/points",
            "/camera/camera/color/camera_info",
            "/camera/camera/aligned_depth_to_color/camera_info",
        ),
        (
            "/oak/rgb/image_raw",
            "/oak/stereo/image_raw",
            "/oak/points",
            "/oak/rgb/camera_info",
            "/oak/stereo/camera_info",
        ),
        (
            f"{ZED}/rgb/color/rect/image",
            f"{ZED}/depth/depth_registered",
            f"{ZED}/point_cloud/cloud_registered",
            f"{ZED}/rgb/color/rect/camera_info",
            f"{ZED}/depth/camera_info",
        ),
        ("/rgb/image_raw", "/depth_to_rgb/image_raw", "/points2", "/rgb/camera_info", "/depth_to_rgb/camera_info"),
        ("/rgbd/image", "/rgbd/depth_image", "/rgbd/points", "/rgbd/camera_info", "/rgbd/camera_info"),
        ("/rgb", "/depth", "/point_cloud", "/camera_info", "/camera_info"),
    ],
)
@pytest.mark.parametrize("end", ["", "compressed"])
def test_one_cameras_topics_are_found_by_the_names_of_its_driver(parts, end):
    image, depth, points, info, own = parts
    if end:
        image, depth = f"{image}/compressed", depth and f"{depth}/compressedDepth"
    found = BagTopics(image, depth, points, info, own)
    topics = [topic for topic in parts[2:] if topic] + [image] + ([depth] if depth else [])
    assert of(*topics) == found
    assert of(*topics, image=image) == found


@pytest.mark.parametrize(
    ("image", "depth", "more"),
    [
        ("/camera/color/image_raw", "/camera/depth/image_rect_raw", ("/camera/infra1/image_rect_raw",)),
        ("/oak/rgb/image_raw", "/oak/stereo/image_raw", ("/oak/left/image_raw", "/oak/right/image_raw")),
        (f"{ZED}/rgb/image_rect_color", f"{ZED}/depth/depth_registered", (f"{ZED}/left/image_rect_color",)),
        ("/rgb/image_raw", "/depth_to_rgb/image_raw", ("/ir/image_raw",)),
        ("/camera/rgb/image_raw", "/camera/depth/image_raw", ("/camera/rgb/image_rect_color",)),
        ("/camera/rgb/image_raw", "/camera/depth/image_raw", ("/debug_image",)),
    ],
)
def test_depth_of_a_camera_with_more_imagers_is_found(image, depth, more):
    infos = [f"{topic.rpartition('/')[0]}/camera_info" for topic in (image, depth, *more)]
    found = of(image, depth, *more, *infos, image=image)
    assert (found.image, found.depth, found.camera_info, found.depth_camera_info) == (image, depth, *infos[:2])


PARTS = st.sampled_from(
    ["front", "back", "depth", "image_raw", "compressed", "compressedDepth", "camera_info", "", "a_b"]
)
TOPIC_NAMES = st.lists(PARTS, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
TYPES = st.sampled_from([IMAGE, COMPRESSED, CAMERA_INFO, POINTS, "foxglove_msgs/msg/CompressedVideo", "other"])


@given(st.dictionaries(TOPIC_NAMES, TYPES, max_size=8), st.data())
def test_whatever_the_names_topics_are_chosen_of_their_types_or_the_bag_is_refused(types, data):
    kinds = {topic: data.draw(st.sampled_from(sorted(KINDS))) for topic in types}
    names = {
        part: data.draw(st.sampled_from(["", "none", *types])) for part in ("image", "depth", "points", "camera_info")
    }
    try:
        found = chosen(types, kinds, **names)
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT
        return
    for part, name in names.items():
        assert getattr(found, part) == ("" if name == "none" else name or getattr(found, part))
    assert all(types[topic] in (IMAGE, COMPRESSED) for topic in (found.image, found.depth) if topic)
    assert all(types[topic] == CAMERA_INFO for topic in (found.camera_info, found.depth_camera_info) if topic)


def test_what_a_vision_service_says_of_images_is_no_camera_s():
    camera = {"/front/image_raw/compressed": COMPRESSED, "/front/camera_info": CAMERA_INFO}
    results = {
        "/people/front/image_annotated": IMAGE,
        "/people/front/image_annotated/compressed": COMPRESSED,
        "/people/front/label_image": IMAGE,
        "/people/instance_image": IMAGE,
        "/people/object_points": POINTS,
    }
    found = chosen({**results, **camera})
    assert (found.image, found.points, found.camera_info) == ("/front/image_raw/compressed", "", "/front/camera_info")
    assert [remark.split()[0] for remark in found.remarks] == sorted(results)
    assert "give it as 'points'" in found.remarks[-1]
    given = chosen({**results, **camera}, image="/people/front/image_annotated", points="/people/object_points")
    assert (given.image, given.points) == ("/people/front/image_annotated", "/people/object_points")
    assert chosen({"/people/image_annotated": IMAGE}).image == "/people/image_annotated", "where there is nothing else"
