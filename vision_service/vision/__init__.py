"""Vision models, one file each, and the registry of their names."""

from vision_service.registry import Registry

MODELS = Registry(
    "vision model",
    "vision_service.models",
    {
        "color_detector": "vision_service.vision.color_detector:ColorDetector",
        "mlmodel": "vision_service.vision.mlmodel:MLModel",
    },
)
"""What the parameter ``model`` of a vision node may name; third parties join by the entry point group."""
