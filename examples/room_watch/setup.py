"""Packages room_watch, for pip and for colcon."""

from setuptools import setup

NAME = "room_watch"

setup(
    name=NAME,
    version="0.1.0",
    description="Says how bright a room is: an example of a plugin for vision_service.",
    license="Apache-2.0",
    packages=[NAME],
    python_requires=">=3.10",
    install_requires=["vision-service", "numpy"],
    extras_require={"test": ["pytest"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/config", ["config/room_watch.yaml"]),
    ],
    entry_points={
        "vision_service.models": ["brightness = room_watch.brightness:Brightness"],
        "vision_service.cameras": ["color_bars = room_watch.color_bars:ColorBars"],
        "vision_service.decoders": ["points = room_watch.points:Points"],
    },
)
