"""Records images with what a vision service says of them: as a COCO data set to train with, and as a bag to replay.

In two terminals:

    vision-service run ../nearest_object/nearest_object.yaml
    python dataset_recorder.py objects --camera camera --images 20
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from vision_service.control.recorded_moment import Moment
from vision_service.control.recording import save
from vision_service.errors import VisionError
from vision_service.image import encode
from vision_service.ros.client import VisionClient


def moment_of(service: VisionClient, camera: str, quality: int) -> Moment:
    """Return one frame of a camera with what the service finds in it.

    Raises:
        VisionError: What the service answers.
    """
    taken = service.capture_all_from_camera(
        camera,
        return_image=True,
        return_detections=True,
        return_segmentation=True,  # masks, where the model gives them
        return_keypoints=True,
        max_age=-1.0,  # each time a frame that has not been recorded yet
        timeout=5.0,
    )
    frame = taken.frame
    return Moment(
        stamp=frame.stamp,
        jpeg=encode(frame.image.rgb, "image/jpeg", quality=quality),
        width=taken.size[0],
        height=taken.size[1],
        found={"detect": taken.detections or []},
        frame_id=frame.frame_id,
        camera=frame.camera_name,
        service=f"/{service.name.strip('/')}",
    )


def main(arguments: list[str] | None = None) -> int:
    """Record, save, and print where; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("service", help="name of a vision service that detects")
    parser.add_argument("--camera", default="", help="name of the camera (default: the service's own)")
    parser.add_argument("--images", type=int, default=100, help="how many (default: %(default)s)")
    parser.add_argument("--period", type=float, default=0.5, help="seconds from image to image (default: %(default)s)")
    parser.add_argument("--quality", type=int, default=95, help="of the JPEGs, 1 to 100 (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write to (default: this one)")
    given = parser.parse_args(arguments)
    moments: list[Moment] = []
    try:
        with VisionClient(given.service) as service:
            labels = service.get_properties().labels
            while len(moments) < given.images:
                moments.append(moment_of(service, given.camera, given.quality))
                time.sleep(given.period if len(moments) < given.images else 0)
    except KeyboardInterrupt:
        print(f"stopped after {len(moments)} images", file=sys.stderr)
    except VisionError as error:  # what is recorded already is not lost
        print(f"{error.code.name}: {error.message}", file=sys.stderr)
    if not moments:
        return 1
    for form in ("coco", "bag"):
        saved = save(moments, form, given.out, labels=labels)
        print(saved.path)
        for remark in saved.remarks:
            print(f"  {remark}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
