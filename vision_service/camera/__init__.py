"""Camera drivers, one file each, and the registry of their names."""

from vision_service.registry import Registry

DRIVERS = Registry(
    "camera driver",
    "vision_service.cameras",
    {
        "image_file": "vision_service.camera.image_file:ImageFile",
        "ros": "vision_service.camera.ros_topics:RosTopics",
        "synthetic": "vision_service.camera.synthetic:Synthetic",
    },
)
"""What the parameter ``driver`` of a camera node may name; third parties join by the entry point group."""
