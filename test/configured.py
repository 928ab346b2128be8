"""A configuration with one attribute of every form and type, and what is said when its values are wrong."""

from dataclasses import dataclass

import pytest

from vision_service.configuration import attribute, attributes, configure
from vision_service.errors import ErrorCode, VisionError


@dataclass(frozen=True)
class Config:
    """One attribute of every form and type."""

    path: str = attribute("The file.")
    share: float = attribute("How much.", default=0.5, minimum=0.0, above_minimum=True, maximum=1.0, live=True)
    size: int = attribute("How large.", default=10, minimum=1, unit="pixels")
    mode: str = attribute("Which way.", default="fast", choices=("fast", "exact"))
    on: bool = attribute("Whether at all.", default=True)
    weights: tuple[float, ...] = attribute("Factors.", default=(1.0, 2.0), minimum=-5.0)
    steps: tuple[str, ...] = attribute("What to do.", default=(), choices=("spin", "boxes"))
    limits: dict[str, float] = attribute("By class.", default={"cat": 0.1}, minimum=0.0, maximum=1.0)


@dataclass(frozen=True)
class NeedsMap:
    """A map that must be given."""

    limits: dict[str, float] = attribute("By class.")


KNOWN = attributes(Config)


def configured(**values):
    return configure(Config, {"path": "x", **values}, of="the model seen")


def refusal(values, configuration=Config):
    with pytest.raises(VisionError) as caught:
        configure(configuration, values, of="the model seen")
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    return caught.value.message
