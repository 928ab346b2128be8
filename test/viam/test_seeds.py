"""The Python code of the documents that the package was made from runs, with the results that ROS gives."""

import ast
import asyncio
import inspect
import os
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from certificates import certificates
from gateway import machine
from grpclib import GRPCError, Status
from seed_blocks import EDITS, ENDLESS, WHOLE_PROGRAM, blocks, edited
from viam.components.camera import Camera
from viam.media.video import CameraMimeType, ViamImage
from viam.services.vision import VisionClient

from vision_service.ros.client import CameraClient
from vision_service.ros.client import VisionClient as OurVision
from vision_service.ros.viam_gateway import CLIENTS
from vision_service.viam import translation
from vision_service.viam.directory import Found
from vision_service.viam.security import safety
from vision_service.viam.server import Gateway

BLOCKS = blocks()
pytestmark = pytest.mark.skipif(not BLOCKS, reason="the documents are not there")
REFUSED = {6: "no command 'dosomething'", 15: "no command ''", 26: "no command ''"}
"""Commands that our models and drivers do not have: what they say of them."""
KEY_ID = "0e26a1f2-3a53-4d3c-9bdc-2a6b7ea3fd0c"
SDK_FAILS = (AttributeError, ImportError, NameError, TypeError, FileNotFoundError)


@pytest.fixture(scope="module")
def ros(served):
    """What ROS answers: of the camera, of its JPEG, and of its PNG."""
    robot, _ = served
    with (
        CameraClient("cam1", robot.node) as camera,
        OurVision("my_detector", robot.node) as detector,
        OurVision("my_classifier", robot.node) as classifier,
        OurVision("my_segmenter", robot.node) as segmenter,
    ):
        jpeg = camera.get_image("image/jpeg").data
        yield {
            "detections": detector.get_detections_from_camera("cam1"),
            "of_jpeg": detector.get_detections(jpeg),
            "classifications": classifier.get_classifications_from_camera("cam1", 2),
            "classified_jpeg": classifier.get_classifications(jpeg, 5),
            "objects": segmenter.get_object_point_clouds("cam1"),
            "cloud": camera.get_point_cloud(),
            "depth": camera.get_image(source="depth").pixels,
            "png": camera.get_image("image/png").data,
            "properties": camera.get_properties(),
        }


async def execute(number, source, robot, folder):
    """Run a block as in a program that has connected and imported what the documents tell to; return its names."""
    names = {
        "robot": robot,
        "connect": lambda: _already(robot),
        "Camera": Camera,
        "VisionClient": VisionClient,
        "CameraMimeType": CameraMimeType,
        "ViamImage": ViamImage,
        "camera": Camera.from_robot(robot, "my_camera"),
        "my_camera": Camera.from_robot(robot, "my_camera"),
        "component": Camera.from_robot(robot, "my_camera"),
        "classifier": VisionClient.from_robot(robot, "my-classifier"),
    }
    try:
        from viam.media.utils.pil import pil_to_viam_image, viam_to_pil_image

        names |= {"pil_to_viam_image": pil_to_viam_image, "viam_to_pil_image": viam_to_pil_image}
    except ImportError:
        pass
    source = source.replace("/tmp/", f"{folder}/")  # noqa: S108
    source = source.replace("test-image.png", str(folder / "test-image.png"))
    code = compile(source, f"block {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, names)  # noqa: S307
    if inspect.iscoroutine(running):
        await running
    return names


async def _already(robot):
    return robot


def run_block(number, source, port, folder):
    async def main():
        async with machine(port) as robot:
            return await execute(number, source, robot, folder)

    return asyncio.run(main())


def test_there_are_28_blocks_of_which_15_run_as_they_stand():
    assert len(BLOCKS) == 28
    assert len(EDITS) == 13


RUN = [number for number in BLOCKS if number not in (WHOLE_PROGRAM, ENDLESS, *REFUSED)]


@pytest.mark.parametrize("number", RUN)
def test_a_block_runs_with_the_results_that_ros_gives(number, served, ros, tmp_path):
    block = BLOCKS[number]
    if "open3d" in block:
        pytest.importorskip("open3d", reason="Open3D is not installed")
    if "PIL" in block or "pil_frame" in block:
        pytest.importorskip("PIL", reason="Pillow is not installed")
    (tmp_path / "test-image.png").write_bytes(ros["png"])
    found = run_block(number, edited(number, block), served[1], tmp_path)
    given = "get_image" in block or "images[0]" in block
    if "detections" in found:
        of = ros["of_jpeg" if given else "detections"]
        assert of
        assert found["detections"] == translation.detections(of, (320, 240))
    if "classifications" in found:
        only_given = given and "from_camera" not in block
        of = ros["classified_jpeg" if only_given else "classifications"]
        assert found["classifications"] == translation.classifications(of)[: len(found["classifications"])]
        assert found["classifications"]
    if "classifications_from_image" in found:
        assert [each.class_name for each in found["classifications_from_image"]] == [
            each.class_name for each in ros["classified_jpeg"][:2]
        ]
    if "objects" in found:
        assert [each.geometries.geometries[0].label for each in found["objects"]] == [
            each.label for each in ros["objects"]
        ]
    if "points" in found:
        of = ros["objects"][0].cloud if "objects" in found else ros["cloud"]
        np.testing.assert_allclose(found["points"], of.xyz[np.isfinite(of.xyz).all(axis=-1)].reshape(-1, 3), atol=1e-6)
    if "standard_frame" in found:
        depth = np.asarray(found["standard_frame"])
        np.testing.assert_array_equal(depth, np.rint(1000 * np.nan_to_num(ros["depth"])))
    if "cropped_frame" in found:
        assert (found["cropped_frame"].width, found["cropped_frame"].height) == (128, 240)
    if "properties" in found:
        assert found["properties"] == translation.camera_properties(ros["properties"])
    if "geometries" in found:
        assert found["geometries"][0].box.dims_mm.x == pytest.approx(90)
    if "timestamp" in found:
        assert found["timestamp"].seconds > 0


@pytest.mark.parametrize("number", REFUSED)
def test_a_command_that_there_is_not_is_refused_with_our_words(number, served, tmp_path):
    with pytest.raises(GRPCError) as raised:
        run_block(number, edited(number, BLOCKS.get(number, "")), served[1], tmp_path)
    assert raised.value.status is Status.UNIMPLEMENTED
    assert REFUSED[number] in raised.value.message


@pytest.mark.parametrize("number", EDITS)
def test_without_its_edits_a_block_fails_in_the_sdk_itself(number, served, ros, tmp_path):
    (tmp_path / "test-image.png").write_bytes(ros["png"])
    with pytest.raises(SDK_FAILS):
        run_block(number, BLOCKS.get(number, ""), served[1], tmp_path)


def test_the_endless_block_tells_what_the_scene_is(served, ros, tmp_path, capsys):
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(_for_a_while(served[1], tmp_path))
    assert f"Scene changed: unknown -> {ros['classifications'][0].class_name}" in capsys.readouterr().out


async def _for_a_while(port, folder):
    async with machine(port) as robot:
        await asyncio.wait_for(execute(ENDLESS, BLOCKS[ENDLESS], robot, folder), 1.0)


def test_the_whole_program_runs_over_tls_with_an_api_key(served, ros, tmp_path):
    robot, _ = served
    authority, certificate, key = certificates(tmp_path)
    keys = tmp_path / "keys.yaml"
    keys.write_text(f"{KEY_ID}: secret\n")
    protected = safety("localhost", str(certificate), str(key), str(keys))
    server = Gateway(
        lambda found: CLIENTS[found.kind](found.node, robot.node),  # over DDS
        host="localhost",
        port=0,
        safety=protected,
        aliases={"my-camera": "cam1", "my-classifier": "my_classifier"},
    )
    with closing(server):
        server.follow([Found("camera", "/cam1"), Found("vision", "/my_classifier")]).result(10)
        program = BLOCKS[WHOLE_PROGRAM]
        for name, value in (
            ("YOUR-API-KEY-ID", KEY_ID),
            ("YOUR-API-KEY", "secret"),
            ("YOUR-MACHINE-ADDRESS", f"localhost:{server.port}"),
        ):
            program = program.replace(name, value)
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            env=os.environ | {"SSL_CERT_FILE": str(authority)},
            timeout=120,
            check=False,
        )
    best = ros["classifications"][0]
    assert f"{best.class_name}: {best.confidence:.2f}" in done.stdout, done.stderr
