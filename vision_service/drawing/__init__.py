"""Images of results: boxes, names and confidences, drawn so that they can be read on an image of any size."""

from vision_service.drawing.detections import draw_detections
from vision_service.drawing.objects import draw_objects
from vision_service.drawing.results import draw_results
from vision_service.drawing.styles import PALETTE, class_color, label, object_color, printable, style, text_color
from vision_service.drawing.whole_image import draw_classifications, draw_label_image

__all__ = [
    "PALETTE",
    "class_color",
    "draw_classifications",
    "draw_detections",
    "draw_label_image",
    "draw_objects",
    "draw_results",
    "label",
    "object_color",
    "printable",
    "style",
    "text_color",
]
