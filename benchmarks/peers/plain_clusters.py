"""A program that is run with the sources of one build or another: a table's objects by plain clustering, timed inside.

`python plain_clusters.py FILE.npy…`: the files have (H, W, 3) points each. For each line of the standard input, the
number of a file, it answers how many seconds its cloud took and how many objects were found.
"""

import sys
import time

import numpy as np

from vision_service.configuration import configure
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud
from vision_service.vision.obstacles_pointcloud import ObstaclesPointcloud

SETTINGS = {
    "ground_plane_normal_vec": [0.0, -1.0, -1.0],
    "ground_angle_tolerance_degs": 45.0,
    "min_points_in_plane": 2000,
    "max_dist_from_plane": 0.01,
    "only_above_plane": True,
    "only_over_plane": True,
    "clustering_distance": 0.05,
    "min_points_in_segment": 200,
}
"""Those of config/tabletop.yaml that every build knows."""


def main():
    """Answer until the input ends."""
    model = ObstaclesPointcloud(configure(ObstaclesPointcloud.Config, SETTINGS, of="it"), LocalResources())
    frames = [Frame(cloud=PointCloud(np.load(path))) for path in sys.argv[1:]]
    for line in sys.stdin:
        frame = frames[int(line)]
        began = time.perf_counter()
        found = model.segment(frame)
        print(time.perf_counter() - began, len(found), flush=True)


if __name__ == "__main__":
    main()
