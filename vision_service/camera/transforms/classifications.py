"""The transform classifications."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from vision_service.camera.transforms.step import Step, image_of
from vision_service.configuration import attribute
from vision_service.drawing import draw_classifications
from vision_service.image import Image
from vision_service.labels import is_valid
from vision_service.resources import Resources
from vision_service.types import Frame


@dataclass(frozen=True)
class ClassificationsConfig:
    """The attributes of `classifications`."""

    classifier_name: str = attribute("Name of the vision service that classifies the images.")
    confidence_threshold: float = attribute(
        "Minimum confidence of the classifications that are drawn.", default=0.0, minimum=0.0, maximum=1.0, live=True
    )
    max_classifications: int = attribute(
        "Maximum number of classifications that are drawn, best first.", default=1, minimum=1, live=True
    )
    valid_labels: tuple[str, ...] = attribute(
        "Class names of the classifications that are drawn, case-insensitive; empty = all.", default=(), live=True
    )


class Classifications(Step):
    """Draws the classifications of a vision service.

    Lists the labels of the image as it is at this step, with confidence, best first.

    Those that are not valid or not sure enough do not count among the best.
    """

    Config = ClassificationsConfig
    config: ClassificationsConfig

    def __init__(self, config: ClassificationsConfig, resources: Resources) -> None:
        """Find the classifier.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none of that name.
        """
        super().__init__(config, resources)
        self._classifier = resources.classifier(config.classifier_name)

    def apply(self, frame: Frame) -> Frame:
        """Return the frame with the labels written on it.

        Raises:
            VisionError: NO_FRAME, if there is no colour image; what the classifier raises.
        """
        image = image_of(frame, "classify")
        config = self.config
        listed = [
            item
            for item in self._classifier.classify(frame, -1)
            if item.confidence >= config.confidence_threshold and is_valid(item.class_name, config.valid_labels)
        ]
        drawn = draw_classifications(image.rgb, listed[: config.max_classifications])
        return dataclasses.replace(frame, image=Image(drawn))
