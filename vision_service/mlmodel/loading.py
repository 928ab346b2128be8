"""From a model's file to a runtime that holds it."""

from __future__ import annotations

from pathlib import Path

from vision_service.image import read_file
from vision_service.mlmodel.runtime import Runtime, RuntimeOptions
from vision_service.mlmodel.runtimes import find_runtime, open_model
from vision_service.mlmodel.trial import try_model


def load(path: str | Path, options: RuntimeOptions | None = None, *, trial_timeout: float = 10.0) -> Runtime:
    """Return the model in a file, ready to run, after another process has tried it.

    The file may be replaced from then on.

    Args:
        path: The model's file.
        options: How it is run; None = on one thread of the processor.
        trial_timeout: How long the trial may take, seconds.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file is missing or unusable, or crashes or hangs the runtime;
            NOT_SUPPORTED, if the runtime is not installed.
    """
    options = options or RuntimeOptions()
    data = read_file(path)
    runtime = find_runtime(path, data)
    try_model(runtime, data, options, path=str(path), timeout=trial_timeout)
    return open_model(runtime, data, options, path=str(path))
