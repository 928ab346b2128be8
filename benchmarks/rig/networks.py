"""The trained networks and the images that are measured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.image import read_image

ROOT = Path(__file__).resolve().parents[2]
TESTDATA = ROOT.parent / "shared" / "testdata"
"""Other people's models and images; may be absent."""


@dataclass(frozen=True)
class Network:
    """A network in a file, and how the model `mlmodel` is told to use it.

    Attributes:
        name: For tables.
        path: The file.
        method: What it serves as: "detect", "classify" or "label".
        attributes: Besides `model_path`.
    """

    name: str
    path: Path
    method: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of a vision node that uses it."""
        return {"model": "mlmodel", "model_path": str(self.path), **self.attributes}


DETECTOR = Network(
    "our detector", ROOT / "models" / "solids_detector.tflite", "detect", {"default_minimum_confidence": 0.5}
)
"""The one that is shipped."""

COCO_SSD = Network(
    "COCO SSD MobileNet v1 300",
    TESTDATA / "models" / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite",
    "detect",
    {"default_minimum_confidence": 0.5},
)
_CLASSES = {"label_path": str(TESTDATA / "models" / "imagenet_labels.txt"), "default_minimum_confidence": 0.1}
_PIXELS = {"label_path": str(TESTDATA / "models" / "pascal_voc_segmentation_labels.txt")}
NETWORKS = (
    Network("MobileNet v1 0.25 128", TESTDATA / "models" / "mobilenet_v1_0.25_128_quant.tflite", "classify", _CLASSES),
    DETECTOR,
    Network("MobileNet v2 224", TESTDATA / "models" / "mobilenet_v2_1.0_224_quant.tflite", "classify", _CLASSES),
    COCO_SSD,
    Network("DeepLab v3 513", TESTDATA / "models" / "deeplabv3_mnv2_dm05_pascal_quant.tflite", "label", _PIXELS),
)
"""The fastest first."""


def networks() -> list[Network]:
    """Return the networks that are there."""
    return [network for network in NETWORKS if network.path.exists()]


def images(width: int, height: int) -> list[NDArray[np.uint8]]:
    """Return images to look at, (height, width, 3) RGB."""
    names = ("cats_and_dogs.jpg", "cat_720p.jpg", "multi_objects.jpg", "kite_and_cold.jpg")
    paths = [path for name in names if (path := TESTDATA / "images" / name).exists()]
    return [
        np.ascontiguousarray(cv2.resize(read_image(path).rgb, (width, height), interpolation=cv2.INTER_AREA))
        for path in paths or [ROOT / "docs" / "images" / "demo.jpg"]
    ]
