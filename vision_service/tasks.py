"""What vision models can be asked for: each task by name, what it is made of, and how services speak of it.

A model has methods, and its detections may carry more than an upright box: these are its abilities. A task is done by
one or several of them in one run, for example 2D segmentation by the class of each pixel, by the masks of detections,
or by both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import Segmentation
from vision_service.vision import MODELS
from vision_service.vision.model import EXTRAS, VisionModel, methods


@dataclass(frozen=True, eq=False)
class Task:
    """Something that a model may be asked for.

    Attributes:
        name: What a model does that can do it, after "it can".
        kind: What a model is that can do it, after "it is".
        made_of: Abilities that it takes, each with the method of the model that shows it; one of them is enough.
        supported: The fields of GetVisionProperties that say whether a model can do it.
        result: Makes its result of what the methods return, by their names.
    """

    name: str
    kind: str
    made_of: Mapping[str, str]
    supported: tuple[str, ...]
    result: Callable[[Mapping[str, Any]], Any]

    def methods(self, able: frozenset[str]) -> tuple[str, ...]:
        """Return the methods to call of a model that has these abilities; none = it cannot do the task."""
        return tuple(dict.fromkeys(method for ability, method in self.made_of.items() if ability in able))


def _segmentation(results: Mapping[str, Any]) -> Segmentation:
    return Segmentation(results.get("label"), tuple(results.get("detect", ())))


DETECT = Task(
    "detect", "a detector", {"detect": "detect"}, ("detections_supported",), lambda results: results["detect"]
)
CLASSIFY = Task(
    "classify", "a classifier", {"classify": "classify"}, ("classifications_supported",), lambda r: r["classify"]
)
SEGMENT = Task(
    "segment images",
    "a 2D segmenter",
    {"label": "label", "masks": "detect"},
    ("segmentation_supported",),
    _segmentation,
)
KEYPOINTS = Task(
    "find keypoints", "a keypoint detector", {"keypoints": "detect"}, ("keypoints_supported",), lambda r: r["detect"]
)
SEGMENT_3D = Task(
    "segment in 3D",
    "a 3D segmenter",
    {"segment": "segment"},
    ("object_point_clouds_supported", "detections_3d_supported"),
    lambda results: results["segment"],
)
TASKS = (DETECT, CLASSIFY, SEGMENT, KEYPOINTS, SEGMENT_3D)


def abilities(model: VisionModel) -> frozenset[str]:
    """Return the methods that a model has, and what its detections carry.

    Raises:
        VisionError: INVALID_ARGUMENT, if it says that they carry something unknown.
    """
    has, extras = methods(model), frozenset(model.extras)
    if not extras <= EXTRAS:
        unknown = ", ".join(map(repr, sorted(extras - EXTRAS)))
        msg = f"the 'extras' of the model {type(model).__name__} name {unknown}: known are {', '.join(sorted(EXTRAS))}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return has | extras if "detect" in has else has


def tasks_of(able: frozenset[str]) -> list[Task]:
    """Return what can be done with these abilities."""
    return [task for task in TASKS if task.methods(able)]


def require(model: VisionModel, task: Task) -> tuple[str, ...]:
    """Return the methods of a model that a task takes.

    Raises:
        VisionError: NOT_SUPPORTED, if the model cannot do it; the message says what it can do.
    """
    found = task.methods(abilities(model))
    if not found:
        raise not_supported(model, task)
    return found


def not_supported(model: VisionModel, task: Task) -> VisionError:
    """Return the error for a task that a model cannot do."""
    able = abilities(model)
    msg = f"the model {MODELS.name_of(type(model))} is not {task.kind}: it can {can(model)}"
    if task is SEGMENT_3D and {"detect", "label"} & able:
        msg += "; a vision service with 'model: detections_to_segments' finds its detections in space"
    return VisionError(ErrorCode.NOT_SUPPORTED, msg)


def can(model: VisionModel) -> str:
    """Return what a model can do, in words, after "it can"."""
    return ", ".join(sorted(task.name for task in tasks_of(abilities(model)))) or "do nothing"


def method_of(ability: str) -> str:
    """Return the method of models whose result shows an ability."""
    return next(task.made_of[ability] for task in TASKS if ability in task.made_of)


def task_of(method: str) -> Task:
    """Return the task that a method of models stands for."""
    return next(task for task in TASKS if method in task.made_of)
