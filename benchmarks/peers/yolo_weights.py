"""Makes one network for both: `python -m benchmarks.peers.yolo_weights SITE_PACKAGES FOLDER`.

Ultralytics' YOLO11n with the weights that it begins with (trained ones are downloaded, which not every machine can), as
yolo11n.pt, and exported by Ultralytics itself as yolo11n.onnx.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "yolo11n"


def main() -> None:
    """Make both files."""
    packages, folder = sys.argv[1:]
    sys.path.append(packages)
    os.environ["YOLO_AUTOINSTALL"] = "false"
    import torch
    from ultralytics import YOLO

    torch.manual_seed(0)
    weights = Path(folder) / f"{NAME}.pt"
    YOLO(f"{NAME}.yaml").save(weights)
    YOLO(weights).export(format="onnx", imgsz=640, simplify=False)


if __name__ == "__main__":
    main()
