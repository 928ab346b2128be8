"""The one protocol by which a model or driver reaches another camera, detector, classifier or ML model by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError


class Resources(Protocol):
    """What a model or driver receives when it is made, to look up what its configuration names.

    Each method raises VisionError UNKNOWN_RESOURCE, with what is known, if there is nothing of that name, and
    INVALID_ARGUMENT if the names form a cycle.
    """

    def camera(self, name: str) -> Any:
        """Return the camera driver, or what reads like one: ``read() -> Frame``."""

    def detector(self, name: str) -> Any:
        """Return what has ``detect(frame) -> list[Detection]``, or at least ``label(frame) -> LabelImage``."""

    def classifier(self, name: str) -> Any:
        """Return what has ``classify(frame, count) -> list[Classification]``."""

    def segmenter(self, name: str) -> Any:
        """Return what has ``segment(frame) -> list[PointCloudObject]``."""

    def mlmodel(self, name: str) -> Any:
        """Return the ML runtime that holds a model; of several names, separated by commas, a pool of them."""


class LocalResources:
    """Resources of this process, each made when it is first asked for and then shared by reference."""

    def __init__(self, makers: Mapping[str, Mapping[str, Callable[[Resources], Any]]] | None = None) -> None:
        """Take what can be made.

        Args:
            makers: By kind ("camera", "mlmodel", "vision") and name, a function that makes the resource; it is given
                these resources, to look up what it needs in turn.
        """
        self._makers = makers or {}
        self._made: dict[tuple[str, str], Any] = {}
        self._making: list[tuple[str, str]] = []

    def camera(self, name: str) -> Any:
        """Return the camera driver of that name."""
        return self._get("camera", name)

    def detector(self, name: str) -> Any:
        """Return the vision model of that name; it must be able to detect, or to label pixels."""
        return self._with_method(name, ("detect", "label"), "detector")

    def classifier(self, name: str) -> Any:
        """Return the vision model of that name; it must be able to classify."""
        return self._with_method(name, ("classify",), "classifier")

    def segmenter(self, name: str) -> Any:
        """Return the vision model of that name; it must be able to segment."""
        return self._with_method(name, ("segment",), "segmenter")

    def mlmodel(self, name: str) -> Any:
        """Return the ML runtime of that name."""
        return self._get("mlmodel", name)

    def close(self) -> None:
        """Close all that was made, the last one first; one that fails does not keep the others open."""
        with ExitStack() as stack:
            for resource in self._made.values():
                stack.callback(resource.close)
            self._made.clear()

    def _with_method(self, name: str, methods: Sequence[str], kind: str) -> Any:
        """Return the vision model of that name, if it has one of the methods."""
        model = self._get("vision", name)
        if not any(callable(getattr(model, method, None)) for method in methods):
            raise not_able(name, methods, kind)
        return model

    def _get(self, kind: str, name: str) -> Any:
        if (kind, name) in self._made:
            return self._made[kind, name]
        makers = self._makers.get(kind, {})
        if name not in makers:
            raise unknown(kind, name, makers)
        if (kind, name) in self._making:
            cycle = " -> ".join([name for _, name in self._making[self._making.index((kind, name)) :]] + [name])
            raise VisionError(
                ErrorCode.INVALID_ARGUMENT, f"resources that need each other (a dependency cycle): {cycle}"
            )
        self._making.append((kind, name))
        try:
            self._made[kind, name] = makers[name](self)
        finally:
            self._making.pop()
        return self._made[kind, name]


def names_of(text: str) -> list[str]:
    """Return the names in a text that separates them by commas; ROS allows none in a name."""
    return [name.strip() for name in text.split(",")]


def not_able(name: str, methods: Sequence[str], kind: str) -> VisionError:
    """Return the error for a vision service that has none of the methods that are needed."""
    msg = f"the vision service {name!r} is no {kind}: it cannot {' or '.join(methods)}"
    return VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)


def unknown(kind: str, name: str, known: Iterable[str]) -> VisionError:
    """Return the error for a name that stands for nothing."""
    names = list(known)
    hint = did_you_mean(name, names) if names else ": there are none here"
    return VisionError(ErrorCode.UNKNOWN_RESOURCE, f"no {kind} {name!r}{hint}")
