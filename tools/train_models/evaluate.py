"""Measures the models in a folder on renderings that they were not trained on: python -m tools.train_models.evaluate.

Everything goes through the vision model `mlmodel` with its default attributes, as in a robot.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tools.train_models import CLASSIFIER_FILE, DETECTOR_FILE, MODELS
from tools.train_models.samples import NOTHING
from tools.train_models.scoring import LEAST_VISIBLE, Score, score
from vision_service.camera.rendering import Truth, render
from vision_service.camera.scene import Scene, pinhole
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.configuration import configure
from vision_service.drawing import draw_detections
from vision_service.image import Image, encode
from vision_service.resources import LocalResources
from vision_service.types import Frame
from vision_service.vision.mlmodel import MLModel

Pixels = NDArray[np.uint8]
Maker = Callable[[int, int, tuple[int, int]], Frame]

TILE = (400, 300)
"""Width and height of a picture in the contact sheet, pixels."""


def driver_frame(seed: int, solids: int, size: tuple[int, int] = (640, 480)) -> Frame:
    """Return the first frame of the `synthetic` driver with that seed and so many solids."""
    config = SyntheticConfig(seed=seed, objects=solids, width_px=size[0], height_px=size[1])
    return Synthetic(config, LocalResources()).read()


def wide_frame(seed: int, solids: int, size: tuple[int, int] = (640, 480)) -> Frame:
    """Return a picture of all that scenes can be: every room and light, colours twice, solids before each other."""
    rendering = render(Scene.random(seed, count=solids), 0.0, pinhole(*size), noise=2.0)
    return Frame(image=Image(rendering.color), extra={"truth": rendering.truth})


@cache
def model(path: Path) -> MLModel:
    """Return the vision model of a file, with default attributes."""
    return MLModel(configure(MLModel.Config, {"model_path": str(path)}, of=str(path)), LocalResources())


@dataclass(frozen=True)
class Found:
    """What the detector made of one picture.

    Attributes:
        seed: Of the scene.
        score: How good that is.
        by_class: The same for each class of the truth and of the detections.
        picture: With the detections drawn, of the size of TILE.
    """

    seed: int
    score: Score
    by_class: dict[str, Score]
    picture: Pixels


def detect(maker: Maker, folder: Path, size: tuple[int, int], seed: int) -> Found:
    """Run the detector on the picture of a seed, which has 1 to 6 solids."""
    cv2.setNumThreads(1)
    frame = maker(seed, 1 + seed % 6, size)
    detections = model(folder / DETECTOR_FILE).detect(frame)
    truth: tuple[Truth, ...] = frame.extra["truth"]
    names = {item.class_name for item in (*detections, *truth)}
    by_class = {
        name: score(
            [item for item in detections if item.class_name == name],
            [item for item in truth if item.class_name == name],
        )
        for name in names
    }
    assert frame.image is not None  # noqa: S101 - both makers give one
    picture = draw_detections(frame.image.pixels, detections)
    picture = cv2.resize(picture, TILE, interpolation=cv2.INTER_AREA)
    return Found(seed, score(detections, truth), by_class, picture)


def classify(maker: Maker, folder: Path, size: tuple[int, int], seed: int) -> list[tuple[str, str]]:
    """Run the classifier on the picture of a seed: one solid, at each tenth none.

    Returns:
        What is true and what was said.
    """
    cv2.setNumThreads(1)
    frame = maker(seed, 0 if seed % 10 == 9 else 1, size)
    truth: tuple[Truth, ...] = frame.extra["truth"]
    said = model(folder / CLASSIFIER_FILE).classify(frame, 1)[0].class_name
    return [(truth[0].class_name if truth else NOTHING, said)]


def classify_boxes(maker: Maker, folder: Path, size: tuple[int, int], seed: int) -> list[tuple[str, str]]:
    """Run the classifier on what the boxes of a picture's solids show, with a tenth of their size around them.

    Solids of which little is seen do not count.

    Returns:
        What is true and what was said of each.
    """
    cv2.setNumThreads(1)
    frame = maker(seed, 1 + seed % 6, size)
    assert frame.image is not None  # noqa: S101 - both makers give one
    pixels, answers = frame.image.pixels, []
    for item in frame.extra["truth"]:
        if item.visible_fraction < LEAST_VISIBLE:
            continue
        x_min, y_min, x_max, y_max = item.box
        width, height = (x_max - x_min) // 10, (y_max - y_min) // 10
        part = pixels[max(0, y_min - height) : y_max + height, max(0, x_min - width) : x_max + width]
        said = model(folder / CLASSIFIER_FILE).classify(Frame(image=Image(np.ascontiguousarray(part))), 1)[0]
        answers.append((item.class_name, said.class_name))
    return answers


def main() -> None:
    """Print the tables and write the contact sheet."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_models.evaluate", description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="folder of the models (default: models)")
    parser.add_argument("--seeds", type=int, default=500, help="how many renderings of each kind (default: 500)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of their seeds (default: 0)")
    parser.add_argument("--size", default="640x480", help="of the renderings, pixels (default: 640x480)")
    parser.add_argument(
        "--sheet", type=Path, help="PNG file for a contact sheet: some pictures, then those with errors"
    )
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    console = Console()
    makers: dict[str, Maker] = {"as the driver shows": driver_frame, "every variety": wide_frame}
    tiles: list[Pixels] = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:

        def run(job: Callable[..., object], maker: Maker, what: str) -> Iterator[object]:
            results = pool.map(partial(job, maker, options.models, (width, height)), seeds, chunksize=4)
            return track(results, what, total=len(seeds), console=console, transient=True)

        detections = Table("detector", "solids", "recall", "precision", "missed", "wrong")
        for name, maker in makers.items():
            found: list[Found] = list(run(detect, maker, f"detector, {name}"))  # type: ignore[arg-type]
            _add_detections(detections, name, found)
            mistaken = [item for item in found if item.score.missed or item.score.wrong]
            console.print(f"{name}: errors at the seeds {', '.join(str(item.seed) for item in mistaken) or 'none'}")
            tiles += [item.picture for item in (*found[:12], *mistaken[:12])]
        console.print(detections)
        answers = Table("classifier", "pictures", "accuracy", "errors")
        for name, maker in makers.items():
            for what, job in (("whole pictures", classify), ("boxes", classify_boxes)):
                pairs = [pair for part in run(job, maker, f"classifier, {name}") for pair in part]  # type: ignore[attr-defined]
                _add_answers(answers, f"{name}, {what}", pairs)
        console.print(answers)
    for name in (DETECTOR_FILE, CLASSIFIER_FILE):
        path = options.models / name
        console.print(
            f"{path}: {path.stat().st_size / 1000:.0f} kB, {_milliseconds(path):.1f} ms a picture, one thread"
        )
    if options.sheet:
        options.sheet.write_bytes(encode(_sheet(tiles), "image/png"))


def _add_detections(table: Table, name: str, found: list[Found]) -> None:
    """Add a line for all classes and one for each."""
    classes = sorted({class_name for item in found for class_name in item.by_class})
    lines = {name: sum((item.score for item in found), Score())}
    for class_name in classes:
        scores = (item.by_class.get(class_name, Score()) for item in found)
        lines[f"  {class_name}"] = sum(scores, Score())
    for text, total in lines.items():
        solids = total.found + total.missed
        table.add_row(
            text, str(solids), f"{total.recall:.2%}", f"{total.precision:.2%}", str(total.missed), str(total.wrong)
        )


def _add_answers(table: Table, name: str, pairs: list[tuple[str, str]]) -> None:
    right = sum(true == said for true, said in pairs)
    errors = Counter(f"{true} as {said}" for true, said in pairs if true != said)
    shown = ", ".join(f"{count} × {error}" for error, count in errors.most_common())
    table.add_row(name, str(len(pairs)), f"{right / len(pairs):.2%}", shown)


def _milliseconds(path: Path) -> float:
    """Return the median time that the vision model takes for a picture of 640 × 480."""
    frame, chosen = driver_frame(0, 1), model(path)
    run = getattr(chosen, "detect", None) or chosen.classify
    times = []
    for _ in range(200):
        start = time.perf_counter()
        run(frame)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1000


def _sheet(tiles: list[Pixels]) -> Pixels:
    """Return the pictures side by side, four in a row."""
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % 4)
    rows = [np.concatenate(tiles[start : start + 4], axis=1) for start in range(0, len(tiles), 4)]
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
