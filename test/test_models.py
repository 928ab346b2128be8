"""The models in models/ on images of the synthetic camera, with seeds that they were not trained on."""

from pathlib import Path

import pytest

from tools.train_models import CLASSIFIER_FILE, DETECTOR_FILE
from tools.train_models.samples import CLASSIFIED, NOTHING, TRAINING_SEEDS
from tools.train_models.scoring import Score, score
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.configuration import configure
from vision_service.rendering.scene import CLASSES
from vision_service.resources import LocalResources
from vision_service.types import Frame
from vision_service.vision.mlmodel import MLModel
from vision_service.vision.model import methods

MODELS = Path(__file__).resolve().parents[1] / "models"
SEEDS = range(1000, 1012)
IMAGES = 5

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")


@pytest.fixture(scope="module")
def detector() -> MLModel:
    return new(DETECTOR_FILE)


@pytest.fixture(scope="module")
def classifier() -> MLModel:
    return new(CLASSIFIER_FILE)


def new(name: str) -> MLModel:
    return MLModel(configure(MLModel.Config, {"model_path": str(MODELS / name)}, of=name), LocalResources())


def frames(seed: int, solids: int) -> list[Frame]:
    """Return images of one table, three seconds of its motion apart."""
    camera = Synthetic(SyntheticConfig(seed=seed, objects=solids, frame_rate=1 / 3), LocalResources())
    return [camera.read() for _ in range(IMAGES)]


def test_the_seeds_here_were_not_trained_on():
    assert not set(SEEDS) & set(TRAINING_SEEDS)


@pytest.mark.parametrize("name", [DETECTOR_FILE, CLASSIFIER_FILE])
def test_a_model_is_small(name):
    assert (MODELS / name).stat().st_size < 2_000_000


def test_the_detector_knows_the_shapes_by_name(detector):
    assert methods(detector) == {"detect"}
    assert detector.labels == CLASSES


def test_the_detector_finds_the_solids_and_nothing_else(detector):
    total = Score()
    for seed in SEEDS:
        for frame in frames(seed, 1 + seed % 6):
            total += score(detector.detect(frame), frame.extra["truth"])
    assert total.found + total.missed > 150
    assert total.recall >= 0.95
    assert total.precision >= 0.95


def test_the_detector_finds_nothing_on_an_empty_table(detector):
    assert [detector.detect(frame) for frame in frames(SEEDS[0], 0)] == [[]] * IMAGES


def test_the_classifier_knows_the_shapes_and_nothing_by_name(classifier):
    assert methods(classifier) == {"classify"}
    assert classifier.labels == CLASSIFIED


def test_the_classifier_tells_which_solid_an_image_shows(classifier):
    answers = [
        classifier.classify(frame, 1)[0].class_name == frame.extra["truth"][0].class_name
        for seed in SEEDS
        for frame in frames(seed, 1)
    ]
    assert sum(answers) / len(answers) >= 0.97


def test_the_classifier_tells_an_empty_table(classifier):
    for seed in SEEDS[:2]:
        assert [classifier.classify(frame, 1)[0].class_name for frame in frames(seed, 0)] == [NOTHING] * IMAGES
