"""Vision models, one file each, and the registry of their names."""

from vision_service.registry import Registry

MODELS = Registry(
    "vision model",
    "vision_service.models",
    {
        "clusters": "vision_service.vision.clusters:Clusters",
        "color_detector": "vision_service.vision.color_detector:ColorDetector",
        "detections_to_segments": "vision_service.vision.detections_to_segments:DetectionsToSegments",
        "mlmodel": "vision_service.vision.mlmodel:MLModel",
        "obstacles_depth": "vision_service.vision.obstacles_depth:ObstaclesDepth",
        "obstacles_distance": "vision_service.vision.obstacles_distance:ObstaclesDistance",
        "obstacles_pointcloud": "vision_service.vision.obstacles_pointcloud:ObstaclesPointcloud",
        "tracker": "vision_service.vision.tracker:Tracker",
    },
    for_files="a model's file (.onnx, .tflite) is given by 'model_path', with 'model: mlmodel'",
)
"""What the parameter ``model`` of a vision node may name; third parties join by the entry point group."""
