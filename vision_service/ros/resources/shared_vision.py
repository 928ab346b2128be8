"""A vision service that another one builds on: by reference in one process, else over ROS."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import TimeoutError as NotReady
from functools import partial
from typing import TYPE_CHECKING, Any

from vision_service.errors import ErrorCode, VisionError, asking
from vision_service.keypoints import Skeleton
from vision_service.ros.resources.local_nodes import LocalVisionNode
from vision_service.types import Classification, Detection, Frame, LabelImage
from vision_service.vision.model import methods
from vision_service.waiting import waiting_for

if TYPE_CHECKING:
    from vision_service.ros.client import ImageLike, VisionClient, VisionProperties


class LocalVision:
    """The model of a vision node of this process: who asks for the same frame shares its run.

    It has those of the methods detect, classify, segment and label that the other model has.

    Attributes:
        needs: What of a frame the other model looks at.
    """

    def __init__(self, name: str, node: LocalVisionNode, timeout: Callable[[], float]) -> None:
        """Look at what the other model can do now.

        Args:
            name: The service's.
            node: Its node.
            timeout: Returns how long it may take to answer, seconds.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none yet.
        """
        self._name = name
        self._node = node
        self._timeout = timeout
        inference = node.inference
        if inference is None:
            msg = f"the vision service {name!r} is {node.state}: {node.last_error or 'configure it first'}"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
        for method in methods(inference.model):
            setattr(self, method, self._classify if method == "classify" else partial(self._run, method))
        self.needs = inference.model.needs

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names that the other model can answer with."""
        inference = self._node.inference
        return inference.model.labels if inference is not None else ()

    @property
    def extras(self) -> frozenset[str]:
        """What the other model's detections carry."""
        inference = self._node.inference
        return inference.model.extras if inference is not None else frozenset()

    @property
    def skeleton(self) -> Skeleton:
        """Which of its keypoints the other model joins."""
        inference = self._node.inference
        return inference.model.skeleton if inference is not None else ()

    def _classify(self, frame: Frame, count: int = -1) -> list[Classification]:
        found: list[Classification] = self._run("classify", frame)
        return found if count < 0 else found[:count]

    def _run(self, method: str, frame: Frame) -> Any:
        inference = self._node.inference
        if inference is None or self._node.state != "active":
            raise VisionError(ErrorCode.NOT_ACTIVE, f"the vision service {self._name!r} is {self._node.state}")
        timeout = self._timeout()
        future = inference.run(method, frame)
        try:
            who = f"the vision service {self._name!r}"
            with waiting_for(who), asking(who, self._name):
                return future.result(timeout)
        except NotReady:
            msg = f"the vision service {self._name!r} did not answer within {timeout:g} s (resource_timeout)"
            raise VisionError(ErrorCode.DEADLINE_EXCEEDED, msg) from None
        finally:
            future.cancel()
            del future


class RemoteVision:
    """A vision service elsewhere, to which images are sent; it waits, so it is for a model's thread only.

    It has those of the methods detect and classify that the service has, and label if it does not detect. Detections
    have their masks, or else their keypoints, where the service gives them. Images are sent without their camera, so
    that a tracker elsewhere gives no ids.

    Attributes:
        labels: The class names that the service can answer with.
        extras: What its detections carry; turned boxes come unasked.
        skeleton: Which keypoints are joined is not known elsewhere: COCO's are.
    """

    skeleton: Skeleton = ()

    def __init__(self, client: VisionClient, can: VisionProperties, timeout: Callable[[], float]) -> None:
        """Take what the service can do.

        Args:
            client: Of the service.
            can: What it answered.
            timeout: Returns how long it may take to answer, seconds.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if that is nothing that can be used from here (yet).
        """
        self._client = client
        self._timeout = timeout
        self._refused = ""
        if not (can.detections_supported or can.classifications_supported or can.segmentation_supported):
            reason = "is not configured yet"
            if can.labels or can.object_point_clouds_supported:
                reason = "only finds objects in space, for which it must be in the same process"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"the vision service {client.name!r} {reason}")
        self.labels = can.labels
        self.extras: frozenset[str] = frozenset()
        if can.detections_supported:
            self.detect = partial(self._wait, self._detect)
            if can.segmentation_supported:
                self.extras = frozenset({"masks"})
            elif can.keypoints_supported:
                self.extras = frozenset({"keypoints"})
        elif can.segmentation_supported:
            self.label = partial(self._wait, self._label)
        if can.classifications_supported:
            self.classify = partial(self._wait, self._classify)

    def refuse(self, why: str) -> None:
        """Ask the service no more, because it can do something else now; an empty text = ask it again."""
        self._refused = why

    def _check(self) -> None:
        if self._refused:
            raise VisionError(ErrorCode.MODEL_ERROR, self._refused)

    def _detect(self, frame: Frame) -> list[Detection]:
        self._check()
        image, timeout = _image(frame), self._timeout()
        if "masks" in self.extras:
            found = self._client.get_segmentation(image, timeout=timeout)
            if found.instances or found.label_image is None:  # else it segments by classes, beside detecting
                return list(found.instances)
        if "keypoints" in self.extras:
            return self._client.get_keypoints(image, timeout=timeout)
        return self._client.get_detections(image, timeout=timeout)

    def _label(self, frame: Frame) -> LabelImage:
        self._check()
        found = self._client.get_segmentation(_image(frame), timeout=self._timeout()).label_image
        if found is None:
            msg = f"the vision service {self._client.name!r} does not label pixels any more"
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        return found

    def _classify(self, frame: Frame, count: int = -1) -> list[Classification]:
        self._check()
        return self._client.get_classifications(_image(frame), count, timeout=self._timeout())

    def _wait(self, method: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Return what a method says, and have it known meanwhile who is waited for."""
        who = f"the vision service {self._client.name!r}"
        with waiting_for(who), asking(who, self._client.name):
            return method(*given, **named)


def _image(frame: Frame) -> ImageLike:
    """Return a frame's image as it came: compressed if it is."""
    if frame.image is None:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "there is no image to look at")
    return bytes(frame.image.compressed) if frame.image.compressed is not None else frame.image
