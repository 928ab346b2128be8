"""The transform detections."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from vision_service.camera.transforms.step import Step, image_of
from vision_service.configuration import attribute
from vision_service.drawing import draw_detections, draw_label_image
from vision_service.image import Image
from vision_service.labels import is_valid
from vision_service.resources import Resources
from vision_service.types import Frame, LabelImage


@dataclass(frozen=True)
class DetectionsConfig:
    """The attributes of `detections`."""

    detector_name: str = attribute("Name of the vision service whose detections (or segmentation) are drawn.")
    confidence_threshold: float = attribute(
        "Minimum confidence of the detections that are drawn.", default=0.0, minimum=0.0, maximum=1.0, live=True
    )
    valid_labels: tuple[str, ...] = attribute(
        "Class names of the detections that are drawn, case-insensitive; empty = all.", default=(), live=True
    )


class Detections(Step):
    """Draws the detections of a vision service.

    Boxes with label and confidence, masks, keypoints and oriented boxes, of the image as it is at this step.

    What a model says of each pixel is drawn as a tint.
    """

    Config = DetectionsConfig
    config: DetectionsConfig

    def __init__(self, config: DetectionsConfig, resources: Resources) -> None:
        """Find the detector.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none of that name.
        """
        super().__init__(config, resources)
        self._detector = resources.detector(config.detector_name)

    def apply(self, frame: Frame) -> Frame:
        """Return the frame with the objects drawn.

        Raises:
            VisionError: NO_FRAME, if there is no colour image; what the detector raises.
        """
        image = image_of(frame, "detect objects in")
        valid = self.config.valid_labels
        if not callable(getattr(self._detector, "detect", None)):
            found = self._detector.label(frame)
            names = tuple(name if is_valid(name, valid) else "" for name in found.class_names)  # "" is background
            return dataclasses.replace(frame, image=Image(draw_label_image(image.rgb, LabelImage(found.labels, names))))
        drawn = [
            detection
            for detection in self._detector.detect(frame)
            if detection.confidence >= self.config.confidence_threshold and is_valid(detection.class_name, valid)
        ]
        return dataclasses.replace(
            frame, image=Image(draw_detections(image.rgb, drawn, getattr(self._detector, "skeleton", ())))
        )
