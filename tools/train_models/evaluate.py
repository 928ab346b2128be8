"""Measures the models in a folder on renderings that they were not trained on: python -m tools.train_models.evaluate.

Everything goes through the vision model `mlmodel` with its default attributes, as in a robot.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tools.train_models import CLASSIFIER_FILE, DETECTOR_FILE, MODELS
from tools.train_models.samples import NOTHING
from tools.train_models.scoring import LEAST_VISIBLE, Score, score
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.configuration import configure
from vision_service.drawing import draw_detections
from vision_service.image import Image, encode
from vision_service.rendering.renderer import Truth, render
from vision_service.rendering.scene import CLASSES, Scene, pinhole
from vision_service.resources import LocalResources
from vision_service.types import Frame
from vision_service.vision.mlmodel import MLModel

Pixels = NDArray[np.uint8]
Shown = tuple[Image, tuple[Truth, ...]]
"""A rendering and what is true of it."""
Maker = Callable[[int, int, tuple[int, int]], Shown]
Answer = tuple[str, str]
"""What is true and what the classifier said."""

TILE = (400, 300)
"""Width and height of an image in the contact sheet, pixels."""


def as_the_driver_shows(seed: int, solids: int, size: tuple[int, int]) -> Shown:
    """Return the first image of the `synthetic` driver with that seed, so many solids and that size."""
    config = SyntheticConfig(seed=seed, objects=solids, width_px=size[0], height_px=size[1])
    frame = Synthetic(config, LocalResources()).read()
    return cast(Image, frame.image), frame.extra["truth"]


def of_every_variety(seed: int, solids: int, size: tuple[int, int]) -> Shown:
    """Return an image of all that scenes can be: every room and light, colours twice, solids before each other."""
    rendering = render(Scene.random(seed, count=solids), 0.0, pinhole(*size), noise=2.0)
    return Image(rendering.color), rendering.truth


MAKERS: dict[str, Maker] = {"as the driver shows": as_the_driver_shows, "of every variety": of_every_variety}


@cache
def model(path: Path) -> MLModel:
    """Return the vision model of a file, with default attributes."""
    cv2.setNumThreads(1)  # the other processors have images of their own
    return MLModel(configure(MLModel.Config, {"model_path": str(path)}, of=str(path)), LocalResources())


@dataclass(frozen=True)
class Found:
    """What the detector made of one image.

    Attributes:
        seed: Of the scene.
        scores: How good that is, for each class of the truth and of the detections.
        drawn: With the detections drawn, of the size of TILE.
    """

    seed: int
    scores: dict[str, Score]
    drawn: Pixels

    @property
    def has_errors(self) -> bool:
        """Whether something was missed or is wrong."""
        return any(score.missed or score.wrong for score in self.scores.values())


def detect(maker: Maker, folder: Path, size: tuple[int, int], seed: int) -> Found:
    """Run the detector on the image of a seed, which has 1 to 6 solids."""
    image, truth = maker(seed, 1 + seed % 6, size)
    detections = model(folder / DETECTOR_FILE).detect(Frame(image=image))
    scores = {
        name: score(
            [item for item in detections if item.class_name == name],
            [item for item in truth if item.class_name == name],
        )
        for name in CLASSES
    }
    drawn = cv2.resize(draw_detections(image.pixels, detections), TILE, interpolation=cv2.INTER_AREA)
    return Found(seed, scores, np.asarray(drawn, np.uint8))


def classify(maker: Maker, folder: Path, size: tuple[int, int], seed: int) -> list[Answer]:
    """Run the classifier on the image of a seed: one solid, at each tenth none."""
    image, truth = maker(seed, 0 if seed % 10 == 9 else 1, size)
    said = model(folder / CLASSIFIER_FILE).classify(Frame(image=image), 1)[0]
    return [(truth[0].class_name if truth else NOTHING, said.class_name)]


def classify_boxes(maker: Maker, folder: Path, size: tuple[int, int], seed: int) -> list[Answer]:
    """Run the classifier on what the boxes of an image's solids show, with a tenth of their size around them.

    Solids of which little is seen do not count.
    """
    image, truth = maker(seed, 1 + seed % 6, size)
    answers = []
    for item in truth:
        if item.visible_fraction >= LEAST_VISIBLE:
            x_min, y_min, x_max, y_max = item.box
            width, height = (x_max - x_min) // 10, (y_max - y_min) // 10
            part = image.pixels[max(0, y_min - height) : y_max + height, max(0, x_min - width) : x_max + width]
            frame = Frame(image=Image(np.ascontiguousarray(part)))
            answers.append((item.class_name, model(folder / CLASSIFIER_FILE).classify(frame, 1)[0].class_name))
    return answers


def main() -> None:
    """Print the tables and write the contact sheet."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_models.evaluate", description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="folder of the models (default: models)")
    parser.add_argument("--seeds", type=int, default=500, help="how many renderings of each kind (default: 500)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of their seeds (default: 0)")
    parser.add_argument("--size", default="640x480", help="of the renderings, pixels (default: 640x480)")
    parser.add_argument("--sheet", type=Path, help="PNG file of some images, then of those with errors, of each kind")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    console = Console()
    tiles: list[Pixels] = []
    detections = Table("detector", "solids", "recall", "precision", "missed", "wrong")
    answers = Table("classifier", "images", "accuracy", "errors")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:

        def run(job: Callable[..., Any], maker: Maker, what: str) -> Any:
            results = pool.map(partial(job, maker, options.models, (width, height)), seeds, chunksize=4)
            return track(results, what, total=len(seeds), console=console, disable=not console.is_terminal)

        for name, maker in MAKERS.items():
            found: list[Found] = list(run(detect, maker, f"detector, {name}"))
            _add_scores(detections, name, found)
            tiles += [item.drawn for item in found[:12]]
            tiles += [item.drawn for item in found if item.has_errors][:12]
            for what, job in (("whole images", classify), ("boxes", classify_boxes)):
                pairs = [pair for part in run(job, maker, f"classifier, {name}, {what}") for pair in part]
                _add_answers(answers, f"{name}, {what}", pairs)
    console.print(detections, answers)
    for path in (options.models / DETECTOR_FILE, options.models / CLASSIFIER_FILE):
        size_kb, time_ms = path.stat().st_size / 1000, _milliseconds(path)
        console.print(f"{path}: {size_kb:.0f} kB, {time_ms:.1f} ms an image on one thread")
    if options.sheet:
        options.sheet.write_bytes(encode(_sheet(tiles), "image/png"))


def _add_scores(table: Table, name: str, found: list[Found]) -> None:
    """Add a line for all classes and one for each."""
    lines = {f"  {class_name}": sum((item.scores[class_name] for item in found), Score()) for class_name in CLASSES}
    for text, total in {name: sum(lines.values(), Score()), **lines}.items():
        solids = total.found + total.missed
        table.add_row(
            text, str(solids), f"{total.recall:.2%}", f"{total.precision:.2%}", str(total.missed), str(total.wrong)
        )


def _add_answers(table: Table, name: str, pairs: list[Answer]) -> None:
    right = sum(true == said for true, said in pairs)
    errors = Counter(f"{true} as {said}" for true, said in pairs if true != said)
    shown = ", ".join(f"{count} × {error}" for error, count in errors.most_common())
    table.add_row(name, str(len(pairs)), f"{right / len(pairs):.2%}", shown)


def _milliseconds(path: Path) -> float:
    """Return the median time that the vision model takes for an image of 640 × 480."""
    frame, chosen = Frame(image=as_the_driver_shows(0, 1, (640, 480))[0]), model(path)
    run = getattr(chosen, "detect", None) or chosen.classify
    times = []
    for _ in range(200):
        start = time.perf_counter()
        run(frame)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1000


def _sheet(tiles: list[Pixels]) -> Pixels:
    """Return the images side by side, four in a row."""
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % 4)
    rows = [np.concatenate(tiles[start : start + 4], axis=1) for start in range(0, len(tiles), 4)]
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
