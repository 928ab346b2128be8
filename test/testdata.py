"""The test data: other people's models and pictures, which lie outside the project, and what was measured on them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from vision_service.image import Image, read_image
from vision_service.pointcloud.pcd import read_pcd

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "testdata"


def path(name: str) -> Path:
    """Return the path of a file; where it is absent, the test is skipped."""
    found = FOLDER / name
    if not found.exists():
        pytest.skip(f"no test data: {found} is not there")
    return found


@cache
def picture(name: str) -> Image:
    """Return the picture in a file; "NAME.pcd#rgb" = the colours of an organized point cloud."""
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
