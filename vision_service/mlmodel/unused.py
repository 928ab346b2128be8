"""Attributes that the user has set although the model has no use for them: said aloud rather than ignored."""

from __future__ import annotations

from vision_service.configuration import attributes
from vision_service.mlmodel.config import MLModelConfig, given
from vision_service.mlmodel.contract import Contract

OF_DETECTIONS = (
    "nms",
    "nms_iou_threshold",
    "max_detections",
    "minimum_area",
    "maximum_area",
    "label_minimum_areas",
    "label_maximum_areas",
    "tiles",
)
"""What every detector heeds, and nothing else."""

OF_SCORES = ("default_minimum_confidence", "label_confidences")
"""What every detector and classifier heeds."""


def unused(config: MLModelConfig, serves: str, contract: Contract) -> list[str]:
    """Return the attributes that are set but have no meaning for a model.

    Args:
        config: The attributes.
        serves: What the model does: "detect", "classify" or "label".
        contract: What it is.
    """
    heeded = {"detect": (*OF_DETECTIONS, *OF_SCORES), "classify": OF_SCORES}.get(serves, ())
    usual = attributes(type(config))
    said = [
        *given(config),
        *(name for name in OF_DETECTIONS + OF_SCORES if getattr(config, name) != usual[name].default),
    ]
    found = [name for name in dict.fromkeys(said) if name not in heeded and name not in contract]
    rule = str(contract.value("resize", ""))
    for name, wanted in (("letterbox_color", "letterbox"), ("shorter_edge", "center_crop")):
        if name in said and name in contract and not rule.startswith(wanted):
            found.append(name)
    return found
