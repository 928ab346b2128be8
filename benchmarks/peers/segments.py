"""`detections_to_segments` of whichever build is on the path, frame by frame, in a process of its own.

Arguments: a file of frames (see `benchmarks.segments`), and one to write the objects to. Each line of standard input is
a job and the number of a frame; the answer is the processor time that it took, seconds. At the end of the input it
writes what was found.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from vision_service.configuration import configure
from vision_service.image import Image
from vision_service.pointcloud.projection import cloud_of
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics, Detection, Frame
from vision_service.vision.detections_to_segments import DetectionsToSegments
from vision_service.vision.model import VisionModel

TABLE = {
    "ground_plane_normal_vec": (0.0, -1.0, -1.0),
    "ground_angle_tolerance_degs": 45.0,
    "max_dist_from_plane": 0.01,
    "split_touching": True,
    "upright_boxes": True,
}
"""As config/demo.yaml has them."""
CONSUMERS = 4
"""How many want the points of one frame."""


class Boxes(VisionModel):
    """A detector that knows the boxes."""

    def __init__(self) -> None:
        pass

    def detect(self, frame: Frame) -> list[Detection]:
        """Return the boxes that come with the frame."""
        return [Detection(str(number), 1.0, *box) for number, box in enumerate(frame.extra["boxes"])]


def main() -> None:
    """Answer until the input ends."""
    given = np.load(sys.argv[1])
    models = {"defaults": _model({}), "table": _model(TABLE)}
    found: dict[str, Any] = {}
    for line in sys.stdin:
        job, number = line.split()
        frame = _frame(given, int(number))
        began = time.process_time()
        if job == "clouds":
            for _ in range(CONSUMERS):
                cloud_of(frame)
            print(time.process_time() - began, flush=True)
            continue
        objects = models[job].segment(frame)
        print(time.process_time() - began, flush=True)
        for item in objects:
            found[f"{job} {number} {item.label}"] = item.cloud.xyz
    np.savez(Path(sys.argv[2]), **found)


def _model(values: dict[str, Any]) -> DetectionsToSegments:
    config = configure(DetectionsToSegments.Config, {**values, "detector_name": "boxes"}, of="the model")
    return DetectionsToSegments(config, LocalResources({"vision": {"boxes": lambda _: Boxes()}}))


def _frame(given: Any, number: int) -> Frame:
    """Return a frame that nobody has asked for anything yet."""
    depth, rgb, boxes = (given[f"{name} {number}"] for name in ("depth", "rgb", "boxes"))
    camera = CameraIntrinsics(depth.shape[1], depth.shape[0], *given["camera"].tolist())
    return Frame(image=Image(rgb), depth=depth, intrinsics=camera, extra={"boxes": boxes.tolist()})


if __name__ == "__main__":
    main()
