"""How TensorFlow's models take their image: what the file's metadata say, else what most do."""

from __future__ import annotations

from vision_service.mlmodel.contract import ASSUMED, FAMILY, METADATA, Item
from vision_service.mlmodel.decoders.base import Facts, image_items

MIDDLE = 0.5
"""Mean and deviation that bring 0 to 1 to -1 to 1, as the networks for mobile devices have it."""


def values_items(facts: Facts, *, resize: str = "stretch") -> dict[str, Item]:
    """Return the items of an input: stretched, averaged where much is shrunk, values by the metadata.

    Integer inputs take the image's own values: that is what a quantized model is calibrated for.

    Args:
        facts: All that is known of the model.
        resize: How the image fills the input.
    """
    image = facts.image
    items = image_items(resize=resize, way="area")
    hints = image.info.hints
    if image.info.dtype in ("uint8", "int8") and not (hints.mean and image.info.dtype == "int8"):
        values = Item(None, FAMILY, "the image's own values")
        return items | {"input_image_mean_value": values, "input_image_std_dev": values}
    if len(hints.mean) in (1, image.channels):
        repeated = image.channels // len(hints.mean)
        mean = tuple(value / 255 for value in hints.mean * repeated)
        std = tuple(value / 255 for value in hints.std * repeated)
        return items | {
            "input_image_mean_value": Item(mean, METADATA),
            "input_image_std_dev": Item(std, METADATA),
        }
    middle = Item((MIDDLE,) * image.channels, ASSUMED)
    return items | {"input_image_mean_value": middle, "input_image_std_dev": middle}
