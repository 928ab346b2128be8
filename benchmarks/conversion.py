"""Between messages and arrays, decoding, drawing, depth to points, detections to messages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from rich.progress import Progress
from std_msgs.msg import Header

from benchmarks.measuring import Times, alternate, milliseconds, quotient
from benchmarks.peers import plain_conversion
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.networks import DETECTOR
from vision_service.configuration import configure
from vision_service.drawing import draw_detections
from vision_service.image import Image, encode, encode_image
from vision_service.pointcloud.projection import cloud_of
from vision_service.rendering.renderer import render
from vision_service.rendering.scene import Scene, pinhole
from vision_service.resources import LocalResources
from vision_service.ros import conversion
from vision_service.types import Detection, Frame
from vision_service.vision.color_detector import ColorDetector
from vision_service.vision.mlmodel import MLModel

NAMES = ("person", "bicycle", "traffic light", "dog", "chair")
CONSUMERS = (1, 2, 4)
Job = Callable[[], object]

METHOD = """
All in one process and one thread, on arrays and messages in memory; each job is done in turns with those it stands
beside. Images are rendered scenes: colour of 1920×1080, and depth of 640×480 with its colours and a tenth of the
pixels unknown, as a real depth camera has it. What stands beside it is in `benchmarks/peers/plain_conversion.py`:

- *array → Image*: `array('B', pixels.tobytes())`, `message.data.frombytes(pixels.tobytes())` as cv_bridge of ROS 2 has
  it, and `message.data = pixels.tobytes()`; besides, a bare copy of the pixels, below which no message can be made.
- *Image → array*: `np.array(message.data)`; of a bgr8 message, array over its memory and `cv2.cvtColor`, as cv_bridge.
- *JPEG*: one frame whose pixels n consumers ask for as RGB, beside n times `cv2.imdecode` and `cv2.cvtColor`. The
  decodes are counted with consumers as a robot has them, each in a thread of its own and all at once.
- *drawing*: a loop of `cv2.rectangle` and `cv2.putText`, all green; and the same with smooth text on a filled
  background. Ours besides sorts by confidence, colours by class, keeps labels inside the image and lines inside their
  boxes, in sizes that fit the image.
- *depth → PointCloud2*: NumPy's `meshgrid` and `stack`; and Open3D's `create_from_rgbd_image`, whose points are not
  organized and have double precision, with the copy into a message that it then needs.
- *detections*: every part made by its constructor.
"""


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure all conversions."""
    rounds = 15 if quick else 200
    with Progress(transient=True) as progress:

        def taken(jobs: dict[str, Job], share: float = 1.0) -> dict[str, Times]:
            return alternate(jobs, max(5, int(rounds * share)), progress=progress)

        groups = {
            "images": taken(image_jobs()),
            "JPEG": taken(jpeg_jobs(), 0.2),
            "drawing": taken(drawing_jobs()),
            "points": taken(point_jobs(), 0.25),
            "detections": taken(detection_jobs()),
        }
    figures = [
        *image_figures(groups["images"]),
        *jpeg_figures(groups["JPEG"]),
        *drawing_figures(groups["drawing"]),
        *point_figures(groups["points"]),
        *detection_figures(groups["detections"]),
    ]
    rows = [(name, times) for jobs in groups.values() for name, times in jobs.items()]
    more = f"## Every job\n\n{markdown_table(('job', 'median (middle eight of ten)'), rows)}\n"
    return Report("Conversion, drawing, projection", METHOD, figures, more)


def against(what: str, ours: Times, theirs: Times, name: str, goal: float | None = None) -> Figure:
    """Return the figure of a job beside another one; the goal is in seconds."""
    return Figure(
        what,
        str(ours),
        f"{name}: {theirs}",
        str(quotient(ours, theirs)),
        "" if goal is None else f"≤ {milliseconds(goal)}",
        None if goal is None else ours.median <= goal,
    )


# Images.


def image_jobs() -> dict[str, Job]:
    """Return what makes messages of a 1080p image, and images of messages."""
    pixels, header = rendered(1920, 1080)[0], Header()
    rgb = conversion.image_to_message(pixels, "rgb8", header)
    bgr, another = (conversion.image_to_message(pixels, "bgr8", header) for _ in range(2))  # neither in the cache
    return {
        "array → Image": lambda: conversion.image_to_message(pixels, "rgb8", header),
        "array → Image: array('B', bytes)": lambda: plain_conversion.image_with_array(pixels, header),
        "array → Image: frombytes(bytes)": lambda: plain_conversion.image_with_frombytes(pixels, header),
        "array → Image: data = bytes": lambda: plain_conversion.image_with_bytes(pixels, header),
        "copy of the pixels": lambda: pixels.copy(),
        "Image → array, rgb8": lambda: conversion.image_from_message(rgb).rgb,
        "Image → array, rgb8: np.array": lambda: plain_conversion.pixels_copied(rgb),
        "Image → array, bgr8 to RGB": lambda: conversion.image_from_message(bgr).rgb,
        "Image → array, bgr8 to RGB: cvtColor": lambda: plain_conversion.pixels_as_rgb(another),
    }


def image_figures(times: dict[str, Times]) -> list[Figure]:
    """Return the figures of images."""
    made, read, converted = "array → Image", "Image → array, rgb8", "Image → array, bgr8 to RGB"
    return [
        against(f"1080p {made}", times[made], times[f"{made}: array('B', bytes)"], "`array('B', bytes)`", 0.5e-3),
        against(f"1080p {made}", times[made], times[f"{made}: frombytes(bytes)"], "`frombytes(bytes)`"),
        against(f"1080p {made}", times[made], times[f"{made}: data = bytes"], "`data = bytes`"),
        against(f"1080p {made}", times[made], times["copy of the pixels"], "a copy of the pixels, the limit"),
        against(f"1080p {read}", times[read], times[f"{read}: np.array"], "`np.array(data)`", 0.5e-3),
        against(f"1080p {converted}", times[converted], times[f"{converted}: cvtColor"], "cv_bridge's way", 0.5e-3),
    ]


# JPEG.


def jpeg_jobs() -> dict[str, Job]:
    """Return what gives RGB pixels of one JPEG to several consumers."""
    jpeg = encode(rendered(1920, 1080)[0], "image/jpeg")

    def shared(count: int) -> Job:
        def job() -> None:
            image = Image.from_compressed(jpeg)
            for _ in range(count):
                _ = image.rgb

        return job

    def each(count: int) -> Job:
        return lambda: [plain_conversion.decoded(jpeg) for _ in range(count)]

    return {
        **{f"one frame, consumers: {count}": shared(count) for count in CONSUMERS},
        **{f"decodes: {count}": each(count) for count in CONSUMERS},
    }


def jpeg_figures(times: dict[str, Times]) -> list[Figure]:
    """Return the figures of decoding; the decodes of n consumers are counted here."""
    return [
        Figure(
            f"1080p JPEG for {count} consumer{'s' * (count > 1)}: {(counted := decodes(count))} decoded",
            str(times[f"one frame, consumers: {count}"]),
            f"{count} decode{'s' * (count > 1)}: {times[f'decodes: {count}']}",
            str(quotient(times[f"one frame, consumers: {count}"], times[f"decodes: {count}"])),
            "decoded once",
            counted == 1,
        )
        for count in CONSUMERS
    ]


def decodes(count: int) -> int:
    """Return how often one frame's JPEG is decoded for that many consumers who all ask at once."""
    detector = MLModel(configure(MLModel.Config, {"model_path": str(DETECTOR.path)}, of="mlmodel"), LocalResources())
    colors = ColorDetector(
        configure(ColorDetector.Config, {"detect_color": "#DB2323", "hue_tolerance_pct": 0.08}, of="color_detector"),
        LocalResources(),
    )
    frame = Frame(Image.from_compressed(encode(rendered(1920, 1080)[0], "image/jpeg")))
    image = frame.image
    assert image is not None
    consumers: Sequence[Job] = (
        lambda: detector.detect(frame),
        lambda: conversion.image_to_message(image.pixels, image.encoding, Header()),
        lambda: colors.detect(frame),
        lambda: encode_image(image, "image/png"),
    )
    all_ready = threading.Barrier(count)

    def consume(job: Job) -> None:
        all_ready.wait()
        job()

    with mock.patch.object(cv2, "imdecode", wraps=cv2.imdecode) as counted:
        threads = [threading.Thread(target=consume, args=[job]) for job in consumers[:count]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    detector.close()
    return counted.call_count


# Drawing.


def drawing_jobs() -> dict[str, Job]:
    """Return what draws 50 boxes on a 1080p image."""
    pixels, found = rendered(1920, 1080)[0], boxes(50)
    return {
        "50 boxes": lambda: draw_detections(pixels, found),
        "50 boxes: plain loop": lambda: plain_conversion.drawn(pixels, found),
        "50 boxes: plain loop, readable": lambda: plain_conversion.drawn_readably(pixels, found),
    }


def drawing_figures(times: dict[str, Times]) -> list[Figure]:
    """Return the figures of drawing."""
    ours = times["50 boxes"]
    return [
        against("50 boxes drawn on 1080p", ours, times["50 boxes: plain loop"], "rectangle and text", 3e-3),
        against("50 boxes drawn on 1080p", ours, times["50 boxes: plain loop, readable"], "and a filled background"),
    ]


# Points.


def point_jobs() -> dict[str, Job]:
    """Return what makes a coloured cloud's message of depth."""
    rgb, depth = rendered(640, 480)
    camera, header = pinhole(640, 480), Header()
    frame = Frame(Image(rgb), depth, intrinsics=camera)
    return {
        "depth → PointCloud2": lambda: conversion.cloud_to_message(cloud_of(frame), header),
        "of that, depth → points": lambda: cloud_of(frame),
        "depth → PointCloud2: NumPy": lambda: plain_conversion.cloud_message(depth, rgb, camera, header),
        "depth → PointCloud2: Open3D": lambda: plain_conversion.open3d_cloud_message(depth, rgb, camera, header),
    }


def point_figures(times: dict[str, Times]) -> list[Figure]:
    """Return the figures of points."""
    what = "640×480 depth → coloured PointCloud2"
    ours = times["depth → PointCloud2"]
    return [
        against(what, ours, times["depth → PointCloud2: Open3D"], "Open3D, not organized", 5e-3),
        against(what, ours, times["depth → PointCloud2: NumPy"], "NumPy's stack"),
    ]


# Detections.


def detection_jobs() -> dict[str, Job]:
    """Return what makes a message of 200 detections."""
    found, header = boxes(200), Header()
    message = conversion.detections_to_message(found, header)
    return {
        "200 detections → Detection2DArray": lambda: conversion.detections_to_message(found, header),
        "200 detections: constructors": lambda: plain_conversion.detections_message(found, header),
        "200 detections: their message serialized": lambda: serialize_message(message),
    }


def detection_figures(times: dict[str, Times]) -> list[Figure]:
    """Return the figure of detections."""
    ours, theirs = times["200 detections → Detection2DArray"], times["200 detections: constructors"]
    return [against("200 Detection2D built", ours, theirs, "constructors", 2e-3)]


# What is converted.


def rendered(width: int, height: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the colours and the depth of a rendered scene, a tenth of the depth unknown."""
    shown = render(Scene.random(3, count=5), 0.0, pinhole(width, height), noise=2.0)
    unknown = np.random.default_rng(0).uniform(size=(height, width)) < 0.1
    return shown.color, np.where(unknown, np.float32(np.nan), shown.depth)


def boxes(count: int) -> list[Detection]:
    """Return detections all over a 1080p image."""
    random = np.random.default_rng(0)
    found = []
    for index in range(count):
        (left, top), (width, height) = random.uniform((0, 0), (1600, 900)), random.uniform(40, 300, 2)
        name, confidence = NAMES[index % len(NAMES)], random.uniform(0.3, 1)
        found.append(Detection(name, confidence, left, top, left + width, top + height))
    return found
