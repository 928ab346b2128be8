"""Decides for every part before the camera: good, defective, or not sure, as the vision service's documents do it.

In two terminals:

    vision-service run quality_gate.yaml
    python quality_gate.py --parts 3
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from vision_service.errors import VisionError
from vision_service.ros.client import VisionClient
from vision_service.types import Classification

PASS, REJECT, INSPECT = "pass", "reject", "inspect"


def decide(
    classifications: Sequence[Classification], *, good: Sequence[str], defective: Sequence[str], sure: float
) -> str:
    """Return what is to be done with a part.

    Args:
        classifications: Of its image, best first.
        good: The labels of good parts.
        defective: The labels of defective ones.
        sure: Confidence below which somebody has to look.
    """
    if not classifications or classifications[0].confidence < sure:
        return INSPECT
    label = classifications[0].class_name
    if label in defective:
        return REJECT
    return PASS if label in good else INSPECT


def main(arguments: list[str] | None = None) -> int:
    """Print one decision a part; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", default="inspector", help="name of the vision service (default: %(default)s)")
    parser.add_argument("--good", nargs="+", default=["good"], metavar="LABEL", help="labels of good parts")
    parser.add_argument("--defective", nargs="+", default=["defective"], metavar="LABEL", help="of defective ones")
    parser.add_argument("--sure", type=float, default=0.6, help="minimum confidence (default: %(default)s)")
    parser.add_argument("--parts", type=int, default=0, help="how many; 0 = without end (default)")
    parser.add_argument("--period", type=float, default=0.5, help="seconds from part to part (default: %(default)s)")
    given = parser.parse_args(arguments)
    failed = seen = 0
    with VisionClient(given.service) as inspector:
        while not given.parts or seen < given.parts:
            seen += 1
            try:  # a frame of now (max_age < 0), not one of the part before
                found = inspector.get_classifications_from_camera(count=1, max_age=-1.0, timeout=5.0)
            except VisionError as error:  # a part that nobody has looked at does not pass
                print(f"{INSPECT}: {error.code.name} {error.message}", flush=True)
                failed += 1
            else:
                what = ", ".join(f"{item.class_name} {item.confidence:.2f}" for item in found) or "nothing"
                decision = decide(found, good=given.good, defective=given.defective, sure=given.sure)
                print(f"{decision}: {what}", flush=True)  # here is where a rejection mechanism is triggered
            if not given.parts or seen < given.parts:
                time.sleep(given.period)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Ctrl-C is how it ends without --parts
        sys.exit(130)
