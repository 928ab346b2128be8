"""The classifier's network: convolutions, then the strongest answer of all places."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tools.train_models.layers import convolution
from tools.train_models.samples import CLASSIFIED, CLASSIFIER_SIZE


def network() -> keras.Model:
    """Return the network: it takes (N, 96, 128, 3) and returns logits (N, labels)."""
    width, height = CLASSIFIER_SIZE
    image = keras.Input((height, width, 3))
    values = convolution(image, 16, stride=2)
    values = convolution(values, 32, stride=2)
    values = convolution(values, 48)
    values = convolution(values, 64, stride=2)
    values = convolution(values, 64)
    values = convolution(values, 96, stride=2)
    values = convolution(values, 96)
    # The strongest place, because a solid far away is a small part of the image.
    values = keras.layers.GlobalMaxPooling2D()(values)
    values = keras.layers.Dropout(0.2, seed=0)(values)
    return keras.Model(image, keras.layers.Dense(len(CLASSIFIED))(values))


def mirrored(labels: NDArray[np.int32], flipped: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the labels of images some of which are mirrored: a mirrored cube is a cube."""
    return labels


def loss(model: keras.Model, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the loss of a batch, a scalar.

    Args:
        model: The network.
        images: (N, H, W, 3) float32, -1 to 1.
        labels: (N,) int32.
    """
    losses = keras.losses.categorical_crossentropy(
        tf.one_hot(labels, len(CLASSIFIED)), model(images, training=True), from_logits=True, label_smoothing=0.05
    )
    return tf.reduce_mean(losses)
