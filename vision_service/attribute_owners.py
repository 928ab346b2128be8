"""Which vision models and camera drivers have an attribute: for a name that is right, but given to another one."""

from __future__ import annotations

from vision_service.camera import DRIVERS
from vision_service.configuration import attributes
from vision_service.errors import VisionError
from vision_service.registry import Registry
from vision_service.vision import MODELS


def owners(name: str, registry: Registry) -> list[str]:
    """Return our own models or drivers that have an attribute of a name, which may have a key: ``MAP.KEY``.

    Args:
        name: Of the attribute.
        registry: Of the models or of the drivers.
    """
    base, _, key = name.partition(".")
    found = []
    for each in registry.own():
        try:
            attribute = attributes(registry.get(each).Config).get(base)
        except (VisionError, ImportError):  # what it needs is not installed
            continue
        if attribute is not None and (attribute.form == "map") == bool(key):
            found.append(each)
    return found


def owned_elsewhere(name: str) -> str:
    """Return whose attribute it is, for the end of an error message about a name that is not known.

    Empty = nobody has it.
    """
    told = [
        f"the {registry.kind} {' and '.join(map(repr, found))} {'has' if len(found) == 1 else 'have'} it"
        for registry in (MODELS, DRIVERS)
        if (found := owners(name, registry))
    ]
    return f", but {', '.join(told)}" if told else ""
