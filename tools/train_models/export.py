"""From a trained network to a TensorFlow Lite file: 8-bit whole numbers inside, uint8 images in, labels within."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flatbuffers
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

from tools.train_models import metadata
from tools.train_models.detector import SCALES, anchors
from tools.train_models.layers import calibration
from tools.train_models.samples import CLASSIFIED
from vision_service.rendering.scene import CLASSES

VERSION = "1"

MOST_DETECTIONS = 25
LEAST_SCORE = 0.5
"""Of the detections that the model returns."""
MOST_OVERLAP = 0.4
"""Intersection over union, from which on the weaker of two detections is dropped."""

_INPUT = "image"
_DETECTIONS = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
_SCORES = "scores"


def detector_file(model: keras.Model, images: NDArray[np.uint8]) -> bytes:
    """Return a detector's file, in the standard form of four outputs.

    Args:
        model: The network of tools.train_models.detector, trained.
        images: (N, H, W, 3) uint8, some of those it learnt from.
    """
    post_process = _post_process()
    places = tf.constant(anchors())

    def detect(image: tf.Tensor) -> dict[str, tf.Tensor]:
        encoded, logits = model(image, training=False)
        return dict(zip(_DETECTIONS, post_process(encoded, tf.nn.softmax(logits), places), strict=True))

    inputs = [metadata.image(_INPUT, "The whole image, stretched to the size of this tensor.")]
    outputs = [
        metadata.boxes("location", "The boxes: y_min, x_min, y_max, x_max as fractions of the image."),
        metadata.numbers("category", "The classes' numbers.", per_object=True, labels="values"),
        metadata.numbers("score", "The confidences, 0 to 1, the best first.", per_object=True),
        metadata.numbers("number of detections", "How many rows of the other outputs mean something."),
    ]
    about = metadata.model_metadata(
        "Solids detector",
        "Finds cubes, balls, cylinders and cones, of any colour, in the images of vision_service's synthetic camera.",
        VERSION,
        inputs,
        outputs,
    )
    return metadata.with_labels(_finished(_converted(detect, model, images), _DETECTIONS, about), CLASSES)


def classifier_file(model: keras.Model, images: NDArray[np.uint8]) -> bytes:
    """Return a classifier's file: one score for each label.

    Args:
        model: The network of tools.train_models.classifier, trained.
        images: (N, H, W, 3) uint8, some of those it learnt from.
    """

    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {_SCORES: tf.nn.softmax(model(image, training=False))}

    inputs = [metadata.image(_INPUT, "An image with one solid or none, stretched to the size of this tensor.")]
    outputs = [metadata.numbers("probability", "The probability of each label.", labels="axis")]
    about = metadata.model_metadata(
        "Solids classifier",
        "Says what an image of vision_service's synthetic camera shows: cube, ball, cylinder, cone or nothing.",
        VERSION,
        inputs,
        outputs,
    )
    return metadata.with_labels(_finished(_converted(classify, model, images), (_SCORES,), about), CLASSIFIED)


def _post_process() -> Callable[..., Sequence[tf.Tensor]]:
    """Return what stands for the operation TFLite_Detection_PostProcess, which the converter puts in its place."""
    values = {
        "max_detections": f"i: {MOST_DETECTIONS}",
        "max_classes_per_detection": "i: 1",
        "num_classes": f"i: {len(CLASSES)}",
        "nms_score_threshold": f"f: {LEAST_SCORE}",
        "nms_iou_threshold": f"f: {MOST_OVERLAP}",
        "use_regular_nms": "b: false",
        **{f"{axis}_scale": f"f: {scale}" for axis, scale in zip("yxhw", SCALES, strict=True)},
    }
    attributes = " ".join(f'attr {{ key: "{key}" value {{ {value} }} }}' for key, value in values.items())

    @tf.function(experimental_implements=f'name: "TFLite_Detection_PostProcess" {attributes}')
    def post_process(encoded: tf.Tensor, scores: tf.Tensor, places: tf.Tensor) -> Sequence[tf.Tensor]:
        # Only the shapes count: the converter drops what is in here.
        shapes = ([1, MOST_DETECTIONS, 4], [1, MOST_DETECTIONS], [1, MOST_DETECTIONS], [1])
        return tuple(tf.zeros(shape) for shape in shapes)

    return post_process


def _converted(function: Callable[..., object], model: keras.Model, images: NDArray[np.uint8]) -> bytes:
    """Return the function of one image as a model of whole numbers."""
    spec = tf.TensorSpec([1, *model.input_shape[1:]], tf.float32, name=_INPUT)
    concrete = tf.function(function, input_signature=[spec]).get_concrete_function()
    # Keras wraps its variables, and the converter makes constants only of those it sees.
    holder = tf.Module()
    holder.weights = [variable.value for variable in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], holder)
    converter.allow_custom_ops = True
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image] for image in calibration(images))
    converter.inference_input_type = tf.uint8
    return bytes(converter.convert())


def _finished(converted: bytes, outputs: Sequence[str], about: bytes) -> bytes:
    """Return a converted model with its outputs in this order and of these names, and with its description."""
    model = schema.ModelT.InitFromPackedBuf(converted, 0)
    graph = model.subgraphs[0]
    by_name = {item.name.decode(): item.tensorIndex for item in model.signatureDefs[0].outputs}
    graph.outputs = [by_name[name] for name in outputs]
    for name in outputs:
        graph.tensors[by_name[name]].name = name
    graph.tensors[graph.inputs[0]].name = _INPUT
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(about, np.uint8)
    entry = schema.MetadataT()
    entry.name, entry.buffer = metadata.BUFFER_NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(converted) + len(about))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
