"""The transform detections."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from vision_service.camera.transforms.step import Step, picture_of
from vision_service.configuration import attribute
from vision_service.drawing import draw_detections, draw_label_image
from vision_service.image import Image
from vision_service.labels import is_valid
from vision_service.resources import Resources
from vision_service.types import Frame, LabelImage


@dataclass(frozen=True)
class DetectionsConfig:
    """The attributes of `detections`."""

    detector_name: str = attribute("The vision service that finds things, or says the class of each pixel.")
    confidence_threshold: float = attribute(
        "Draw only what it is at least as sure of.", default=0.0, minimum=0.0, maximum=1.0, live=True
    )
    valid_labels: tuple[str, ...] = attribute(
        "Draw only things with one of these labels, in upper or lower case; empty = all.", default=(), live=True
    )


class Detections(Step):
    """Draws what a detector finds in the picture as it is at this step: boxes with label and confidence.

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
        """Return the frame with the things drawn.

        Raises:
            VisionError: NO_FRAME, if there is no colour picture; what the detector raises.
        """
        image = picture_of(frame, "detect things in")
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
        return dataclasses.replace(frame, image=Image(draw_detections(image.rgb, drawn)))
