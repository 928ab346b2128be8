"""The model `mlmodel`: detects, classifies or labels pixels with a trained model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vision_service.areas import AreaFilter
from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel.confidences import MinimumConfidence
from vision_service.mlmodel.config import MLModelConfig, given
from vision_service.mlmodel.contract import ATTRIBUTE, METADATA, Contract, Item
from vision_service.mlmodel.decoders.base import Classifier, Detector, Facts, Labeller
from vision_service.mlmodel.detections import detections_in, detections_of
from vision_service.mlmodel.fingerprints import Fingerprint, digest
from vision_service.mlmodel.keypoints import names_and_skeleton, told
from vision_service.mlmodel.labels import label, read_labels
from vision_service.mlmodel.loading import load, options_of
from vision_service.mlmodel.placement import Placement
from vision_service.mlmodel.preprocessing import find_image
from vision_service.mlmodel.quantization import Dequantizer
from vision_service.mlmodel.recognition import make_input, noise, probe_size, recognise
from vision_service.mlmodel.roles import named_roles
from vision_service.mlmodel.runtime import Runtime, Tensors
from vision_service.mlmodel.sending import Sending
from vision_service.mlmodel.suppression import NO_SUPPRESSION, Suppression, kept
from vision_service.mlmodel.unused import unused
from vision_service.resources import Resources
from vision_service.types import Classification, Detection, Frame, LabelImage
from vision_service.vision.model import VisionModel

if TYPE_CHECKING:
    from vision_service.mlmodel.levels import Levels

_score = itemgetter(0)
TILE_IOU = 0.5
"""From which intersection over union on boxes of two tiles are one, where the family has no threshold of its own."""


class MLModel(VisionModel):
    """Runs a TFLite/ONNX model.

    What the file is, is decided once, when it is loaded: from what the user says, what the file says of itself, and
    one run on noise; `vision-service inspect` shows it.

    Boxes come back in pixels of the source image, not rounded and clipped to it.

    Attributes:
        runtime: What holds the model.
        input: How it takes its image.
        decoder: What reads its outputs.
        title: What it is, for people.
        contract: All that is known of it, each item with its source.
    """

    Config = MLModelConfig
    config: MLModelConfig

    def __init__(self, config: MLModelConfig, resources: Resources) -> None:
        """Load the model and find out what it is.

        Raises:
            VisionError: INVALID_ARGUMENT, if an attribute, the model's file or the label file cannot be used;
                NOT_SUPPORTED, if the runtime is not installed; UNKNOWN_RESOURCE, if there is no such ML model.
        """
        super().__init__(config, resources)
        check_order(config.xmin_ymin_xmax_ymax_order)
        if config.input_image_bgr and config.color_order == "rgb":
            msg = "'input_image_bgr' says BGR, 'color_order' says RGB: leave one of them out"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if len(config.tiles) not in (0, 2):
            msg = f"'tiles' needs two numbers, columns and rows, not {list(config.tiles)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        files = {"model_path": config.model_path, "label_path": config.label_path}
        self._pool: Any = None
        self._files = {name: Fingerprint.of(path) for name, path in files.items() if path}
        self._digests = {name: digest(path) for name, path in files.items() if path}
        labels = read_labels(config.label_path) if config.label_path else ()
        self._owned = ExitStack()
        self.runtime: Runtime = self._find_runtime(resources)
        try:
            self._understand(labels or self.runtime.labels)
        except VisionError as error:
            self._owned.close()
            name = config.model_path or config.mlmodel_name
            missing = error.code == ErrorCode.UNKNOWN_RESOURCE  # an ML model that is not configured yet may be so soon
            code = error.code if missing else ErrorCode.INVALID_ARGUMENT
            raise VisionError(code, f"{name!r}: {error.message}") from error
        try:
            check_names(config, self.labels)
        except VisionError:
            self._owned.close()
            raise
        if hasattr(self.runtime, "parallel"):
            self._pool = self.runtime
        for method in {"detect", "classify", "label"} - {self.decoder.serves}:
            setattr(self, method, None)
        self.update(config)

    def update(self, config: MLModelConfig) -> None:
        """Take other confidences, and other limits of detections."""
        super().update(config)
        adjust = getattr(self.runtime, "adjust", None)  # of one that other nodes hold
        if adjust is not None:
            adjust(Sending(config.tensor_encoding, config.tensor_jpeg_quality, config.pool_patience))
        said = self._untold.told(given(config))
        if config.nms_iou_threshold and config.nms == "auto" and said.value("nms", "none") == "none":
            said = said.more(  # who gives a threshold wants suppression
                nms=Item("per_class", ATTRIBUTE, "'nms_iou_threshold' is set"),
                nms_iou_threshold=Item(config.nms_iou_threshold, ATTRIBUTE),
            )
        self.contract = said
        self._warning = self._what_is_uncertain(unused(config, self.decoder.serves, said))
        default = float(said.value("default_minimum_confidence", 0.0))
        self._minimum = MinimumConfidence(config.default_minimum_confidence or default, config.label_confidences)
        self._suppression = Suppression(
            str(said.value("nms", "none")),
            float(said.value("nms_iou_threshold", config.nms_iou_threshold or 1.0)),
            config.max_detections or int(said.value("max_detections", 0)),
        )
        self._areas = AreaFilter.of(config)

    def detect(self, frame: Frame) -> list[Detection]:
        """Return what the model finds in the image, best first.

        Raises:
            VisionError: NO_FRAME, if the frame has no image; MODEL_ERROR, if the model fails.
        """
        image = _image(frame)
        found = self._detect_in_tiles(image) if self.config.tiles else self._detect(image)
        return self._areas(found, image.size)

    def _detect_in_tiles(self, image: Image) -> list[Detection]:
        """Return what the model finds in an image and in its tiles, best first."""
        from vision_service.mlmodel.tiling import cut, merged, moved, tiles_of  # which few models need

        found = self._detect(image)
        for tile in tiles_of(image.size, self.config.tiles, self.config.tile_overlap):
            found += moved(self._detect(cut(image, tile)), tile, image.size)
        own = self._suppression
        threshold = own.threshold if own.threshold < 1 else TILE_IOU
        return merged(found, threshold, "per_class" if own.mode == "none" else own.mode, own.limit)

    def _detect(self, image: Image) -> list[Detection]:
        """Return what one run of the model finds in an image, best first."""
        decoder: Detector = self.decoder  # type: ignore[assignment]
        placement = self.input.placement(image)
        tensors = self._real(self._infer(image, placement))
        least = self._minimum.least
        try:
            if self._in_image is not None and not self.config.label_confidences:  # as mostly, and in half of the time
                table = self._in_image(tensors, placement, least, self._suppression)
                if table is not None and len(table):
                    return detections_in(table, self.labels)
            found = all_found = decoder.decode(tensors, placement, least)
        except VisionError:
            raise
        except Exception as error:
            raise _not_read(decoder, error) from error
        if self.config.label_confidences:
            names = [label(self.labels, number) for number in found.classes.tolist()]
            found = found.take(self._minimum.rows(names, found.scores.tolist()))
        made = detections_of(found, placement, self.labels, self._keypoint_names, self._suppression)
        if not made and not len(kept(all_found, NO_SUPPRESSION)[1]):
            check_numbers(tensors)  # "nothing" must not be all that is said of a network that has broken down
        return made

    def classify(self, frame: Frame, count: int = -1) -> list[Classification]:
        """Return the classes that the image shows, best first.

        Args:
            frame: What to look at.
            count: How many at most; negative = all.

        Raises:
            VisionError: NO_FRAME, if the frame has no image; MODEL_ERROR, if the model fails.
        """
        image = _image(frame)
        tensors = self._infer(image, self.input.placement(image))
        check_numbers(tensors)
        try:
            numbers, scores = self._likely_classes(tensors, self._minimum.least)
        except VisionError:
            raise
        except Exception as error:
            raise _not_read(self.decoder, error) from error
        found: list[Classification] = []
        for score, number in sorted(zip(scores, numbers, strict=True), key=_score, reverse=True):
            if 0 <= count <= len(found):
                break
            name = label(self.labels, number)
            if score >= self._minimum.of(name):
                found.append(Classification(name, score))
        return found

    def _likely_classes(self, tensors: Tensors, least: float) -> tuple[list[int], list[float]]:
        """Return the numbers and scores of the classes that are likely enough, in the order of their numbers."""
        if self._levels is not None:
            return self._levels.best(tensors, least)
        decoder: Classifier = self.decoder  # type: ignore[assignment]
        scores = decoder.scores(self._real(tensors))
        (numbers,) = (scores >= least).nonzero()
        return numbers.tolist(), scores.take(numbers).tolist()

    def label(self, frame: Frame) -> LabelImage:
        """Return which class each pixel of the image shows.

        Raises:
            VisionError: NO_FRAME, if the frame has no image; MODEL_ERROR, if the model fails.
        """
        decoder: Labeller = self.decoder  # type: ignore[assignment]
        image = _image(frame)
        placement = self.input.placement(image)
        tensors = self._infer(image, placement)
        if not getattr(decoder, "only_order", False):
            tensors = self._real(tensors)
        check_numbers(tensors)
        try:
            numbers = decoder.labels(tensors, placement)
        except VisionError:
            raise
        except Exception as error:
            raise _not_read(decoder, error) from error
        known = max(len(self.labels), int(numbers.max()) + 1)
        return LabelImage(numbers, tuple(label(self.labels, number) for number in range(known)))

    @property
    def warning(self) -> str:
        """What is only assumed of the model, what is set in vain, and what to do about it; empty = nothing is."""
        return self._warning

    def _what_is_uncertain(self, unused: Sequence[str]) -> str:
        """Return what is assumed of the model, and which attributes are set in vain."""
        said = [self.contract.warning()] if self.contract.assumed() else []
        if unused:
            names = ", ".join(repr(name) for name in unused)
            said.append(f"set but without any meaning for this model ({self.title}): {names}; leave that out")
        return "; ".join(said)

    def describe(self) -> dict[str, Any]:
        """Return what the model is: its title and its contract, and both in one line, for the log."""
        return {
            "title": self.title,
            "contract": self.contract.to_json(),
            **getattr(self.runtime, "told", dict)(),
            "files": {name: {"path": each.path, "sha256": self._digests[name]} for name, each in self._files.items()},
            "summary": f"the model is taken for: {self.title}: {self.contract.line()}",
        }

    @property
    def parallel(self) -> int:
        """How many images can be looked at at once: as many as a pool has models."""
        return 1 if self._pool is None else int(self._pool.parallel)

    def outdated(self, attribute: str) -> bool:
        """Return whether the model's or the label file has another content than when the model was made."""
        return attribute in self._files and self._files[attribute].outdated

    def close(self) -> None:
        """Let go of the model; may be called twice. One that another resource holds stays open."""
        self._owned.close()

    def _find_runtime(self, resources: Resources) -> Runtime:
        config = self.config
        if bool(config.model_path) == bool(config.mlmodel_name):
            chosen = "both are given" if config.model_path else "neither is given"
            msg = (
                f"exactly one of 'model_path' (a file) and 'mlmodel_name' (an ML model service) is needed, but {chosen}"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if config.mlmodel_name:
            held: Runtime = resources.mlmodel(config.mlmodel_name)
            return held
        runtime = load(config.model_path, options_of(config), trial_timeout=config.trial_timeout)
        self._owned.callback(runtime.close)
        return runtime

    def _understand(self, labels: tuple[str, ...]) -> None:
        """Find out how the model takes an image, what its outputs mean, and what its classes are called."""
        config, runtime = self.config, self.runtime
        check_input_names(config.remap_input_names, [info.name for info in runtime.inputs])
        image, size_input = find_image(runtime.inputs)
        check_size(config.input_size, image.width, image.height, str(image.info))
        self._size_input = size_input
        self._real: Callable[[Tensors], Tensors] = Dequantizer(runtime.outputs)
        said = given(config)
        size = probe_size(image, runtime.facts.metadata, config.input_size)
        facts = Facts(
            image=image,
            size_input=size_input,
            outputs=runtime.outputs,
            probe=self._real(runtime.infer(self._inputs(image.info.name, noise(image, size), size))),
            size=size,
            file=runtime.facts,
            labels=labels,
            labels_source=ATTRIBUTE if config.label_path else METADATA,
            roles=named_roles(runtime.outputs, config.remap_output_names),
            asked="" if config.decoder == "auto" else config.decoder,
            given=said,
            kind=runtime.kind,
        )
        found = recognise(facts)
        self.title, self.decoder, self.contract = found.title, found.decoder, found.contract
        self._untold: Contract = found.untold
        if config.require_certain and self.contract.assumed():
            msg = f"'require_certain' is set, but {self.contract.warning()}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self.input = make_input(image, self.contract)
        self._levels: Levels | None = None
        if found.decoder.serves == "classify":
            from vision_service.mlmodel.levels import Levels

            decoder: Classifier = found.decoder  # type: ignore[assignment]
            self._levels = Levels.of(decoder, runtime.outputs, lambda tensors: decoder.scores(self._real(tensors)))
        self.labels = tuple(label(found.labels, number) for number in range(len(found.labels)))
        self.extras = self.decoder.extras
        self._in_image = getattr(self.decoder, "decode_in_image", None)
        usual_names, usual_skeleton = names_and_skeleton(self.decoder, runtime.facts.metadata)
        names, skeleton = told(len(usual_names), config.keypoint_names, config.skeleton)
        self._keypoint_names, self.skeleton = names or usual_names, skeleton or usual_skeleton

    def _inputs(self, name: str, tensor: NDArray[Any], size: tuple[int, int]) -> Tensors:
        """Return the tensors of a model that may want to know the image's size."""
        if self._size_input is None:
            return {name: tensor}
        info = self._size_input
        return {name: tensor, info.name: np.array(size, info.dtype).reshape([1] * (len(info.shape) - 1) + [2])}

    def _infer(self, image: Image, placement: Placement) -> Tensors:
        size = placement.source
        if self._size_input is not None and placement.content != placement.size:
            # As Isaac ROS does it: all that the model sees stands for as much around (or within) the image.
            across, down = placement.scale
            size = (round(placement.size[0] / across), round(placement.size[1] / down))
        return self.runtime.infer(self._inputs(self.input.name, self.input.tensor(image, placement), size))


def _not_read(decoder: object, error: Exception) -> VisionError:
    """Return the error for what a decoder raises over outputs of another form than the probe's."""
    msg = f"{type(decoder).__name__} cannot read what the model has returned for this frame: {error!r}"
    return VisionError(ErrorCode.MODEL_ERROR, msg)


def check_numbers(tensors: Tensors) -> None:
    """Raise VisionError MODEL_ERROR if a model has returned what is no number, as networks in half precision do."""
    for name, values in tensors.items():
        if values.dtype.kind == "f" and values.size and np.isnan(values.min()):
            msg = (
                f"the model has returned NaN (no number) in its output {name!r}: its numbers have become too great;"
                " use the same model in single precision (float32)"
            )
            raise VisionError(ErrorCode.MODEL_ERROR, msg)


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


def check_names(config: MLModelConfig, labels: tuple[str, ...]) -> None:
    """Raise VisionError INVALID_ARGUMENT if an attribute names a class that the model does not have."""
    known = {name.casefold() for name in labels}
    for attribute in ("label_confidences", "label_minimum_areas", "label_maximum_areas"):
        for name in getattr(config, attribute):
            if known and name.casefold() not in known:
                msg = f"{attribute!r}: the model has no class {name!r}{did_you_mean(name, list(labels))}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def check_size(size: tuple[int, ...], width: int, height: int, shown: str) -> None:
    """Raise VisionError INVALID_ARGUMENT unless a given size has two numbers and is one that the model takes."""
    if len(size) not in (0, 2):
        msg = f"'input_size' needs two numbers, width and height, not {list(size)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if size and any(known not in (0, wanted) for known, wanted in zip((width, height), size, strict=True)):
        msg = f"'input_size' is {size[0]}×{size[1]}, but the model takes {shown}: leave it out"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _image(frame: Frame) -> Image:
    if frame.image is None:
        raise VisionError(ErrorCode.NO_FRAME, f"the frame of {frame.camera_name!r} has no colour image to look at")
    return frame.image
