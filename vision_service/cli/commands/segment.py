"""The subcommand `segment`: which pixels of images show what, and objects in point clouds."""

from __future__ import annotations

import argparse
from typing import Any

from vision_service.cli.arguments import add_command, direction
from vision_service.cli.model_arguments import add_model_arguments, begin_trial


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "segment",
        "say which pixels of images show what, or find objects in point cloud files",
        "Say which pixels of image files show what; or find objects in point cloud files, and say where in space they"
        " are. A terminal shows the first 20 objects; a file, a pipe and --json have all.",
        {
            "vision-service segment photo.jpg --model-path segment.onnx --out out/": "classes, and objects' masks",
            "vision-service segment cloud.pcd --out out/": "objects in space, by their points",
            "vision-service segment scan.bin --up z": "a lidar's scan",
        },
    )
    add_model_arguments(
        parser,
        file="an image (JPEG, PNG, BMP, TIFF, WebP) or a point cloud (PCD; .bin of KITTI, .pcd.bin of nuScenes); - ="
        " standard input",
        model="mlmodel, if --model-path is given, and obstacles_pointcloud for point clouds",
        out="write annotated images (PNG), with the number of each pixel's class (.labels.png) and object"
        " (.instances.png) beside them, into this folder; of point clouds, labelled clouds (PCD with a field 'label':"
        " an object's number from 1 on, 0 = none) and images (PNG)",
    )
    parser.add_argument(
        "--up",
        type=direction,
        metavar="X,Y,Z",
        help="which direction is up in point clouds: x, -y, z … or a vector; the same as --set"
        " ground_plane_normal_vec=[X,Y,Z] (default: as --frame tells, else a guess)",
    )
    parser.add_argument(
        "--frame",
        default="",
        metavar="NAME",
        help="the coordinate frame that point clouds are in: with 'optical' in its name it is a camera's (x right, y"
        " down, z forward), else z is up (default: what the file says)",
    )
    parser.set_defaults(func=_segment)


def _segment(arguments: argparse.Namespace) -> int:
    begin_trial(arguments)
    from vision_service.cli.segmenting import segment

    return segment(arguments)
