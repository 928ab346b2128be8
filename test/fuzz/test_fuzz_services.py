"""Every service of every node, its parameter services too, with wild requests over real DDS: each is answered."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import rclpy
import vision_service.srv as srv
from hypothesis import given
from hypothesis import strategies as st
from rcl_interfaces import srv as parameter_srv
from rclpy.context import Context
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from sensor_msgs.srv import SetCameraInfo

import tinymodels
from fuzzing import Fuzzed, clouds, examples, images, messages, parameters
from robot import RED_DETECTOR, Peer, forget, node_program
from vision_service.ros.process.dds import choose_profile

VISION = ("reds", "classes", "tracks", "segmenter")
SERVICES = [
    *(("eye", name, kind) for name, kind in (
        ("get_image", srv.GetImage), ("get_images", srv.GetImages), ("get_point_cloud", srv.GetPointCloud),
        ("get_properties", srv.GetCameraProperties), ("get_geometries", srv.GetGeometries),
        ("get_status", srv.GetStatus), ("do_command", srv.DoCommand), ("set_camera_info", SetCameraInfo),
    )),
    *(("colours", name, kind) for name, kind in (("infer", srv.Infer), ("get_metadata", srv.GetMetadata))),
    *(("*", name, kind) for name, kind in (
        ("get_detections", srv.GetDetections), ("get_detections_from_camera", srv.GetDetectionsFromCamera),
        ("get_classifications", srv.GetClassifications),
        ("get_classifications_from_camera", srv.GetClassificationsFromCamera),
        ("get_segmentation", srv.GetSegmentation), ("get_segmentation_from_camera", srv.GetSegmentationFromCamera),
        ("get_keypoints", srv.GetKeypoints), ("get_keypoints_from_camera", srv.GetKeypointsFromCamera),
        ("get_object_point_clouds", srv.GetObjectPointClouds),
        ("get_detections_3d_from_camera", srv.GetDetections3DFromCamera),
        ("capture_all_from_camera", srv.CaptureAllFromCamera), ("get_properties", srv.GetVisionProperties),
        ("do_command", srv.DoCommand),
    )),
]  # fmt: skip
READING = [
    (parameter_srv.DescribeParameters, "describe_parameters"),
    (parameter_srv.GetParameters, "get_parameters"),
    (parameter_srv.GetParameterTypes, "get_parameter_types"),
    (parameter_srv.ListParameters, "list_parameters"),
]
NAMES = (
    *(
        "autostart",
        "max_pending_calls",
        "jpeg_quality",
        "width_px",
        "objects",
        "frame_rate",
        "driver",
        "seed",
        "intrinsics",
    ),
    *(
        "model",
        "detect_color",
        "hue_tolerance_pct",
        "segment_size_px",
        "cameras",
        "camera_name",
        "front.image",
        "use_sim_time",
    ),
    *(
        "geometries",
        "detector_name",
        "chosen_labels",
        "min_confidence",
        "model_path",
        "label_path",
        "path",
        "allowed_paths",
    ),
    *("min_points_in_segment", "clustering_radius", "extra.a.b", "calibration_url", "transforms", "max_detections"),
)


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    """A camera, an ML model and vision nodes of several kinds in one process, one of them with a foreign camera."""
    choose_profile()
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    with tempfile.TemporaryDirectory() as folder:
        data = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2))
        path = tinymodels.write(Path(folder), data)
        quick = {"timeout": 2.0, "cameras": ["eye"]}
        sections = {
            "stack": {"cameras": ["eye"], "mlmodels": ["colours"], "vision": [*VISION, "foreign", "changing"]},
            "eye": {"driver": "synthetic", "width_px": 64, "height_px": 48, "timeout": 2.0},
            "colours": {"model_path": path},
            "reds": {**RED_DETECTOR, **quick},
            "classes": {"model": "mlmodel", "mlmodel_name": "colours", "activation": "none", **quick},
            "tracks": {"model": "tracker", "detector_name": "reds", **quick},
            "segmenter": {"model": "obstacles_pointcloud", **quick},
            "foreign": {**RED_DETECTOR, "cameras": ["front"], "timeout": 2.0},
            "changing": {**RED_DETECTOR, "cameras": ["eye"], "timeout": 2.0},
        }
        with node_program("stack", sections) as process, closing(Peer(context)) as peer:
            for node in ("eye", *VISION, "foreign", "changing"):
                peer.reach(node)
            yield Fuzzed(peer, process)
    forget(context)


def bounded(request):
    """Let nobody wait for long: a negative age waits for a new frame, and a timeout for ever."""
    if hasattr(request, "timeout") and not request.timeout < 0:
        request.timeout = min(request.timeout, 0.5) if request.timeout == request.timeout else request.timeout
    return request


@pytest.mark.parametrize(("node", "name", "kind"), SERVICES, ids=[f"{name}" for _, name, _ in SERVICES])
def test_every_request_is_answered_by_a_result_or_an_error_code(fuzzed, node, name, kind):
    @examples(10, 0.6 / len(SERVICES))
    @given(messages(kind.Request), st.sampled_from(VISION))
    def ask(request, vision):
        fuzzed.answered(kind, f"/{vision if node == '*' else node}/{name}", bounded(request))

    fuzzed.begins()
    ask()
    fuzzed.lives("eye", "colours", *VISION)


@pytest.mark.parametrize(("kind", "name"), READING, ids=[name for _, name in READING])
def test_every_question_for_parameters_is_answered(fuzzed, kind, name):
    @examples(5, 0.01)
    @given(messages(kind.Request))
    def ask(request):
        fuzzed.answered(kind, f"/changing/{name}", request)

    ask()
    fuzzed.lives("changing")


@pytest.mark.parametrize(
    "kind", [parameter_srv.SetParameters, parameter_srv.SetParametersAtomically], ids=["each", "all"]
)
def test_every_change_of_parameters_is_made_or_refused_with_a_reason(fuzzed, kind):
    service = "set_parameters" if kind is parameter_srv.SetParameters else "set_parameters_atomically"

    @examples(25, 0.05)
    @given(st.lists(parameters(NAMES), max_size=3), st.sampled_from(("changing", "eye")))
    def change(wanted, node):
        if node == "eye":
            wanted = [item for item in wanted if item.name not in ("width_px", "driver", "frame_rate")]
        response = fuzzed.answered(kind, f"/{node}/{service}", kind.Request(parameters=wanted))
        results = response.results if hasattr(response, "results") else [response.result]
        assert all(result.successful or result.reason for result in results)

    change()
    fuzzed.lives("changing", "eye")


def test_every_message_on_a_camera_s_topics_is_survived(fuzzed):
    publishers = {
        kind: fuzzed.peer.publisher(kind, topic)
        for kind, topic in (
            (Image, "/front/image_raw"),
            (CameraInfo, "/front/camera_info"),
            (PointCloud2, "/front/points"),
        )
    }
    depth = fuzzed.peer.publisher(Image, "/front/depth/image_raw")

    @examples(40, 0.1)
    @given(
        images(),
        images(),
        messages(CameraInfo),
        clouds(),
        st.sampled_from(("get_detections", "get_object_point_clouds")),
    )
    def publish(image, other, info, cloud, name):
        for kind, message in ((Image, image), (CameraInfo, info), (PointCloud2, cloud)):
            publishers[kind].publish(message)
        depth.publish(other)
        if name == "get_detections":
            kind = srv.GetDetectionsFromCamera
            request = kind.Request(camera_name="front", timeout=0.02)
            fuzzed.answered(kind, "/foreign/get_detections_from_camera", request)
        else:
            kind = srv.GetObjectPointClouds
            fuzzed.answered(kind, "/segmenter/get_object_point_clouds", kind.Request(camera_name="front", timeout=0.02))

    fuzzed.begins()
    publish()
    fuzzed.lives("foreign", "segmenter")
