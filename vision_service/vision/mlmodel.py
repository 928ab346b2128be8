"""The model `mlmodel`: detects, classifies or labels pixels with a trained model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel import blazeface
from vision_service.mlmodel.blazeface import BlazeFaceDecoder
from vision_service.mlmodel.boxes import Box, suppress
from vision_service.mlmodel.classification import ClassificationDecoder
from vision_service.mlmodel.confidences import MinimumConfidence
from vision_service.mlmodel.config import MLModelConfig
from vision_service.mlmodel.decoders import Decoder, DecoderOptions, find_decoder
from vision_service.mlmodel.detection import DetectionDecoder
from vision_service.mlmodel.labels import label, read_labels, without_background
from vision_service.mlmodel.loading import load, options_of
from vision_service.mlmodel.preprocessing import ImageInput, image_input
from vision_service.mlmodel.quantization import Dequantizer
from vision_service.mlmodel.runtime import Runtime, Tensors
from vision_service.mlmodel.segmentation import SegmentationDecoder
from vision_service.resources import Resources
from vision_service.types import Classification, Detection, Frame, LabelImage
from vision_service.vision.model import VisionModel

PROBE_SIZE = 224
"""Width and height of the grey picture that a model of any size is probed with, pixels."""


class MLModel(VisionModel):
    """Runs a TFLite/ONNX model.

    The file is a detector, a classifier or a segmentation model, as its outputs tell.

    Boxes come back in pixels of the source picture, not rounded and clipped to it. The model runs once on a grey
    picture when it is made, so that one that cannot work is refused then.

    Attributes:
        runtime: What holds the model.
        input: How it takes its picture.
        decoder: What reads its outputs.
    """

    Config = MLModelConfig
    config: MLModelConfig
    decoder: Decoder

    def __init__(self, config: MLModelConfig, resources: Resources) -> None:
        """Load the model and find out what it can do.

        Raises:
            VisionError: INVALID_ARGUMENT, if an attribute, the model's file or the label file cannot be used;
                NOT_SUPPORTED, if the runtime is not installed; UNKNOWN_RESOURCE, if there is no such ML model.
        """
        super().__init__(config, resources)
        check_order(config.xmin_ymin_xmax_ymax_order)
        labels = read_labels(config.label_path) if config.label_path else ()
        self._owned = ExitStack()
        self.runtime: Runtime = self._find_runtime(resources)
        try:
            self._understand(labels or self.runtime.labels)
        except VisionError as error:
            self._owned.close()
            name = config.model_path or config.mlmodel_name
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{name!r}: {error.message}") from error
        methods: dict[type, str] = {ClassificationDecoder: "classify", SegmentationDecoder: "label"}
        for method in {"detect", "classify", "label"} - {methods.get(type(self.decoder), "detect")}:
            setattr(self, method, None)
        self.update(config)

    def update(self, config: MLModelConfig) -> None:
        """Take other confidences, and other limits of detections."""
        super().update(config)
        self._minimum = MinimumConfidence(config.default_minimum_confidence, config.label_confidences)

    def detect(self, frame: Frame) -> list[Detection]:
        """Return what the model finds in the picture, best first.

        Raises:
            VisionError: NO_FRAME, if the frame has no picture; MODEL_ERROR, if the model fails.
        """
        decoder: DetectionDecoder | BlazeFaceDecoder = self.decoder  # type: ignore[assignment]
        image = _picture(frame)
        placement = self.input.placement(image)
        found = decoder.decode(self._real(self._infer(image)), placement.size, self._minimum.least)
        best = self._best([box for box in found if box.score >= self._minimum.of(label(self.labels, box.number))])
        places = placement.to_source(box.corners for box in best)
        return [
            Detection(label(self.labels, box.number), box.score, *place)
            for box, place in zip(best, places, strict=True)
        ]

    def classify(self, frame: Frame, count: int = -1) -> list[Classification]:
        """Return the classes that the picture shows, best first.

        Args:
            frame: What to look at.
            count: How many at most; negative = all.

        Raises:
            VisionError: NO_FRAME, if the frame has no picture; MODEL_ERROR, if the model fails.
        """
        decoder: ClassificationDecoder = self.decoder  # type: ignore[assignment]
        scores = decoder.decode(self._real(self._infer(_picture(frame))))
        (enough,) = (scores >= self._minimum.least).nonzero()
        best = enough[(-scores[enough]).argsort(kind="stable")]
        found: list[Classification] = []
        for number, score in zip(best.tolist(), scores[best].tolist(), strict=True):
            if 0 <= count <= len(found):
                break
            name = label(self.labels, number)
            if score >= self._minimum.of(name):
                found.append(Classification(name, score))
        return found

    def label(self, frame: Frame) -> LabelImage:
        """Return which class each pixel of the picture shows.

        Raises:
            VisionError: NO_FRAME, if the frame has no picture; MODEL_ERROR, if the model fails.
        """
        decoder: SegmentationDecoder = self.decoder  # type: ignore[assignment]
        image = _picture(frame)
        numbers = self.input.placement(image).labels_to_source(decoder.decode(self._infer(image)))
        known = max(len(self.labels), int(numbers.max()) + 1)
        return LabelImage(numbers, tuple(label(self.labels, number) for number in range(known)))

    def close(self) -> None:
        """Let go of the model; may be called twice. One that another resource holds stays open."""
        self._owned.close()

    def _find_runtime(self, resources: Resources) -> Runtime:
        config = self.config
        if bool(config.model_path) == bool(config.mlmodel_name):
            given = "both are given" if config.model_path else "neither is given"
            msg = (
                f"exactly one of 'model_path' (a file) and 'mlmodel_name' (an ML model service) is needed, but {given}"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if config.mlmodel_name:
            held: Runtime = resources.mlmodel(config.mlmodel_name)
            return held
        runtime = load(config.model_path, options_of(config), trial_timeout=config.trial_timeout)
        self._owned.callback(runtime.close)
        return runtime

    def _understand(self, labels: tuple[str, ...]) -> None:
        """Find out how the model takes a picture, what its outputs mean, and what its classes are called."""
        config, outputs = self.config, self.runtime.outputs
        check_input_names(config.remap_input_names, [info.name for info in self.runtime.inputs])
        self.input = self._input(letterbox=config.resize == "letterbox")
        self._real: Callable[[Tensors], Tensors] = Dequantizer(outputs)
        grey = Image(np.full((self.input.height or PROBE_SIZE, self.input.width or PROBE_SIZE), 128, np.uint8), "mono8")
        options = DecoderOptions(
            decoder=config.decoder,
            remap=config.remap_output_names,
            order=config.xmin_ymin_xmax_ymax_order,
            box_format=config.box_format,
            box_coordinates=config.box_coordinates,
            activation=config.activation,
            labels=len(labels),
        )
        probe = self._real(self._infer(grey))
        self.decoder = find_decoder(outputs, probe, options, size=(self.input.width, self.input.height))
        if config.resize == "auto" and getattr(self.decoder, "letterbox", False):
            self.input = self._input(letterbox=True)
        self.labels = self._names(labels)

    def _input(self, *, letterbox: bool) -> ImageInput:
        return image_input(
            self.runtime.inputs,
            mean=self.config.input_image_mean_value,
            std=self.config.input_image_std_dev,
            bgr=self.config.input_image_bgr,
            size=self.config.input_size,
            letterbox=letterbox,
        )

    def _infer(self, image: Image) -> Tensors:
        return self.runtime.infer({self.input.name: self.input.tensor(image)})

    def _best(self, boxes: list[Box]) -> list[Box]:
        """Return the boxes that suppression and the limit leave."""
        threshold = self.config.nms_iou_threshold or self.decoder.suppression  # type: ignore[union-attr]
        if threshold < 1:
            boxes = suppress(boxes, threshold)
        return boxes[: self.config.max_detections or None]

    def _names(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the class names by number; a class without a name has its number.

        Raises:
            VisionError: INVALID_ARGUMENT, if a classifier has another number of classes.
        """
        if isinstance(self.decoder, BlazeFaceDecoder):
            labels = labels or blazeface.LABELS
        elif isinstance(self.decoder, DetectionDecoder):
            labels = without_background(labels)
        elif isinstance(self.decoder, ClassificationDecoder) and labels and len(labels) != self.decoder.size:
            msg = (
                f"length of output ({self.decoder.size}) expected to be length of label list ({len(labels)}): give"
                " 'label_path' the file that belongs to this model, one line for each class (often the first line is"
                " 'background')"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        return tuple(label(labels, number) for number in range(len(labels)))


def check_order(order: tuple[int, ...]) -> None:
    """Raise VisionError INVALID_ARGUMENT unless an order is empty or holds 0, 1, 2 and 3."""
    if order and sorted(order) != [0, 1, 2, 3]:
        msg = f"'xmin_ymin_xmax_ymax_order' must hold 0, 1, 2 and 3, each once, not {list(order)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def check_input_names(remap: dict[str, str], inputs: list[str]) -> None:
    """Raise VisionError INVALID_ARGUMENT if the attribute `remap_input_names` names what is not there."""
    for name, meaning in remap.items():
        if name not in inputs:
            msg = f"'remap_input_names': the model has no input {name!r}{did_you_mean(name, inputs)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if meaning != "image":
            msg = f"'remap_input_names': {meaning!r}, for the input {name!r}, means nothing: give 'image'"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _picture(frame: Frame) -> Image:
    if frame.image is None:
        raise VisionError(ErrorCode.NO_FRAME, f"the frame of {frame.camera_name!r} has no colour picture to look at")
    return frame.image
