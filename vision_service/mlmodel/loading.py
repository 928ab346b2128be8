"""From a model's file to a runtime that holds it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vision_service.errors import VisionError
from vision_service.files import resolve
from vision_service.image import read_file
from vision_service.mlmodel.runtime import Runtime, RuntimeOptions
from vision_service.mlmodel.runtimes import find_runtime, open_model
from vision_service.mlmodel.trial import try_model
from vision_service.settings.model_file import ModelFileConfiguration

if TYPE_CHECKING:
    from vision_service.mlmodel.label_files import LabelFile


def load(path: str | Path, options: RuntimeOptions | None = None, *, trial_timeout: float = 10.0) -> Runtime:
    """Return the model in a file, ready to run, after another process has tried it.

    The file, and those beside it that hold its weights, may be replaced from then on.

    Args:
        path: The model's file.
        options: How it is run; None = on one CPU thread.
        trial_timeout: How long the trial may take, seconds.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file is missing or unusable, or crashes or hangs the runtime;
            NOT_SUPPORTED, if the runtime is not installed.
    """
    options = options or RuntimeOptions()
    data = read_file(path)
    runtime = find_runtime(path, data)
    if runtime == "onnx":
        data = _with_weights(data, path)
    try_model(runtime, data, options, path=str(path), timeout=trial_timeout)
    return open_model(runtime, data, options, path=str(path))


def _with_weights(data: bytes, path: str | Path) -> bytes:
    """Return an ONNX file with the weights in it that lie in files beside it."""
    from vision_service.mlmodel.onnx_weights import beside, with_weights

    try:
        return with_weights(data, beside(resolve(path)))
    except VisionError as error:
        raise VisionError(error.code, f"the model {str(path)!r} cannot be used: {error.message}") from None


def load_file(settings: ModelFileConfiguration) -> Runtime:
    """Return the model that a configuration describes, with the labels of its label file if that is given.

    Args:
        settings: Which file is loaded, and how it is run.

    Raises:
        VisionError: As :func:`load`; INVALID_ARGUMENT also for a label file that cannot be used.
    """
    given = _read_labels(settings.label_path) if settings.label_path else None
    runtime = load(settings.model_path, options_of(settings), trial_timeout=settings.trial_timeout)
    if given:
        runtime.labels = given.labels
        runtime.facts = replace(runtime.facts, labels_from=f"the label file {settings.label_path!r} ({given.form})")
    return runtime


def _read_labels(path: str) -> LabelFile:
    from vision_service.mlmodel.label_files import read_label_file

    return read_label_file(path)


def options_of(settings: ModelFileConfiguration) -> RuntimeOptions:
    """Return how a model is run.

    Args:
        settings: What says so.
    """
    return RuntimeOptions(settings.num_threads, settings.delegate, tuple(sorted(settings.delegate_options.items())))
