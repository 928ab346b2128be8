"""Which detections have a size that makes sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vision_service.configuration import attribute
from vision_service.types import Detection


@dataclass(frozen=True, kw_only=True)
class AreaLimits:
    """The attributes of a model that leaves out detections by their size."""

    minimum_area: float = attribute(
        "Minimum area of a detection's box, as a fraction of the image's area.",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        live=True,
        rare=True,
    )
    maximum_area: float = attribute(
        "Maximum area of a detection's box, as a fraction of the image's area.",
        default=1.0,
        minimum=0.0,
        maximum=1.0,
        live=True,
        rare=True,
    )
    label_minimum_areas: dict[str, float] = attribute(
        "Minimum area of the boxes of single classes by class name, case-insensitive, instead of minimum_area; as a"
        " fraction of the image's area.",
        default={},
        minimum=0.0,
        maximum=1.0,
        live=True,
        rare=True,
    )
    label_maximum_areas: dict[str, float] = attribute(
        "Maximum area of the boxes of single classes by class name, case-insensitive, instead of maximum_area; as a"
        " fraction of the image's area.",
        default={},
        minimum=0.0,
        maximum=1.0,
        live=True,
        rare=True,
    )


class AreaFilter:
    """Keeps detections whose box is neither too small nor too large: one range for all classes, or one of its own."""

    def __init__(
        self, least: float, most: float, least_by_label: Mapping[str, float], most_by_label: Mapping[str, float]
    ) -> None:
        """Take the limits, each a fraction of the image's area.

        Args:
            least: Of all classes without a limit of their own.
            most: Likewise.
            least_by_label: By class name, upper and lower case the same.
            most_by_label: Likewise.
        """
        self._least, self._most = least, most
        self._least_of = {name.casefold(): area for name, area in least_by_label.items()}
        self._most_of = {name.casefold(): area for name, area in most_by_label.items()}
        self._all = least == 0 and most == 1 and not self._least_of and not self._most_of

    @classmethod
    def of(cls, limits: AreaLimits) -> AreaFilter:
        """Return the filter that a model's attributes ask for."""
        return cls(limits.minimum_area, limits.maximum_area, limits.label_minimum_areas, limits.label_maximum_areas)

    def __call__(self, found: Sequence[Detection], size: tuple[int, int]) -> list[Detection]:
        """Return the detections that are kept, in their order.

        Args:
            found: In pixels of the image.
            size: Width and height of the image, pixels.
        """
        if self._all:
            return list(found)
        whole = size[0] * size[1]
        return [item for item in found if self._fits(item.class_name.casefold(), item.area / whole)]

    def _fits(self, name: str, area: float) -> bool:
        return self._least_of.get(name, self._least) <= area <= self._most_of.get(name, self._most)
