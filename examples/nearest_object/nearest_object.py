"""Tells a gripper where the nearest object of a class is: centre, size and orientation of its box.

In two terminals:

    vision-service run nearest_object.yaml
    python nearest_object.py cube
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

import numpy as np
from vision_service.errors import VisionError
from vision_service.ros.client import VisionClient
from vision_service.types import PointCloudObject

NOTHING_THERE, FAILED = 1, 2


def nearest(objects: Iterable[PointCloudObject], label: str) -> PointCloudObject | None:
    """Return the object of a class whose centre is nearest to the frame's origin; None = there is none."""
    ours = [item for item in objects if item.label == label]
    return min(ours, key=lambda item: float(np.linalg.norm(item.center)), default=None)


def main(arguments: list[str] | None = None) -> int:
    """Print the nearest object as JSON; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("label", help="class of the object")
    parser.add_argument("--service", default="objects", help="name of the vision service (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds (default: %(default)s)")
    given = parser.parse_args(arguments)
    try:
        with VisionClient(given.service) as service:
            # A frame that comes after this call: the arm that hid the object may have moved meanwhile.
            objects = service.get_object_point_clouds(max_age=-1.0, timeout=given.timeout)
    except VisionError as error:
        print(f"{error.code.name}: {error.message}", file=sys.stderr)
        return FAILED
    found = nearest(objects, given.label)
    if found is None:
        print(f"no {given.label} among {len(objects)} objects", file=sys.stderr)
        return NOTHING_THERE
    pose = {
        "frame_id": objects.frame.frame_id,  # set the service's target_frame to have it in the robot's
        "stamp": objects.frame.stamp,
        "center": [round(float(value), 4) for value in found.center],  # m
        "size": [round(float(value), 4) for value in found.size],  # m
        "orientation": [round(float(value), 4) for value in found.orientation],  # x, y, z, w
        "confidence": round(found.confidence, 3),
    }
    print(json.dumps(pose))
    return 0


if __name__ == "__main__":
    sys.exit(main())
