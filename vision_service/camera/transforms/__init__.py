"""The steps of the transform camera, one file each, and the registry of their names."""

from vision_service.registry import Registry

TRANSFORMS = Registry(
    "transform",
    "vision_service.transforms",
    {
        "classifications": "vision_service.camera.transforms.classifications:Classifications",
        "crop": "vision_service.camera.transforms.crop:Crop",
        "depth_to_pretty": "vision_service.camera.transforms.depth_to_pretty:DepthToPretty",
        "detections": "vision_service.camera.transforms.detections:Detections",
        "resize": "vision_service.camera.transforms.resize:Resize",
        "rotate": "vision_service.camera.transforms.rotate:Rotate",
        "segmentations": "vision_service.camera.transforms.segmentations:Segmentations",
        "undistort": "vision_service.camera.transforms.undistort:Undistort",
    },
)
"""What ``NAME.type`` of a step may be; third parties join by the entry point group."""
