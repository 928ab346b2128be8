"""Configuration dataclasses: each attribute described once, checked the same way wherever its value comes from.

A model's or driver's attributes are the fields of a frozen dataclass, made by :func:`attribute`. A parameter file, a
ROS parameter and ``--set`` on the command line all go through :func:`configure`.
"""

from vision_service.configuration.attributes import (
    Alike,
    Attribute,
    Kinds,
    Names,
    Part,
    PartType,
    attribute,
    attributes,
    by_use,
    parts,
)
from vision_service.configuration.checking import check, joined
from vision_service.configuration.configuring import below, configure
from vision_service.configuration.suggestions import close_names, did_you_mean

__all__ = [
    "Alike",
    "Attribute",
    "Kinds",
    "Names",
    "Part",
    "PartType",
    "attribute",
    "attributes",
    "below",
    "by_use",
    "check",
    "close_names",
    "configure",
    "did_you_mean",
    "joined",
    "parts",
]
