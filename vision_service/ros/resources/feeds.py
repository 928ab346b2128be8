"""A camera's frames as those who want them see them, wherever they come from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from vision_service.errors import ErrorCode, VisionError
from vision_service.frames import Demand, FrameSlot
from vision_service.ros.execution.calls import Call
from vision_service.settings.node import FrameConfiguration
from vision_service.types import Frame


def _nothing() -> str:
    return ""


@dataclass(frozen=True)
class Feed:
    """A camera as those who want its frames see it.

    Attributes:
        slot: Where its newest frame is.
        demand: By whom frames are wanted.
        silence: Returns why no frame comes, as far as that is known; empty = it is not. Called in any thread.
        holds: Returns whether the newest frame holds until there is another one: a latched publisher has published it,
            and nothing else, and is still there. Called in any thread.
    """

    slot: FrameSlot
    demand: Demand
    silence: Callable[[], str] = _nothing
    holds: Callable[[], bool] = bool

    def quiet_for(self) -> float:
        """Return for how long, in seconds, no frame has come although some are wanted."""
        if self.holds():
            return 0.0
        age = self.slot.age
        wanted = self.demand.wanted_for
        return wanted if age is None else min(age, wanted)

    def fresh(self, max_age: float) -> Frame | None:
        """Return the newest frame if it is at most so old, seconds; None for a negative age."""
        return self.slot.fresh(max_age)

    def held(self) -> Frame | None:
        """Return the newest frame if it holds, however old it is."""
        return self.slot.fresh(math.inf) if self.holds() else None

    def no_frame(self, camera: str, waited: float) -> VisionError:
        """Return the error for a caller who waited in vain, with the reason."""
        return self.slot.no_frame(camera, waited, self.silence())


async def fetch(feed: Feed, camera: str, call: Call, *, max_age: float, settings: FrameConfiguration) -> Frame:
    """Return a frame that is fresh enough, waiting for one if need be.

    Args:
        feed: The camera.
        camera: Its name, for messages.
        call: Who asks.
        max_age: As in the requests: > 0 = seconds, 0 = the node's default, or what a latched publisher has published
            once, < 0 = a frame that arrives from now on.
        settings: The node's.

    Raises:
        VisionError: NO_FRAME or CAMERA_ERROR, if none arrived in time; INVALID_ARGUMENT, if max_age is no number.
    """
    if math.isnan(max_age):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "'max_age' must be a number of seconds, not nan")
    feed.demand.linger(settings.linger)
    frame = feed.fresh(max_age or settings.max_age) or (None if max_age else feed.held())
    if frame is None:
        feed.demand.hold(call)  # lingering may be over before a frame comes
        try:
            waiting = feed.slot.next(max(max_age, 0.0) or (0.0 if max_age else math.inf))
            frame = await call.wait(waiting, late=lambda: feed.no_frame(camera, call.timeout))
            feed.demand.linger(settings.linger)
        finally:
            feed.demand.release(call)
    return frame


class LocalCameras:
    """The camera nodes of this process by their image topic's resolved name, so that remaps hold."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}

    def add(self, topic: str, feed: Feed) -> None:
        """Offer a camera's frames by reference."""
        self._feeds[topic] = feed

    def remove(self, topic: str) -> None:
        """Offer them no more."""
        self._feeds.pop(topic, None)

    def find(self, topic: str) -> Feed | None:
        """Return the camera that publishes this topic, or None."""
        return self._feeds.get(topic)
