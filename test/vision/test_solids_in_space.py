"""The demo's `objects`: solids before a wall, of which all is known, frame after frame."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from vision_service.configuration import configure
from vision_service.image import Image
from vision_service.pointcloud.projection import cloud_of
from vision_service.rendering.renderer import Renderer, Truth
from vision_service.rendering.scene import Scene, pinhole
from vision_service.resources import LocalResources
from vision_service.types import Detection, Frame, PointCloudObject
from vision_service.vision.detections_to_segments import DetectionsToSegments
from vision_service.vision.ground import GroundConfig
from vision_service.vision.model import VisionModel
from vision_service.vision.touching import split_labels

DEMO = Path(__file__).resolve().parents[2] / "config" / "demo.yaml"
FRAMES_OF_PATHS = range(0, 600, 40)
"""Twenty seconds, in which the solids stand in every place before each other and before the wall."""


class Truths(VisionModel):
    """A detector whose boxes are those of the frame's truth."""

    labels = ("cube", "ball", "cylinder", "cone")

    def __init__(self) -> None:
        pass

    def detect(self, frame: Frame) -> list[Detection]:
        boxes = ((truth.class_name, truth.box) for truth in frame.extra["truth"])
        return [Detection(name, 1.0, *map(float, box)) for name, box in boxes]


def objects() -> DetectionsToSegments:
    """The demo's model, of another detector."""
    values = dict(yaml.safe_load(DEMO.read_text(encoding="utf-8"))["/**/objects"]["ros__parameters"])
    del values["model"], values["cameras"]
    config = configure(DetectionsToSegments.Config, {**values, "detector_name": "truths"}, of="the model")
    return DetectionsToSegments(config, LocalResources({"vision": {"truths": lambda _: Truths()}}))


def frames(numbers: range, *, width: int = 640, noise: float = 0.0, quantum: float = 0.0, mixed: bool = False):
    """Frames of the demo's scene.

    Args:
        numbers: Which, at 30 a second.
        width: Of the images, pixels.
        noise: Standard deviation of the depth, metres.
        quantum: What its steps are at 1 m, growing with its square as a stereo camera's do, metres.
        mixed: Whether pixels at edges have a depth between both sides, as most sensors give it.
    """
    camera, rng = pinhole(width, width * 3 // 4), np.random.default_rng(1)
    scene = Scene.random(3, count=5, distinct=True, variety=0.5, occlusion=0.6)
    renderer = Renderer(scene, camera)
    for number in numbers:
        seen = renderer.render(number / 30)
        depth = seen.depth
        if mixed:
            depth = (depth + np.roll(depth, 1, axis=1)) / 2
        if noise:
            depth = depth + rng.normal(0, noise, depth.shape).astype(np.float32)
        if quantum:
            depth = 1 / (np.rint(1 / depth / quantum) * quantum)
        extra = {"truth": seen.truth, "ids": seen.ids}
        yield Frame(image=Image(seen.color), depth=depth.astype(np.float32), intrinsics=camera, extra=extra)


def of(truth: Truth, found: list[PointCloudObject]) -> PointCloudObject:
    return min(found, key=lambda item: np.linalg.norm(item.center - truth.center))


def test_no_solid_has_points_of_the_wall_nor_the_wall_of_solids():
    ground = GroundConfig(max_dist_from_plane=0.01, ground_angle_tolerance_degs=45.0)
    for frame in frames(FRAMES_OF_PATHS):
        labels, _ = split_labels(cloud_of(frame), frame, ground, (0.0, -1.0, -1.0), optical=True)
        ids = frame.extra["ids"].reshape(-1)
        counts = np.zeros((int(labels.max()) + 1, 6), int)
        np.add.at(counts, (labels, ids), 1)
        wall = counts[1:, 0].argmax() + 1
        assert not counts[wall, 1:].any()
        shown = counts[1:][counts[1:, 1:].any(axis=1)]
        assert not shown[:, 0].any()
        assert (np.count_nonzero(shown, axis=1) == 1).all()


def test_each_solid_has_its_box_in_each_frame():
    model = objects()
    for frame in frames(FRAMES_OF_PATHS):
        found = model.segment(frame)
        assert len(found) == 5
        for truth in frame.extra["truth"]:
            item = of(truth, found)
            assert item.label == truth.class_name
            assert np.linalg.norm(item.center - truth.center) < 0.02
            np.testing.assert_allclose(np.sort(item.size[:2]), np.sort(truth.size[:2]), atol=0.02)
            assert item.size[2] == pytest.approx(truth.size[2], abs=0.003), "also of cones, whose tip is not seen"


@pytest.mark.parametrize(
    "sensor",
    [{"width": 320}, {"noise": 0.002}, {"quantum": 0.003, "noise": 0.001}, {"mixed": True}, {"noise": 0.005}],
    ids=["half the resolution", "2 mm of noise", "steps of depth", "mixed pixels at edges", "5 mm of noise"],
)
def test_each_solid_has_its_box_whatever_the_sensor_is_like(sensor):
    model = objects()
    for frame in frames(range(10, 600, 240), **sensor):
        found = model.segment(frame)
        assert len(found) == 5
        for truth in frame.extra["truth"]:
            item = of(truth, found)
            assert np.linalg.norm(item.center - truth.center) < 0.03
            np.testing.assert_allclose(np.sort(item.size[:2]), np.sort(truth.size[:2]), atol=0.03)
            assert item.size[2] == pytest.approx(truth.size[2], abs=0.008)
