"""The transform segmentations."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from vision_service.camera.transforms.geometry import check_calibration
from vision_service.camera.transforms.step import Step, image_of, whose
from vision_service.configuration import attribute
from vision_service.drawing import draw_objects
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.labels import is_valid
from vision_service.resources import Resources
from vision_service.types import Frame


@dataclass(frozen=True)
class SegmentationsConfig:
    """The attributes of `segmentations`."""

    segmenter_name: str = attribute("Name of the vision service whose 3D objects are drawn.")
    confidence_threshold: float = attribute(
        "Minimum confidence of the 3D objects that are drawn.", default=0.0, minimum=0.0, maximum=1.0, live=True
    )
    valid_labels: tuple[str, ...] = attribute(
        "Labels of the 3D objects that are drawn, case-insensitive; empty = all.", default=(), live=True
    )


class Segmentations(Step):
    """Draws the 3D objects of a vision service.

    Their 3D boxes, in the frame as it is at this step.
    """

    Config = SegmentationsConfig
    config: SegmentationsConfig

    def __init__(self, config: SegmentationsConfig, resources: Resources) -> None:
        """Find the segmenter.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none of that name.
        """
        super().__init__(config, resources)
        self._segmenter = resources.segmenter(config.segmenter_name)

    def apply(self, frame: Frame) -> Frame:
        """Return the frame with the objects drawn.

        Raises:
            VisionError: NO_FRAME, if there is no colour image; NOT_CALIBRATED, if it is not known where in it a point
                appears; what the segmenter raises.
        """
        image = image_of(frame, "draw objects on")
        if frame.intrinsics is None:
            msg = f"{whose(frame)} is not calibrated, so objects cannot be drawn: give it camera_info_url"
            raise VisionError(ErrorCode.NOT_CALIBRATED, msg)
        check_calibration(frame)
        drawn = [
            item
            for item in self._segmenter.segment(frame)
            if item.confidence >= self.config.confidence_threshold and is_valid(item.label, self.config.valid_labels)
        ]
        return dataclasses.replace(frame, image=Image(draw_objects(image.rgb, drawn, frame.intrinsics)))
