"""What Viam's own client is answered: what ROS answers, by reference in the stack's process and over DDS elsewhere."""

import asyncio
import time
from contextlib import closing, suppress

import numpy as np
import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from gateway import machine, run
from grpclib import GRPCError, Status
from grpclib.const import Cardinality
from viam.components.camera import Camera
from viam.proto.component.camera import CameraServiceStub, GetImagesRequest
from viam.robot.client import RobotClient
from viam.rpc.dial import DialOptions
from viam.services.mlmodel import MLModelClient as ViamModel
from viam.services.vision import VisionClient as ViamVision

from robot import PATIENCE
from vision_service.camera.contents import decode_depth
from vision_service.image import decode
from vision_service.pointcloud.pcd import read_pcd
from vision_service.ros.calling.graph import vision_services
from vision_service.ros.client import CameraClient, MLModelClient, VisionClient
from vision_service.ros.viam_gateway import CLIENTS, KINDS
from vision_service.viam import legacy, translation
from vision_service.viam.directory import Found
from vision_service.viam.security import Safety
from vision_service.viam.server import Gateway

ALIASES = {"my-camera": "cam1", "my_camera": "cam1", "my-classifier": "my_classifier", "my_vision_svc": "my_detector"}


@pytest.fixture(scope="module")
def elsewhere(served):
    """The port of a gateway that reaches the same robot over DDS."""
    robot, _ = served
    server = Gateway(
        lambda found: CLIENTS[found.kind](found.node, robot.node),
        host="127.0.0.1",
        port=0,
        safety=Safety(),
        aliases=ALIASES,
    )
    with closing(server):
        services = vision_services(robot.node).items()
        nodes = [Found(KINDS[kind], name.rpartition("/")[0]) for name, kind in services if kind in KINDS]
        server.follow([*nodes, Found("vision", "/nobody")]).result(10)
        yield server.port


@pytest.fixture(params=["by reference", "over DDS"])
def port(request, served, elsewhere):
    return served[1] if request.param == "by reference" else elsewhere


@pytest.fixture(scope="module")
def ours(served):
    robot, _ = served
    names = ("my_detector", "my_solids", "my_classifier", "my_segmenter")
    clients = {name: VisionClient(name, robot.node) for name in names}
    clients |= {"cam1": CameraClient("cam1", robot.node), "solids": MLModelClient("solids", robot.node)}
    yield clients
    for client in clients.values():
        client.close()


def vision(port, name, ask):
    return run(port, lambda robot: ask(ViamVision.from_robot(robot, name)))


def camera(port, ask, name="my-camera"):
    return run(port, lambda robot: ask(Camera.from_robot(robot, name)))


def refusal(port, name, ask, kind=ViamVision):
    with pytest.raises(GRPCError) as raised:
        run(port, lambda robot: ask(kind.from_robot(robot, name)))
    return raised.value.status, raised.value.message


def test_all_that_is_on_the_graph_is_a_resource_with_its_aliases(served):
    async def names(robot):
        return {(each.subtype, each.name) for each in robot.resource_names}

    cameras = {("camera", name) for name in ("cam1", "my-camera", "my_camera")}
    kinds = {"my_detector", "my_vision_svc", "my_classifier", "my-classifier", "my_segmenter", "my_solids"}
    wanted = cameras | {("vision", name) for name in kinds} | {("mlmodel", "solids")}
    assert wanted <= run(served[1], names)  # a robot of other tests may be on the graph


def test_the_status_of_the_machine_lists_them(served):
    async def status(robot):
        return {each.name.name for each in (await robot.get_machine_status()).resources}

    assert {"cam1", "my-camera", "my_detector", "solids"} <= run(served[1], status)


# Vision services.


def test_detections(port, ours):
    expected = ours["my_solids"].get_detections_from_camera("cam1")
    assert expected
    assert (expected.frame.camera_name, expected.frame.size) == ("cam1", (320, 240))
    found = vision(port, "my_solids", lambda service: service.get_detections_from_camera("my-camera"))
    assert found == translation.detections(expected, (320, 240))
    assert found == vision(port, "my_solids", lambda service: service.get_detections_from_camera(""))


def test_classifications_are_as_many_as_asked_for_the_best_first(port, ours):
    expected = ours["my_classifier"].get_classifications_from_camera("cam1")

    async def ask(service):
        return [await service.get_classifications_from_camera("cam1", count) for count in (2, 0, -1)]

    two, none, every = vision(port, "my-classifier", ask)
    assert (none, every) == ([], translation.classifications(expected))
    assert two == every[:2]


def test_objects_are_in_space_with_their_points(port, ours):
    expected = ours["my_segmenter"].get_object_point_clouds("cam1")
    found = vision(port, "my_segmenter", lambda service: service.get_object_point_clouds("cam1"))
    assert found
    assert [each.geometries.reference_frame for each in found] == ["cam1_optical_frame"] * len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(read_pcd(one.point_cloud).xyz, other.cloud.xyz, atol=1e-6)
        center = one.geometries.geometries[0].center
        np.testing.assert_allclose((center.x, center.y, center.z), 1000 * other.center, rtol=1e-6)


def test_detections_in_space_are_the_same_objects(port):
    async def ask(service):
        return await service.get_object_point_clouds("cam1"), await service.get_detections_3d("cam1")

    objects, found = vision(port, "my_segmenter", ask)
    assert len(objects) == len(found) > 0
    for one, other in zip(objects, found, strict=True):
        geometry, [transform] = one.geometries.geometries[0], other.transforms
        assert transform.pose_in_observer_frame.pose.x == pytest.approx(geometry.center.x, rel=1e-4)
        assert transform.physical_object.box.dims_mm.x == pytest.approx(geometry.box.dims_mm.x, rel=1e-4)
        assert other.classifications[0].class_name == geometry.label


def test_all_of_one_frame(port, ours):
    def ask(service):
        return service.capture_all_from_camera(
            "my-camera", return_image=True, return_detections=True, return_detections_3d=True
        )

    found = vision(port, "my_segmenter", ask)
    assert (found.image.width, found.image.height) == (320, 240)
    assert (found.classifications, found.objects) == (None, None)
    assert found.detections == translation.detections(
        ours["my_detector"].get_detections_from_camera("cam1"), (320, 240)
    )
    assert len(found.detections_3d) == len(ours["my_segmenter"].get_object_point_clouds("cam1"))
    assert found.extra == {"camera_name": "my-camera", "frame_id": "cam1_optical_frame"}


def test_properties_say_what_a_service_can_do(port):
    async def properties(service):
        return await service.get_properties()

    found = vision(port, "my_segmenter", properties)
    assert (found.object_point_clouds_supported, found.detections_3d_supported) == (True, True)
    assert (found.detections_supported, found.classifications_supported) == (True, False)
    assert found.default_camera == "my-camera"


def test_status_and_help(port):
    async def ask(service):
        return await service.get_status(), await service.do_command({"command": "help"})

    status, told = vision(port, "my_vision_svc", ask)
    assert (status["state"], status["model"]) == ("active", "color_detector")
    assert "help" in told["commands"]


# Cameras.


def test_images_of_all_imagers_or_of_some(port, ours):
    async def ask(camera):
        every, metadata = await camera.get_images()
        some, _ = await camera.get_images(filter_source_names=["depth"])
        return every, some, metadata

    (color, depth), [only], metadata = camera(port, ask)
    assert (color.name, color.mime_type, color.width, color.height) == ("color", "image/jpeg", 320, 240)
    assert (depth.name, depth.mime_type) == ("depth", "image/vnd.viam.dep")
    np.testing.assert_array_equal(decode_depth(depth.data), decode_depth(only.data))
    np.testing.assert_array_equal(decode(color.data), decode(ours["cam1"].get_image("image/jpeg").data))
    assert metadata.captured_at.seconds > 0


def test_an_image_is_annotated_with_its_imager(served):
    async def ask(robot):
        return await CameraServiceStub(robot._channel).GetImages(GetImagesRequest(name="cam1"))

    images = run(served[1], ask).images
    assert [each.annotations.classifications[0].label for each in images] == ["color", "depth"]


def test_points_and_properties_and_what_room_a_camera_takes_up(port, ours):
    async def ask(camera):
        return await camera.get_point_cloud(), await camera.get_properties(), await camera.get_geometries()

    (points, kind), properties, [body] = camera(port, ask)
    assert kind == "pointcloud/pcd"
    np.testing.assert_array_equal(read_pcd(points).xyz, read_pcd(ours["cam1"].get_pcd()).xyz)
    assert properties == translation.camera_properties(ours["cam1"].get_properties())
    assert (properties.supports_pcd, properties.intrinsic_parameters.width_px) == (True, 320)
    assert (body.label, body.box.dims_mm.x) == ("body", pytest.approx(90))


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [("image/png", "image/png"), ("image/jpeg+lazy", "image/jpeg"), ("", "image/jpeg"), ("video/h264", "image/jpeg")],
)
def test_the_removed_get_image_is_answered_on_the_wire(served, wanted, kind):
    async def main():
        async with machine(served[1]) as robot:
            request = legacy.GetImageRequest(name="my_camera", mime_type=wanted)
            async with robot._channel.request(
                legacy.METHOD, Cardinality.UNARY_UNARY, legacy.GetImageRequest, legacy.GetImageResponse
            ) as stream:
                await stream.send_message(request, end=True)
                return await stream.recv_message()

    found = asyncio.run(main())
    assert found.mime_type == kind
    assert decode(found.image).shape == (240, 320, 3)


# ML models.


def test_a_model_runs_and_says_what_it_takes(port, ours):
    async def ask(model):
        metadata = await model.metadata()
        info = metadata.input_info[0]
        pixels = np.arange(np.prod(info.shape), dtype=info.data_type).reshape(list(info.shape))
        return metadata, {info.name: pixels}, await model.infer({info.name: pixels}), await model.get_status()

    metadata, inputs, found, status = run(port, lambda robot: ask(ViamModel.from_robot(robot, "solids")))
    expected = ours["solids"].infer(inputs)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor)
    assert metadata.output_info[0].extra["labels"][0] == "cube"
    assert status["state"] == "active"


# Errors.


def test_an_unknown_camera_is_named_with_those_that_are_there(port):
    status, message = refusal(port, "my_detector", lambda service: service.get_detections_from_camera("cam2"))
    assert status is Status.NOT_FOUND
    assert message.startswith("UNKNOWN_CAMERA: ")
    assert "cam1" in message


def test_what_a_model_cannot_do_is_refused(port):
    status, message = refusal(port, "my_detector", lambda service: service.get_classifications_from_camera("cam1", 1))
    assert (status, message.split(":")[0]) == (Status.UNIMPLEMENTED, "NOT_SUPPORTED")


def test_a_wrong_image_is_refused(port):
    class Broken:
        data, width, height = b"no image", 1, 1

    status, message = refusal(port, "my_detector", lambda service: service.get_detections(Broken))
    assert (status, message.split(":")[0]) == (Status.INVALID_ARGUMENT, "INVALID_ARGUMENT")


@pytest.mark.parametrize("names", [["color", "color"], ["left"]])
def test_imagers_that_are_not_there_or_stand_twice_are_refused(port, names):
    status, message = refusal(port, "cam1", lambda camera: camera.get_images(filter_source_names=names), Camera)
    assert status is Status.INVALID_ARGUMENT
    assert names[0] in message


def test_a_service_that_does_not_answer_is_named_before_the_callers_deadline(elsewhere):
    for _ in range(10):  # on a machine that is very busy, an answer may need more than the 50 ms that are left for it
        with suppress(asyncio.TimeoutError):
            status, message = refusal(elsewhere, "nobody", lambda service: service.get_properties(timeout=1.0))
            break
    assert status in (Status.NOT_FOUND, Status.DEADLINE_EXCEEDED)
    assert message.startswith(("UNKNOWN_RESOURCE", "DEADLINE_EXCEEDED"))


@pytest.mark.parametrize("directly", [False, True])
def test_a_program_goes_on_when_the_gateway_has_been_started_again(served, directly):
    """The SDK connects anew by itself; the clients that the program has made before are to answer again.

    It has one resource: with several, the order of their names could tell the SDK that there is something new.
    """
    robot, _ = served
    nodes = [Found("vision", "/my_detector")]

    def started(port):
        server = Gateway(
            lambda found: CLIENTS[found.kind](found.node, robot.node),
            host="127.0.0.1",
            port=port,
            safety=Safety(),
            aliases={},
        )
        server.follow(nodes)
        return server

    async def main():
        server = started(0)
        # Most programs dial through the SDK's proxy, whose socket goes with the connection.
        dial = DialOptions(
            insecure=True, disable_webrtc=directly, initial_connection_attempts=1, max_reconnect_attempts=30
        )
        wanted = RobotClient.Options(
            dial_options=dial, log_level=50, check_connection_interval=1, attempt_reconnect_interval=1
        )
        client = await RobotClient.at_address(f"127.0.0.1:{server.port}", wanted)
        try:
            detector = ViamVision.from_robot(client, "my_detector")
            assert (await detector.get_properties()).detections_supported
            await asyncio.to_thread(server.close)
            while client._connected:  # the SDK has not noticed yet
                await asyncio.sleep(0.05)
            server = await asyncio.to_thread(started, server.port)
            await answers(detector)
        finally:
            await client.close()
            await asyncio.to_thread(server.close)

    async def answers(detector):
        ends = time.monotonic() + PATIENCE
        while True:
            with suppress(Exception):  # grpclib's, as long as the SDK has not noticed
                return await detector.get_properties(timeout=5)
            assert time.monotonic() < ends
            await asyncio.sleep(0.2)

    asyncio.run(main())
