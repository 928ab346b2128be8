"""What the documentation's examples find around them: a folder with files of the names that they use, and a robot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import tinymodels
from pages import ROOT
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.image import encode
from vision_service.pointcloud.pcd import write_pcd
from vision_service.pointcloud.projection import cloud_of
from vision_service.resources import LocalResources

MODELS = "package://vision_service/models"
SCENE = {"driver": "synthetic", "width_px": 320, "height_px": 240, "frame_rate": 10.0, "seed": 3, "speed": 0.0}
DETECTOR = {"model": "mlmodel", "mlmodel_name": "solids_model", "cameras": ["front"], "default_minimum_confidence": 0.5}
CLASSIFIER = {"model": "mlmodel", "model_path": f"{MODELS}/solids_classifier.tflite", "cameras": ["front"]}
VISITORS = {
    "model": "tracker",
    "detector_name": "people",
    "cameras": ["front"],
    "zones": ["shop", "entrance"],
    "shop.polygon": [20.0, 20.0, 300.0, 20.0, 300.0, 220.0],
    "entrance.line": [160.0, 20.0, 160.0, 220.0],
}
SOMEWHERE = {"stack": {"cameras": ["front"], "vision": ["people"]}, "front": SCENE}
"""A robot in a namespace; its vision node follows."""


def files(folder: Path) -> None:
    """Write files of all names that the examples use, each of its kind."""
    for number, name in enumerate(("photo.jpg", "street.jpg", "fruit.jpg", "table.png")):
        scene = Synthetic(SyntheticConfig(seed=number, width_px=320, height_px=240), LocalResources()).read()
        (folder / name).write_bytes(encode(scene.image.rgb, "image/png" if name.endswith("png") else "image/jpeg"))
    belt = folder / "belt"
    belt.mkdir()
    for number, seed in enumerate((16, 5)):  # solids of two kinds, in turns
        scene = Synthetic(SyntheticConfig(seed=seed, objects=1), LocalResources()).read()
        (belt / f"{number}.png").write_bytes(encode(scene.image.rgb, "image/png"))
    cloud = cloud_of(Synthetic(SyntheticConfig(width_px=160, height_px=120), LocalResources()).read())
    for name in ("cloud.pcd", "table.pcd", "scan.pcd"):
        (folder / name).write_bytes(write_pcd(cloud))
    ground = np.random.default_rng(0).uniform([-10, -10, -1.7, 0], [10, 10, -1.65, 1], (4000, 4)).astype(np.float32)
    (folder / "000008.bin").write_bytes(ground.tobytes())
    for name in ("detect", "classify"):
        kind = {"detect": "detector", "classify": "classifier"}[name]
        shutil.copy(ROOT / f"models/solids_{kind}.tflite", folder / f"{name}.tflite")
    shutil.copy(folder / "classify.tflite", folder / "model.tflite")
    (folder / "labels.txt").write_text("cube\nball\ncylinder\ncone\nnothing\n")
    image = {"x": ("float32", (1, 3, 64, 64))}
    mask = np.zeros((1, 1, 64, 64), np.float32)
    mask[..., :32] = 1.0
    rows = np.zeros((1, 7, 84), np.float32)
    rows[0, :, 3] = [32, 32, 20, 10, 0.9, 0.01, 0.01]
    names = {
        "author": "Ultralytics",
        "task": "detect",
        "stride": "32",
        "imgsz": "[64, 64]",
        "names": "{0: 'person', 1: 'cat', 2: 'dog'}",
    }
    scores = np.array([[3, 1, 0, -1, 0]], np.float32)
    tinymodels.write(folder, tinymodels.onnx(image, {"mask": mask}), "segment.onnx")
    tinymodels.write(folder, tinymodels.onnx(image, {"output0": rows}, metadata=names), "yolo11n.onnx")
    tinymodels.write(folder, tinymodels.onnx(image, {"logits": scores}), "model.onnx")
    (folder / "config").symlink_to(ROOT / "config")
    bag(folder / "run.mcap")
    (folder / "clip.mp4").touch()
    (folder / "results.jsonl").write_text('{"classifications": [{"class_name": "cube", "confidence": 0.9}]}\n')
    person = {**CLASSIFIER, "model": "mlmodel", "model_path": str(folder / "detect.tflite")}
    write(folder / "my_robot.yaml", {"people": person})
    for name in ("robot", "robot_1", "left", "right", "gateway"):
        write(folder / f"{name}.yaml", {"people": person})


def bag(path: Path) -> None:
    """Write a short recording of a camera."""
    import bags

    recorded = [
        ("/front/image_raw", bags.image(np.full((24, 32, 3), 99, np.uint8), 10**9 + number * 10**8))
        for number in range(3)
    ]
    folder = path.with_suffix(".folder")
    written = bags.write(folder, recorded, "mcap")
    found = written if written.is_file() else next(folder.rglob("*.mcap"))
    shutil.copy(found, path)


def write(path: Path, sections: dict[str, dict[str, Any]]) -> None:
    """Write a parameter file."""
    path.write_text(yaml.safe_dump({name: {"ros__parameters": values} for name, values in sections.items()}))


@contextmanager
def robot(folder: Path) -> Iterator[Any]:
    """Run the nodes that the examples name, and two robots with a detector each in namespaces of theirs."""
    from robot import running  # which needs ROS

    reds = {"model": "color_detector", "detect_color": "#DB2323", "hue_tolerance_pct": 0.1, "cameras": ["front"]}
    sections = {
        "stack": {
            "cameras": ["front", "front_with_boxes", "belt"],
            "mlmodels": ["solids_model"],
            "vision": [
                "people",
                "visitors",
                "solids",
                "right_people",
                "fruit",
                "inspector",
                "kinds",
                "parts",
                "obstacles",
                "objects",
            ],
        },
        "front": SCENE,
        "belt": {"driver": "video", "video_path": str(folder / "belt"), "frame_rate": 2.0, "loop": True},
        "front_with_boxes": {
            "driver": "transform",
            "source": "front",
            "pipeline": ["boxes"],
            "boxes.type": "detections",
            "boxes.detector_name": "people",
        },
        "solids_model": {"model_path": f"{MODELS}/solids_detector.tflite"},
        "people": DETECTOR,
        "visitors": VISITORS,
        "solids": DETECTOR,
        "right_people": DETECTOR,
        "fruit": CLASSIFIER,
        "inspector": {**CLASSIFIER, "cameras": ["belt"], "event_threshold": 0.3},
        "kinds": {**CLASSIFIER, "event_threshold": 0.3, "max_rate": 1.0},
        "parts": {"model": "mlmodel", "model_path": str(folder / "segment.onnx"), "cameras": ["front"]},
        "obstacles": {"model": "obstacles_depth", "cameras": ["front"]},
        "objects": {"model": "detections_to_segments", "detector_name": "people", "cameras": ["front"]},
    }
    with ExitStack() as stack:
        for name in ("robot_1", "robot_2"):
            stack.enter_context(
                running(
                    {f"/**/{of}": values for of, values in (SOMEWHERE | {"people": reds}).items()},
                    "-r",
                    f"__ns:=/{name}",
                )
            )
        yield stack.enter_context(running(sections))
