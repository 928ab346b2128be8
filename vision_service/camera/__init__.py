"""Camera drivers, one file each, and the registry of their names."""

from vision_service.registry import Registry

DRIVERS = Registry(
    "camera driver",
    "vision_service.cameras",
    {
        "image_file": "vision_service.camera.image_file:ImageFile",
        "join_color_depth": "vision_service.camera.join_color_depth:JoinColorDepth",
        "join_pointclouds": "vision_service.camera.join_pointclouds:JoinPointclouds",
        "replay": "vision_service.camera.replay:Replay",
        "ros": "vision_service.camera.ros_topics:RosTopics",
        "synthetic": "vision_service.camera.synthetic:Synthetic",
        "transform": "vision_service.camera.transform:Transform",
        "video": "vision_service.camera.video:Video",
        "webcam": "vision_service.camera.webcam:Webcam",
    },
)
"""What the parameter ``driver`` of a camera node may name; third parties join by the entry point group."""
