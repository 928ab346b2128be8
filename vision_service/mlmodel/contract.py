"""What a model is, decided once when it is loaded: how it takes its image and what its outputs mean, item by item.

Every item has a source: who or what says so. An item that nothing says is either the commonest in the field, which is
said aloud (ASSUMED), or unknown, and then the model is refused with the attribute that would tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vision_service.errors import ErrorCode, VisionError

ATTRIBUTE = "attribute"
"""The user says so."""

METADATA = "metadata"
"""The file's metadata say so."""

GRAPH = "graph"
"""Names or operations within the file's network prove it."""

NAMES = "names"
"""The names of inputs and outputs say so."""

SHAPES = "shapes"
"""Only this fits the shapes and types of inputs and outputs."""

LABELS = "labels"
"""The class names, or how many there are, say so."""

PROBE = "probe"
"""What the model returned for noise leaves only this."""

FAMILY = "family"
"""All models of the family have it so."""

ASSUMED = "assumed"
"""Most models of this form have it so; this one may not."""

UNKNOWN = "unknown"
"""Nothing says it: the user has to."""

SOURCES = (ATTRIBUTE, METADATA, GRAPH, NAMES, SHAPES, LABELS, PROBE, FAMILY, ASSUMED, UNKNOWN)
"""The best first."""

ADVICE = {
    "activation": "softmax (one class at a time), sigmoid (each class by itself) or none",
    "background": "first, last or none",
    "box_coordinates": "normalized or pixels",
    "box_format": "corners, corner_size or center_size",
    "xmin_ymin_xmax_ymax_order": "[0, 1, 2, 3] for x first, [1, 0, 3, 2] for y first",
    "input_image_mean_value": "one number for each channel, from 0 to 1",
    "input_image_std_dev": "one number for each channel, from 0 to 1",
    "resize": "stretch, letterbox, letterbox_top_left or center_crop",
    "color_order": "rgb or bgr",
}
"""What a user may give for an item, for messages."""


@dataclass(frozen=True)
class Item:
    """One fact about a model.

    Attributes:
        value: What it is; None = unknown.
        source: Who says so, one of SOURCES.
        why: More of that, for people; empty = nothing.
    """

    value: Any
    source: str
    why: str = ""


@dataclass(frozen=True)
class Contract(Mapping[str, Item]):
    """The items of a model by name; most have the name of the attribute of `mlmodel` that sets them.

    Attributes:
        items_by_name: In the order in which they are shown.
    """

    items_by_name: Mapping[str, Item] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Item:
        """Return an item."""
        return self.items_by_name[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names of the items."""
        return iter(self.items_by_name)

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.items_by_name)

    def value(self, name: str, default: Any = None) -> Any:
        """Return an item's value; the default if there is no such item."""
        item = self.items_by_name.get(name)
        return default if item is None else item.value

    def told(self, given: Mapping[str, Any]) -> Contract:
        """Return the contract with what the user says.

        Args:
            given: The attributes that the user has set; those that are no items here are not looked at.
        """
        items = {
            name: Item(given[name], ATTRIBUTE) if name in given else item for name, item in self.items_by_name.items()
        }
        return Contract(items)

    def more(self, **items: Item) -> Contract:
        """Return the contract with these items, instead of those of the same name or besides."""
        return Contract({**self.items_by_name, **items})

    def assumed(self) -> list[str]:
        """Return the names of the items that are only assumed."""
        return [name for name, item in self.items_by_name.items() if item.source == ASSUMED]

    def check(self) -> None:
        """Raise VisionError INVALID_ARGUMENT if an item is unknown, naming the attribute that tells it."""
        for name, item in self.items_by_name.items():
            if item.value is None and item.source == UNKNOWN:
                why = f": {item.why}" if item.why else ""
                choices = f" ({ADVICE[name]})" if name in ADVICE else ""
                labels = "'label_path', or " if "labels" in item.why else ""
                msg = (
                    f"neither the file nor its outputs tell {name!r}{why}; give {labels}the attribute {name!r}{choices}"
                )
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return name, value and source of each item, for people."""
        return [(name, shown(item.value), _source(item)) for name, item in self.items_by_name.items()]

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return the items as JSON has them."""
        return {
            name: {"value": _plain(item.value), "source": item.source, **({"why": item.why} if item.why else {})}
            for name, item in self.items_by_name.items()
        }

    def line(self) -> str:
        """Return the contract in one line, for the log."""
        return ", ".join(f"{name}={value} ({source})" for name, value, source in self.rows())

    def warning(self) -> str:
        """Return what is assumed and what to do about it; empty = nothing is."""
        names = self.assumed()
        if not names:
            return ""
        said = ", ".join(f"{name} = {shown(self[name].value)}" for name in names)
        return (
            f"the model's file does not tell {said}: this is assumed, because most models of this form have it so; if"
            f" results look wrong, try other values; set {_listed(names)}, even to the same, and this warning ends"
        )


def known(source: str, why: str = "", **values: Any) -> dict[str, Item]:
    """Return items of one source.

    Args:
        source: One of SOURCES.
        why: More of that.
        **values: By name.
    """
    return {name: Item(value, source, why) for name, value in values.items()}


def unknown(name: str, why: str) -> dict[str, Item]:
    """Return an item that only the user can tell.

    Args:
        name: The attribute's.
        why: What is not clear.
    """
    return {name: Item(None, UNKNOWN, why)}


def shown(value: Any) -> str:
    """Return a value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value)


def _source(item: Item) -> str:
    return f"{item.source}: {item.why}" if item.why else item.source


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
