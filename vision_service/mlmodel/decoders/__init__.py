"""What reads a model's outputs: one file for each family of models, and a registry that others can add to."""

from __future__ import annotations

from collections.abc import Iterator

from vision_service.mlmodel.decoders.base import Family
from vision_service.registry import Registry

_HERE = "vision_service.mlmodel.decoders"

FAMILIES = Registry(
    "decoder",
    "vision_service.decoders",
    {
        "ultralytics": f"{_HERE}.ultralytics:Ultralytics",
        "mediapipe": f"{_HERE}.anchors:MediaPipe",
        "blazeface": f"{_HERE}.anchors:BlazeFace",
        "end_to_end": f"{_HERE}.separate:EndToEnd",
        "detr": f"{_HERE}.queries:HuggingFace",
        "rfdetr": f"{_HERE}.queries:RFDetr",
        "detectnet_v2": f"{_HERE}.detectnet:DetectNet",
        "torchvision": f"{_HERE}.separate:Typed",
        "pytorch_ssd": f"{_HERE}.separate:PyTorchSSD",
        "detector": f"{_HERE}.separate:TensorFlow",
        "yolox": f"{_HERE}.objectness:YoloX",
        "yolo": f"{_HERE}.ultralytics:YoloGrid",
        "yolov5": f"{_HERE}.objectness:YoloV5",
        "yolo_rows": f"{_HERE}.ultralytics:YoloRows",
        "segmentation": f"{_HERE}.segmentation:Segmentation",
        "classifier": f"{_HERE}.classification:Classifier",
    },
)
"""By the name that the attribute `decoder` takes; in the order in which they are asked: those whose evidence is best
first, those that take most files last. Families of other packages are asked before all of ours."""


def families(asked: str = "") -> Iterator[Family]:
    """Yield the families that a model is shown to; a third party's that cannot be imported is logged and left out.

    Args:
        asked: The only one that the user wants; empty = all.

    Raises:
        VisionError: UNKNOWN_RESOURCE, if there is none of that name, or it cannot be imported.
    """
    if asked:
        yield FAMILIES.get(asked)()
        return
    for name in FAMILIES.foreign():
        try:
            family = FAMILIES.get(name)()
        except Exception as error:  # our own models have nothing to do with it
            import logging

            logging.getLogger(__name__).warning("%s", error)
            continue
        yield family
    for name in FAMILIES.own():
        yield FAMILIES.get(name)()
