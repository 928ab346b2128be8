"""The box of a detection as messages have it."""

from __future__ import annotations

from vision_service.types import Detection, reduced_angle


def box_of(detection: Detection) -> tuple[float, float, float, float, float]:
    """Return the box of a detection as messages have it: centre x, centre y, angle, width and height.

    A turned box is that before it is turned, with its angle in (-pi/2, pi/2]; others have the angle 0.
    """
    turned = detection.extra.box if detection.extra is not None else None
    if turned is not None:
        angle = reduced_angle(turned.angle)
        return float(turned.center_x), float(turned.center_y), angle, float(turned.width), float(turned.height)
    return (
        float(detection.x_min + detection.x_max) / 2,
        float(detection.y_min + detection.y_max) / 2,
        0.0,
        float(detection.x_max - detection.x_min),
        float(detection.y_max - detection.y_min),
    )
