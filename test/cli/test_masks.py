"""The command on models whose detections carry masks, keypoints and turned boxes, and on those that label pixels."""

import json
import os
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest

import shapes
from domains import domain, only
from robot import ROOT, parameter_file
from vision_service.cli.main import main
from vision_service.drawing import draw_detections, draw_results
from vision_service.image import Image, encode, read_image
from vision_service.masks import coco_rle, instance_image
from vision_service.pointcloud.pcd import write_pcd
from vision_service.types import Frame, InstanceMask, PointCloud

SCENE = shapes.scene()
FRAME = Frame(image=Image(SCENE))
FOUND = shapes.made().detect(FRAME)
LABELS = shapes.made(pixel_classes=True).label(FRAME)
COMMAND = ["-c", "import sys; from vision_service.cli.main import main; sys.exit(main())"]
PATIENCE = 60


@pytest.fixture(scope="module", autouse=True)
def plugin():
    with shapes.joined():
        yield


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "scene.png"
    path.write_bytes(encode(SCENE, "image/png"))
    return str(path)


def answer(capsys):
    return json.loads(capsys.readouterr().out)


def test_detect_prints_masks_keypoints_and_turned_boxes(capsys, file):
    assert main(["detect", file, "--model", "shapes", "--json"]) == 0
    red, blue = answer(capsys)["detections"]
    assert (red["class_name"], blue["class_name"]) == ("red", "blue")
    assert red["mask"] == coco_rle(FOUND[0].extra.mask, 160, 120)
    assert red["mask"]["size"] == [120, 160]
    assert [point["name"] for point in red["keypoints"]] == list(shapes.OUTERMOST)
    box = FOUND[0].extra.box
    assert red["oriented_box"] == {
        "center_x": box.center_x,
        "center_y": box.center_y,
        "width": box.width,
        "height": box.height,
        "angle": box.angle,
    }
    assert red["x_min"] == FOUND[0].x_min


def test_what_detections_do_not_carry_is_not_printed(capsys, file):
    assert main(["detect", file, "--model", "shapes", "--set", "carry=[masks]", "--json"]) == 0
    assert answer(capsys)["detections"][0].keys() == {
        *("class_name", "confidence", "x_min", "y_min", "x_max", "y_max", "mask")
    }


def test_detect_prints_a_table_of_them_for_people(capsys, file):
    assert main(["detect", file, "--model", "shapes"]) == 0
    output = capsys.readouterr().out
    for words in ("angle", "mask", "keypoints", f"{FOUND[0].extra.mask.area} px"):
        assert words in output


def test_detect_draws_all_of_them(tmp_path, file):
    assert main(["detect", file, "--model", "shapes", "--out", str(tmp_path / "out")]) == 0
    drawn = read_image(tmp_path / "out" / "scene.png").rgb
    np.testing.assert_array_equal(drawn, draw_detections(SCENE, FOUND, shapes.Shapes.skeleton))


def test_segment_prints_the_objects_of_an_image(capsys, file):
    assert main(["segment", file, "--model", "shapes", "--json"]) == 0
    found = answer(capsys)
    assert (found["file"], found["width"], found["height"], found["classes"]) == (file, 160, 120, [])
    assert [item["mask"] for item in found["instances"]] == [coco_rle(one.extra.mask, 160, 120) for one in FOUND]


def test_segment_prints_the_classes_of_an_image_with_their_pixels(capsys, file):
    settings = ["--set", "pixel_classes=true", "--set", "boxes=false"]
    assert main(["segment", file, "--model", "shapes", *settings, "--json"]) == 0
    found = answer(capsys)
    pixels = [int((LABELS.labels == number).sum()) for number in range(3)]
    assert [(row["class_name"], row["class_index"], row["pixels"]) for row in found["classes"]] == [
        ("background", 0, pixels[0]),
        ("red", 1, pixels[1]),
        ("blue", 2, pixels[2]),
    ]
    assert found["classes"][1]["mask"] == coco_rle(InstanceMask.of(LABELS.labels == 1), 160, 120)
    assert found["instances"] == []


def test_segment_prints_tables_for_people(capsys, file):
    assert main(["segment", file, "--model", "shapes", "--set", "pixel_classes=true"]) == 0
    words = capsys.readouterr().out.split()
    for word in ("160×120", "share", "pixels", "background", str(int((LABELS.labels == 1).sum())), "confidence"):
        assert word in words


def test_segment_writes_the_image_and_its_maps(tmp_path, file):
    out = tmp_path / "out"
    assert main(["segment", file, "--model", "shapes", "--set", "pixel_classes=true", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"scene.png", "scene.labels.png", "scene.instances.png"}
    labels = cv2.imread(str(out / "scene.labels.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(labels, LABELS.labels)
    instances = cv2.imread(str(out / "scene.instances.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(instances, instance_image(FOUND, 160, 120))
    drawn = draw_results(SCENE, {"label": LABELS, "detect": FOUND}, skeleton=shapes.Shapes.skeleton)
    np.testing.assert_array_equal(read_image(out / "scene.png").rgb, drawn)


def test_a_file_is_an_image_or_a_cloud_by_what_is_in_it(capsys, tmp_path, file):
    cloud = tmp_path / "cloud.data"
    cloud.write_bytes(write_pcd(PointCloud(np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32))))
    assert main(["segment", str(cloud), "--json"]) == 0
    assert answer(capsys)["points"] == 200
    assert main(["segment", str(cloud), file, "--model", "shapes", "--json"]) == 1
    output = capsys.readouterr()
    assert json.loads(output.out)["file"] == file
    assert "Shapes is not a 3D segmenter: it can detect, find keypoints, segment images" in output.err


def test_a_model_that_cannot_segment_images_says_what_it_can(capsys, file):
    assert main(["segment", file, "--model", "shapes", "--set", "carry=[keypoints]"]) == 1
    error = "the model shapes cannot segment images: it can detect, find keypoints; use vision-service detect"
    assert capsys.readouterr().err == f"vision-service: {error}\n"


def test_an_image_needs_a_model(capsys, file):
    assert main(["segment", file]) == 2
    assert "give --model, one of " in capsys.readouterr().err


@pytest.fixture(scope="module")
def stack(tmp_path_factory, plugin):
    """A service in a process of its own, whose camera shows the scene; its environment."""
    folder = tmp_path_factory.mktemp("stack")
    (folder / "scene.png").write_bytes(encode(SCENE, "image/png"))
    sections = {
        "stack": {"cameras": ["lens"], "vision": ["all"]},
        "lens": {"driver": "image_file", "color_image_file_path": str(folder / "scene.png"), "frame_rate": 20.0},
        "all": {"model": "shapes", "pixel_classes": True, "cameras": ["lens"]},
    }
    paths = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    env = os.environ | only(domain("masks")) | {"PYTHONPATH": paths, "COLUMNS": "200"}
    process = subprocess.Popen([sys.executable, *COMMAND, "run", str(parameter_file(folder, sections))], env=env)
    yield env
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def run(env, *arguments):
    command = [sys.executable, *COMMAND, *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_call_prints_them_too(stack, file):
    found = json.loads(run(stack, "call", "all", "get_segmentation", "--image", file, "--json", "--timeout", "20"))
    masks = [coco_rle(one.extra.mask, 160, 120) for one in FOUND]
    assert [item["mask"] for item in found["instances"]] == masks
    assert [(row["class_name"], row["class_index"]) for row in found["classes"]] == [
        ("background", 0),
        ("red", 1),
        ("blue", 2),
    ]
    found = json.loads(run(stack, "call", "all", "get_keypoints_from_camera", "--json", "--timeout", "20"))
    assert [point["name"] for point in found["keypoints"][0]["keypoints"]] == list(shapes.OUTERMOST)
    table = run(stack, "call", "all", "get_segmentation_from_camera", "--timeout", "20")
    assert "share" in table
    assert " px" in table
    assert "angle" in run(stack, "call", "all", "get_detections_from_camera", "--timeout", "20")


def test_capture_writes_them_too(stack, tmp_path):
    found = json.loads(run(stack, "capture", "all", "--out", str(tmp_path), "--json", "--timeout", "20"))
    assert found["detections"][0].keys() >= {"mask", "keypoints", "oriented_box"}
    assert [row["class_name"] for row in found["classes"]] == ["background", "red", "blue"]
    (file,) = tmp_path.glob("*.png")
    drawn = read_image(file).rgb
    np.testing.assert_array_equal(drawn, draw_results(SCENE, {"label": LABELS, "detect": FOUND}))
