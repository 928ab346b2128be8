"""How a network learns: the same steps every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tools.train_models.layers import varied

BATCH = 32


class Task(Protocol):
    """What is learnt: the modules ``detector`` and ``classifier``."""

    def network(self) -> keras.Model:
        """Return an untrained network."""

    def mirrored(self, truth: NDArray[Any], flipped: NDArray[np.bool_]) -> NDArray[Any]:
        """Return what is true of images some of which are mirrored."""

    def loss(self, model: keras.Model, images: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
        """Return the loss of a batch."""


def _make_repeatable(seed: int) -> None:
    """Make all that follows depend on the seed alone: twice the same gives the same model, on the same processor."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def train(
    task: Task,
    images: NDArray[np.uint8],
    truth: NDArray[Any],
    *,
    epochs: int,
    rate: float,
    seed: int,
    report: Callable[[int, int, float], None],
) -> keras.Model:
    """Return a network that has learnt a task.

    Args:
        task: What to learn.
        images: (N, H, W, 3) uint8.
        truth: (N, …), of the images.
        epochs: How often each image is seen.
        rate: The highest learning rate; it rises to that during the first twentieth, then falls to 0 along a cosine.
        seed: Of the weights, of the order of the images and of their variation.
        report: Called after each step with the number of steps done, of all steps, and the mean of the latest losses.
    """
    _make_repeatable(seed)
    model = task.network()
    rng = np.random.default_rng(seed)
    steps_per_epoch = len(images) // BATCH
    steps = steps_per_epoch * epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - steps // 20, warmup_target=rate, warmup_steps=steps // 20
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4, clipnorm=5.0)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(batch: tf.Tensor, batch_truth: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = task.loss(model, batch, batch_truth)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    mean = 0.0
    for number in range(steps):
        place = number % steps_per_epoch
        if place == 0:
            order = rng.permutation(len(images))
        chosen = order[place * BATCH : (place + 1) * BATCH]
        batch, flipped = varied(images[chosen], rng)
        value = float(step(tf.constant(batch), tf.constant(task.mirrored(truth[chosen], flipped))))
        mean = value if number == 0 else 0.98 * mean + 0.02 * value
        report(number + 1, steps, mean)
    return model
