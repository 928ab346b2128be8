"""Trains both models from nothing: python -m tools.train_models."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tools.train_models import CLASSIFIER_FILE, DETECTOR_FILE, MODELS
from tools.train_models.samples import TRAINING_SEEDS, Samples, render_all

DETECTOR_EPOCHS = 6
CLASSIFIER_EPOCHS = 4
RATE = 2e-3


def main() -> None:
    """Render, train, export."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_models", description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="folder to write to (default: models)")
    parser.add_argument("--seed", type=int, default=1, help="of weights, order and variation (default: 1)")
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console()) as progress:
        samples = _rendered(progress)
        # TensorFlow would tell of its processor and its compiler; it is imported here, as rendering needs none of it.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from tools.train_models import classifier, detector, export
        from tools.train_models.training import train

        def learnt(task: Any, name: str, images: NDArray[np.uint8], truth: NDArray[Any], epochs: int) -> Any:
            bar = progress.add_task(f"training the {name}", total=None, note="")

            def report(step: int, steps: int, loss: float) -> None:
                progress.update(bar, completed=step, total=steps, note=f"loss {loss:.3f}")

            return train(task, images, truth, epochs=epochs, rate=RATE, seed=options.seed, report=report)

        network = learnt(classifier, "classifier", samples.crops, samples.labels, CLASSIFIER_EPOCHS)
        (options.models / CLASSIFIER_FILE).write_bytes(export.classifier_file(network, samples.crops))
        network = learnt(detector, "detector", samples.images, samples.objects, DETECTOR_EPOCHS)
        (options.models / DETECTOR_FILE).write_bytes(export.detector_file(network, samples.images))


def _rendered(progress: Progress) -> Samples:
    bar = progress.add_task("rendering", total=len(TRAINING_SEEDS), note="")
    parts = []
    for part in render_all(TRAINING_SEEDS):
        parts.append(part)
        progress.advance(bar)
    return Samples.joined(parts)


if __name__ == "__main__":
    main()
