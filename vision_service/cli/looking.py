"""What the commands that run a model on files do for each of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2  # noqa: F401  (which reads the files: now, while the model's file is tried, rather than then)
import numpy as np
from numpy.typing import NDArray

from vision_service.cli import output, results
from vision_service.cli.given import given_image
from vision_service.cli.outcome import FAILED, OK, print_error
from vision_service.errors import VisionError
from vision_service.types import Frame

Answer = TypeVar("Answer")


def look(
    arguments: argparse.Namespace,
    kind: str,
    answer: Callable[[Frame], list[Any]],
    draw: Callable[[NDArray[np.uint8], list[Any]], NDArray[np.uint8]],
) -> int:
    """Answer for each image, print and draw the results; return the exit code."""

    def job(file: str, paths: Sequence[Path]) -> None:
        image = given_image(file)
        found = answered(file, Frame(image=image), answer)
        size = image.width, image.height
        if arguments.json:
            rows = [results.as_dict(result, size) for result in found]
            output.print_json({"file": file, "width": size[0], "height": size[1], kind: rows})
        else:
            results.print_results(file, size, found)
        for path in paths:
            output.write_image(path, draw(image.rgb, found))

    return each_file(arguments, (".png",), job)


def each_file(arguments: argparse.Namespace, endings: Sequence[str], job: Callable[[str, Sequence[Path]], None]) -> int:
    """Do a job for each file, given where its results go if they are wanted; return the exit code."""
    results: Sequence[Sequence[Path]] = [()] * len(arguments.files)
    if arguments.out is not None:
        output.make_folder(arguments.out)
        results = output.result_paths(arguments.files, arguments.out, endings)
    code = OK
    for file, paths in zip(output.progress(arguments.files), results, strict=True):
        try:
            job(file, paths)
        except VisionError as error:
            print_error(error.message)
            code = FAILED
    if arguments.out is not None and not arguments.json:
        output.print_lines([(f"Results are in {arguments.out}", "dim")])
    return code


def answered(file: str, frame: Frame, answer: Callable[[Frame], Answer]) -> Answer:
    """Return the model's answer for a file's frame; every error names the file."""
    try:
        return answer(frame)
    except VisionError as error:
        raise VisionError(error.code, f"{file!r}: {error.message}") from error
