"""NVIDIA's DetectNet_v2."""

import numpy as np
import pytest

from served import detect, onnx, sources
from vision_service.errors import VisionError

INPUT = {"input_1:0": ("float32", (1, 3, 320, 320))}
LABELS = ("person", "bag", "face")


def outputs(size=(20, 20)) -> dict[str, np.ndarray]:
    """A person over 4 places, found at two of them, and a face."""
    columns, rows = size
    coverage = np.zeros((1, 3, rows, columns), np.float32)
    boxes = np.zeros((1, 12, rows, columns), np.float32)
    for number, row, column, score, edges in (
        (0, 5, 5, 0.9, (40, 20, 160, 60)),
        (0, 5, 6, 0.8, (42, 20, 160, 60)),
        (2, 5, 5, 0.6, (60, 32, 100, 96)),
        (1, 9, 9, 0.3, (100, 100, 200, 200)),
    ):
        coverage[0, number, row, column] = score
        x, y = (column + 0.5) * 16, (row + 0.5) * 16
        distances = np.array([x - edges[0], y - edges[1], edges[2] - x, edges[3] - y]) / 35
        boxes[0, 4 * number : 4 * number + 4, row, column] = distances
    return {"output_cov/Sigmoid:0": coverage, "output_bbox/BiasAdd:0": boxes}


def test_distances_to_the_edges_make_boxes_that_are_suppressed_within_classes():
    model = onnx(outputs(), INPUT, labels=LABELS)
    assert detect(model) == [("person", 0.9, (80.0, 22.5, 320.0, 67.5)), ("face", 0.6, (120.0, 36.0, 200.0, 108.0))]
    assert sources(
        model, "decoder", "resize", "default_minimum_confidence", "nms", "nms_iou_threshold", "box_scale"
    ) == {
        "decoder": ("detectnet_v2", "names"),
        "resize": ("stretch", "family"),
        "default_minimum_confidence": (0.35, "family"),
        "nms": ("per_class", "family"),
        "nms_iou_threshold": (0.5, "family"),
        "box_scale": (35.0, "family"),
    }


def test_a_grid_that_does_not_divide_the_input_is_warned_of():
    model = onnx(outputs((19, 20)), INPUT, labels=LABELS)
    assert model.contract.assumed() == ["box_scale"]


@pytest.mark.parametrize("channels", [3, 11, 13])
def test_only_four_times_the_channels_make_it(channels):
    made = outputs()
    made["output_bbox/BiasAdd:0"] = np.zeros((1, channels, 20, 20), np.float32)
    with pytest.raises(VisionError):
        onnx(made, INPUT)
