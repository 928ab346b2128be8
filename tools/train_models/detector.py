"""The detector's network: one anchor at each place of a grid, the boxes encoded as in SSD.

Wei Liu et al., SSD: Single Shot MultiBox Detector (2016).
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tools.train_models.layers import convolution
from tools.train_models.samples import DETECTOR_SIZE
from vision_service.rendering.scene import CLASSES

STRIDE = 8
"""From one place of the grid to the next, pixels of the input."""

ANCHOR = 0.17
"""Width and height of the anchors, fractions of the image."""

SCALES = (10.0, 10.0, 5.0, 5.0)
"""By what the encoded centre y, x and size h, w are multiplied."""

COLUMNS, ROWS = (edge // STRIDE for edge in DETECTOR_SIZE)

_CORE = 0.4  # of a box's width and height: the places in there shall find it
_RIM = 0.7  # the places outside of that shall find nothing; those in between may do as they like
_BOX_WEIGHT = 0.25  # so that the boxes, easy to learn, leave room for the classes
_LEAST_VISIBLE = 0.15  # of a solid that shall be found; of less, it may


def anchors() -> NDArray[np.float32]:
    """Return the (ROWS * COLUMNS, 4) anchors: centre y, centre x, height, width, fractions of the image."""
    y, x = np.meshgrid((np.arange(ROWS) + 0.5) / ROWS, (np.arange(COLUMNS) + 0.5) / COLUMNS, indexing="ij")
    size = np.full(y.size, ANCHOR)
    return np.stack([y.ravel(), x.ravel(), size, size], axis=1).astype(np.float32)


def network() -> keras.Model:
    """Return the network.

    It takes (N, 192, 256, 3) and returns encoded boxes (N, 768, 4) and logits (N, 768, 1 + classes), the background
    first.
    """
    width, height = DETECTOR_SIZE
    image = keras.Input((height, width, 3))
    values = convolution(image, 16, stride=2)
    values = convolution(values, 24, stride=2)
    values = convolution(values, 24)
    values = convolution(values, 48, stride=2)
    near = convolution(values, 48)
    # What lies around a place, at a half and a quarter of the resolution, tells where large objects end and what is
    # behind what.
    wide = convolution(convolution(near, 64, stride=2), 64)
    widest = convolution(convolution(wide, 96, stride=2), 96)
    wide = convolution(_joined(wide, widest, 64), 64)
    values = convolution(_joined(near, wide, 64), 64)
    boxes = keras.layers.Conv2D(4, 1)(values)
    logits = keras.layers.Conv2D(1 + len(CLASSES), 1)(values)
    boxes = keras.layers.Reshape((ROWS * COLUMNS, 4))(boxes)
    logits = keras.layers.Reshape((ROWS * COLUMNS, 1 + len(CLASSES)))(logits)
    return keras.Model(image, [boxes, logits])


def _joined(fine: keras.KerasTensor, coarse: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    """Return both, the coarse one at the resolution of the fine one."""
    coarse = keras.layers.UpSampling2D(2)(coarse)
    return convolution(keras.layers.Concatenate()([fine, coarse]), channels, size=1)


def mirrored(objects: NDArray[np.float32], flipped: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the objects, (N, M, 6), of images some of which are mirrored."""
    result = objects.copy()
    result[flipped, :, 1], result[flipped, :, 3] = 1 - objects[flipped, :, 3], 1 - objects[flipped, :, 1]
    return result


def loss(model: keras.Model, images: tf.Tensor, objects: tf.Tensor) -> tf.Tensor:
    """Return the loss of a batch, a scalar.

    Args:
        model: The network.
        images: (N, H, W, 3) float32, -1 to 1.
        objects: (N, M, 6), see Samples.objects.
    """
    boxes, scores, weights = _targets(objects)
    found, logits = model(images, training=True)
    positive = tf.reduce_max(scores[..., 1:], axis=2)
    count = tf.maximum(tf.reduce_sum(positive), 1.0)
    surprise = tf.nn.softmax_cross_entropy_with_logits(scores, logits)
    offset = tf.abs(found - boxes)
    distance = tf.where(offset < 0.5, offset * offset, offset - 0.25)
    score_loss = tf.reduce_sum(surprise * weights)
    box_loss = tf.reduce_sum(tf.reduce_sum(distance, axis=2) * positive)
    return (score_loss + _BOX_WEIGHT * box_loss) / count


def _targets(objects: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return what the network should answer.

    Returns:
        (N, A, 4) encoded boxes; (N, A, 1 + classes) scores, 0 or 1; (N, A) how much the scores count, 0 or 1.
    """
    places = tf.constant(anchors())
    y_min, x_min, y_max, x_max, classes, fractions = (
        column[:, None] for column in tf.unstack(objects, axis=2)
    )  # (N, 1, M)
    center_y, center_x, height, width = (y_min + y_max) / 2, (x_min + x_max) / 2, y_max - y_min, x_max - x_min
    from_y = tf.abs(places[None, :, None, 0] - center_y)  # (N, A, M)
    from_x = tf.abs(places[None, :, None, 1] - center_x)
    there = fractions > 0.0
    # Around the centre lies at least one place, however small the box is.
    core = there & (from_y <= tf.maximum(_CORE / 2 * height, 0.5 / ROWS))
    core &= from_x <= tf.maximum(_CORE / 2 * width, 0.5 / COLUMNS)
    rim = there & (from_y <= tf.maximum(_RIM / 2 * height, 1.0 / ROWS))
    rim &= from_x <= tf.maximum(_RIM / 2 * width, 1.0 / COLUMNS)
    # A place that could find several finds the smallest, because it has the fewest places.
    area = tf.where(core, height * width, 10.0)
    chosen = tf.argmin(area, axis=2)[..., None]  # (N, A, 1)

    def of_chosen(values: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.broadcast_to(values, tf.shape(area)), chosen, axis=2, batch_dims=2)[..., 0]

    clear = tf.reduce_any(core, axis=2) & (of_chosen(fractions) >= _LEAST_VISIBLE)
    boxes = tf.stack(
        [
            (of_chosen(center_y) - places[None, :, 0]) / ANCHOR * SCALES[0],
            (of_chosen(center_x) - places[None, :, 1]) / ANCHOR * SCALES[1],
            tf.math.log(tf.maximum(of_chosen(height), 1e-3) / ANCHOR) * SCALES[2],
            tf.math.log(tf.maximum(of_chosen(width), 1e-3) / ANCHOR) * SCALES[3],
        ],
        axis=2,
    )
    numbers = tf.where(clear, tf.cast(of_chosen(classes), tf.int32) + 1, 0)
    scores = tf.one_hot(numbers, 1 + len(CLASSES))
    weights = tf.cast(clear | ~tf.reduce_any(rim, axis=2), tf.float32)
    return boxes, scores, weights
