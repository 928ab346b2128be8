"""The model `mlmodel`: detects or classifies with a trained model from a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel.confidences import MinimumConfidence
from vision_service.mlmodel.decoders import ClassificationDecoder, DetectionDecoder, find_decoder
from vision_service.mlmodel.labels import label, read_labels, without_background
from vision_service.mlmodel.preprocessing import ImageInput, image_input
from vision_service.mlmodel.runtime import Runtime, Tensors, load
from vision_service.resources import Resources
from vision_service.types import Classification, Detection, Frame
from vision_service.vision.model import VisionModel

Y_FIRST = (1, 0, 3, 2)
"""The order of TensorFlow's boxes: ymin, xmin, ymax, xmax."""


@dataclass(frozen=True)
class MLModelConfig:
    """The attributes of `mlmodel`."""

    model_path: str = attribute("The model's file: TensorFlow Lite (.tflite), a detector or a classifier.")
    label_path: str = attribute(
        "The file of class names, one per line in the order of their numbers; empty = those in the model's file, else"
        " the numbers. A detector's numbers start after a first line '???' or 'background'.",
        default="",
    )
    num_threads: int = attribute("How many threads one run of the model may use.", default=1, minimum=1, maximum=256)
    default_minimum_confidence: float = attribute(
        "From which confidence on a result counts; 0 = all.", default=0.0, minimum=0.0, maximum=1.0, live=True
    )
    label_confidences: dict[str, float] = attribute(  # noqa: RUF009 - it makes a factory
        "The same for single classes, by name (upper and lower case the same); if any is given, the default does not"
        " hold and classes that are not listed are dropped.",
        default={},
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    input_image_mean_value: tuple[float, ...] = attribute(
        "What a float model's input is made with: value = (colour from 0 to 1 - mean) / standard deviation. One mean"
        " for each channel in the model's order; empty = 0.5 each.",
        default=(),
    )
    input_image_std_dev: tuple[float, ...] = attribute(
        "The standard deviation of each channel, in the same formula; empty = 0.5 each.", default=()
    )
    input_image_bgr: bool = attribute("Whether the model wants blue, green, red.", default=False)
    xmin_ymin_xmax_ymax_order: tuple[int, ...] = attribute(
        "What stands where in a box: at each of its four places 0 = xmin, 1 = ymin, 2 = xmax or 3 = ymax; empty ="
        " 1, 0, 3, 2.",
        default=(),
        minimum=0,
        maximum=3,
    )


class MLModel(VisionModel):
    """Runs a trained model on pictures: a detector or a classifier, as its outputs tell.

    The picture is stretched to the model's input size; boxes come back in pixels of the source picture, not rounded
    and clipped to it. The model runs once on a grey picture when it is made, so that a file that cannot work is
    refused then.
    """

    Config = MLModelConfig
    config: MLModelConfig

    def __init__(self, config: MLModelConfig, resources: Resources) -> None:
        """Load the model and find out what it can do.

        Raises:
            VisionError: INVALID_ARGUMENT, if an attribute, the model's file or the label file cannot be used;
                NOT_SUPPORTED, if the runtime is not installed.
        """
        super().__init__(config, resources)
        self._order = config.xmin_ymin_xmax_ymax_order or Y_FIRST
        if sorted(self._order) != [0, 1, 2, 3]:
            msg = f"'xmin_ymin_xmax_ymax_order' must hold 0, 1, 2 and 3, each once, not {list(self._order)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        labels = read_labels(config.label_path) if config.label_path else ()
        self._runtime: Runtime = load(config.model_path, num_threads=config.num_threads)
        try:
            self._input = self._find_input()
            self._decoder = find_decoder(self._runtime.outputs, self._probe())
            self.labels = self._find_labels(labels or self._runtime.labels)
        except VisionError as error:
            self._runtime.close()
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{config.model_path!r}: {error.message}") from error
        if isinstance(self._decoder, DetectionDecoder):
            self.classify = None  # type: ignore[assignment, method-assign]
        else:
            self.detect = None  # type: ignore[assignment, method-assign]
        self.update(config)

    def update(self, config: MLModelConfig) -> None:
        """Take other confidences."""
        super().update(config)
        self._minimum = MinimumConfidence(config.default_minimum_confidence, config.label_confidences)

    def detect(self, frame: Frame) -> list[Detection]:
        """Return what the model finds in the picture, best first.

        Raises:
            VisionError: NO_FRAME, if the frame has no picture; MODEL_ERROR, if the model fails.
        """
        image = _picture(frame)
        decoder: DetectionDecoder = self._decoder  # type: ignore[assignment]
        boxes, classes, scores = decoder.decode(self._infer(image), self._order)
        boxes *= (image.width, image.height, image.width, image.height)
        names = (label(self.labels, number) for number in classes.tolist())
        return [
            Detection(name, score, *box)
            for name, score, box in zip(names, scores.tolist(), boxes.tolist(), strict=True)
            if score >= self._minimum.of(name)
        ]

    def classify(self, frame: Frame, count: int = -1) -> list[Classification]:
        """Return the classes that the picture shows, best first.

        Args:
            frame: What to look at.
            count: How many at most; negative = all.

        Raises:
            VisionError: NO_FRAME, if the frame has no picture; MODEL_ERROR, if the model fails.
        """
        decoder: ClassificationDecoder = self._decoder  # type: ignore[assignment]
        scores = decoder.decode(self._infer(_picture(frame)))
        found: list[Classification] = []
        for number in np.argsort(-scores, kind="stable").tolist():
            if 0 <= count <= len(found):
                break
            name, score = label(self.labels, number), float(scores[number])
            if score >= self._minimum.of(name):
                found.append(Classification(name, score))
        return found

    def close(self) -> None:
        """Let go of the model; may be called twice."""
        self._runtime.close()

    def _find_input(self) -> ImageInput:
        return image_input(
            self._runtime.inputs,
            mean=self.config.input_image_mean_value,
            std=self.config.input_image_std_dev,
            bgr=self.config.input_image_bgr,
        )

    def _probe(self) -> Tensors:
        """Return what the model makes of a grey picture."""
        return self._infer(Image(np.full((self._input.height, self._input.width), 128, np.uint8), "mono8"))

    def _infer(self, image: Image) -> Tensors:
        return self._runtime.infer({self._input.name: self._input.tensor(image)})

    def _find_labels(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the class names by number; a class without a name has its number.

        Raises:
            VisionError: INVALID_ARGUMENT, if a classifier has another number of classes.
        """
        if isinstance(self._decoder, DetectionDecoder):
            labels = without_background(labels)
        elif labels and len(labels) != self._decoder.size:
            msg = (
                f"length of output ({self._decoder.size}) expected to be length of label list ({len(labels)}): give"
                " 'label_path' the file that belongs to this model, one line for each class (often the first line is"
                " 'background')"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        return tuple(label(labels, number) for number in range(len(labels)))


def _picture(frame: Frame) -> Image:
    if frame.image is None:
        raise VisionError(ErrorCode.NO_FRAME, f"the frame of {frame.camera_name!r} has no colour picture to look at")
    return frame.image
