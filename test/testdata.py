"""The test data: other people's models and images, which lie outside the project, and what was measured on them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from vision_service.image import Image, read_image
from vision_service.pointcloud.pcd import read_pcd
from vision_service.types import Classification, Detection

SCORE_SPREAD = 0.1015
"""Scores of robust detections differ by up to this between resizers (expected.json, "spread")."""
LABELS = {
    "custom_ssd_mobilenet_v2_fpn_lite_320x320.tflite": "custom_ssd_mobilenet_v2_fpn_lite_320x320_labels.txt",
    "deeplabv3_mnv2_dm05_pascal_quant.tflite": "pascal_voc_segmentation_labels.txt",
}
"""Where the labels are that a model does not carry itself."""

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "testdata"


def path(name: str) -> Path:
    """Return the path of a file; where it is absent, the test is skipped."""
    found = FOLDER / name
    if not found.exists():
        pytest.skip(f"no test data: {found} is not there")
    return found


FORMS = FOLDER.parent / "model_forms" / "forms"
"""Model files with known answers, in the forms that exporters write."""


def form(name: str) -> Path:
    """Return the path of a model file with known answers; where it is absent, the test is skipped."""
    found = FORMS / name
    if not found.exists():
        pytest.skip(f"no test data: {found} is not there")
    return found


@cache
def image(name: str) -> Image:
    """Return the image in a file; "NAME.pcd#rgb" = the colours of an organized point cloud."""
    file, _, part = name.partition("#")
    if not part:
        return read_image(path(file))
    colours = read_pcd(path(file)).rgb
    assert colours is not None
    return Image(colours)


@cache
def expected() -> dict[str, Any]:
    """Return the content of expected.json; empty where it is absent."""
    file = FOLDER / "expected.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def results(kind: str) -> list[Any]:
    """Return the measured results of all models of a kind ("detector", "classifier", "segmenter") as test parameters.

    Each has a "model", an "image" and what was found there. Where there is no test data, the test is skipped.
    """
    models = expected().get("models", {})
    found = [result for result in expected().get("results", []) if models[result["model"]]["kind"] == kind]
    absent = pytest.param({}, marks=pytest.mark.skip(f"no test data: {FOLDER} is not there"))
    return [pytest.param(result, id=f"{result['model']}-{result['image']}") for result in found] or [absent]


def models(kind: str) -> list[Any]:
    """Return the names of all models of a kind as test parameters; where there are none, the test is skipped."""
    found = [name for name, model in expected().get("models", {}).items() if model["kind"] == kind]
    return found or [pytest.param("", marks=pytest.mark.skip(f"no test data: {FOLDER} is not there"))]


def of_model(name: str) -> list[dict[str, Any]]:
    """Return what was measured with one model."""
    return [result for result in expected().get("results", []) if result["model"] == name]


def attributes(model: str) -> dict[str, str]:
    """Return the attributes of ``mlmodel`` for a model."""
    if not isinstance(model, str):
        pytest.skip(f"no test data: {FOLDER} is not there")
    labels = {"label_path": str(path(f"models/{LABELS[model]}"))} if model in LABELS else {}
    return {"model_path": str(path(f"models/{model}")), **labels}


def check_detections(result: dict[str, Any], found: list[Detection]) -> None:
    """Assert that the detections that do not depend on the resizer are there."""
    for item in result["detections_score_ge_0.3_cv2_linear"]:
        if item["robust"]:
            box = item["box_px_xmin_ymin_xmax_ymax_clipped"]
            of_class = [other for other in found if other.class_name == item["label"]]
            same = max(of_class, key=lambda other: overlap(edges(other), box))
            assert overlap(edges(same), box) >= 0.8
            assert same.confidence == pytest.approx(item["score"], abs=SCORE_SPREAD)


def check_classifications(result: dict[str, Any], found: list[Classification]) -> None:
    """Assert that the best class is the one that was measured, where that does not depend on the resizer."""
    if result["robust_top1"]:
        low, high = result["top1_score_range"]
        assert found[0].class_name == result["top"]["cv2_linear"][0]["label"]
        assert low - 0.02 <= found[0].confidence <= high + 0.02


def edges(detection: Detection) -> tuple[float, float, float, float]:
    """Return a detection's box as x_min, y_min, x_max, y_max."""
    return detection.x_min, detection.y_min, detection.x_max, detection.y_max


def overlap(one: Any, other: Any) -> float:
    """Return intersection over union of two boxes x_min, y_min, x_max, y_max."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)
