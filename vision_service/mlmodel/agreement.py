"""Whether two models are the same one: what they take, what they return, what their classes are called, whose file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vision_service.mlmodel.runtime import TensorInfo

SHOWN = 8
"""Of an identity, characters."""


@dataclass(frozen=True)
class Facts:
    """What has to be the same.

    Attributes:
        inputs, outputs: The tensors.
        labels: The class names.
        identity: Another one for each other file content and labels; empty = not known.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    labels: tuple[str, ...]
    identity: str = ""

    @classmethod
    def of(cls, model: Any, identity: str) -> Facts:
        """Return those of a model that has inputs, outputs and labels."""
        return cls(model.inputs, model.outputs, model.labels, identity)


def differences(one: Facts, other: Facts) -> str:
    """Return how a model differs from another one, for people; empty = it does not.

    Args:
        one: The model.
        other: What it should be.
    """
    said = [*_tensors("input", one.inputs, other.inputs), *_tensors("output", one.outputs, other.outputs)]
    said += _labels(one.labels, other.labels)
    if not said and one.identity and other.identity and one.identity != other.identity:
        said.append(
            f"the content of its file is another one (model_id {one.identity[:SHOWN]}…, not {other.identity[:SHOWN]}…)"
        )
    return "; ".join(said)


def _tensors(what: str, ones: Sequence[TensorInfo], others: Sequence[TensorInfo]) -> list[str]:
    if len(ones) != len(others):
        return [f"it has {len(ones)} {what}s, not {len(others)}"]
    said = []
    for one, other in zip(ones, others, strict=True):
        if str(one) != str(other):
            said.append(f"its {what} is {one}, not {other}")
        elif (one.scales, one.zero_points) != (other.scales, other.zero_points):
            said.append(f"its {what} {one.name!r} is quantized otherwise")
    return said


def _labels(ones: Sequence[str], others: Sequence[str]) -> list[str]:
    if len(ones) != len(others):
        return [f"it has {len(ones)} labels, not {len(others)}"]
    wrong = [number for number, pair in enumerate(zip(ones, others, strict=True)) if pair[0] != pair[1]]
    if not wrong:
        return []
    first = wrong[0]
    more = f" ({len(wrong)} labels differ)" if len(wrong) > 1 else ""
    return [f"its label {first} is {ones[first]!r}, not {others[first]!r}{more}"]
