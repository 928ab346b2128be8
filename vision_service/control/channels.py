"""From what is shown to the tabs that show it: one encoding however many, none while nobody looks.

Everything here is used in the server's loop, but what says otherwise.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from vision_service.concurrency import Newest
from vision_service.control import wire
from vision_service.control.backend import Backend, Shown, Watch
from vision_service.control.clouds import cloud_message
from vision_service.control.encoding import frame_message
from vision_service.control.recorded_moment import Moment
from vision_service.control.recording import Recording
from vision_service.control.tab import Message, Tab
from vision_service.errors import VisionError, reason
from vision_service.types import LabelChange

_sequence = itertools.count(1)


class Channel:
    """What is shown of one camera and service, in however many tabs."""

    def __init__(self, key: Watch, backend: Backend, gone: Callable[[Channel], None]) -> None:
        """Show nothing yet.

        Args:
            key: What it shows; whether it has points depends on the tabs.
            backend: Where it comes from.
            gone: Called when the last tab has left.
        """
        self.key = key
        self.tabs: set[Tab] = set()
        self.problem = ""
        self.encoded = 0
        self._backend = backend
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._watched: Watch | None = None
        self._end: Callable[[], None] | None = None
        self._worker = Newest(f"control {key.service or key.camera}", self._encode, failing=self._encoding_failed)
        self._last: dict[str, Message] = {}
        self._asked = -math.inf  # when a frame was last to be acknowledged
        self._skipped: Shown | None = None
        self._cloud_due = 0.0
        self._closed = False
        self.recording = Recording()
        self._recording: set[Tab] = set()

    async def enter(self, tab: Tab) -> None:
        """Show it in a tab too."""
        self.tabs.add(tab)
        tab.channel = self
        for kind in tab.wants:
            if kind in self._last:
                tab.offer(kind, self._last[kind])
        self._tell_watching(tab)
        await self._follow()

    async def leave(self, tab: Tab) -> None:
        """Show it in a tab no more."""
        self.tabs.discard(tab)
        tab.channel = None
        tab.clear()
        self.record(tab, 0)
        await self._follow()

    def record(self, tab: Tab, seconds: float) -> None:
        """Keep the last seconds while a tab that shows it has that armed; 0 = this one has it armed no more.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is no possible time.
        """
        if seconds:
            self.recording.arm(seconds)
            self._recording.add(tab)
        else:
            self._recording.discard(tab)
            if not self._recording:
                self.recording.disarm()

    def ready(self) -> None:
        """Take note that a tab takes more."""
        skipped, self._skipped = self._skipped, None
        if skipped is not None:
            self._worker.put(skipped)

    async def _follow(self) -> None:
        """Watch what the tabs want, and nothing if there are none."""
        async with self._turn:
            if self._closed or (self.tabs and self._wanted() == self._watched):
                return
            end, self._end = self._end, None
            if end is not None:
                await asyncio.to_thread(end)
            self._watched = wanted = self._wanted()  # now: tabs may have come while it ended
            if wanted is None:
                self._closed = True
                self._gone(self)
                await asyncio.to_thread(self._worker.close)
                return
            try:
                self._end = await asyncio.to_thread(self._backend.watch, wanted, self._show, self._problem)
            except Exception as error:
                self._watched = None
                self._set_problem(error.message if isinstance(error, VisionError) else reason(error))

    def _wanted(self) -> Watch | None:
        """Return what the tabs want; None = there are none."""
        return replace(self.key, cloud=any("cloud" in tab.wants for tab in self.tabs)) if self.tabs else None

    async def again(self) -> None:
        """Try again to watch, if that failed."""
        if self._watched is None and self.tabs:
            await self._follow()

    # In other threads.

    def _show(self, shown: Shown) -> None:
        if shown.result is not None and shown.result.changes:
            changes = shown.result.changes
            self._loop.call_soon_threadsafe(self._tell_changes, changes)
        self._worker.put(shown)

    def _problem(self, why: str) -> None:
        self._loop.call_soon_threadsafe(self._set_problem, why)

    def _encoding_failed(self, error: BaseException | None) -> None:
        if error is not None:
            logging.getLogger(__name__).error("cannot show %s: %s", self.key, reason(error), exc_info=error)
        self._problem("" if error is None else f"it cannot be shown: {reason(error)}")

    def _encode(self, shown: Shown) -> None:
        ready = clouds = False
        quick = True
        for tab in tuple(self.tabs):
            ready = ready or tab.ready
            quick = quick and tab.quick
            clouds = clouds or "cloud" in tab.wants
        recording = self.recording.armed
        if not ready and not recording:
            self._skipped = shown
            if any(tab.ready for tab in tuple(self.tabs)):  # one may have become so meanwhile
                self._loop.call_soon_threadsafe(self.ready)
            return
        header, parts = frame_message(shown)
        self.encoded += 1
        now = time.monotonic()
        asks = not quick or now - self._asked >= wire.ASKING_PERIOD
        if asks:
            self._asked = now
        self._pass_on("frame", header, parts, asks=asks)
        if recording:
            self._record(shown, parts)
        if clouds and now >= self._cloud_due:
            self._cloud_due = now + 1 / wire.CLOUD_RATE
            message = cloud_message(shown)
            if message is not None:
                self._pass_on("cloud", *message)

    def _record(self, shown: Shown, parts: list[wire.Part]) -> None:
        """Keep what is shown; what has no image, or has the result of another frame, makes no recording."""
        jpeg = next((bytes(data) for name, _, data in parts if name == "image"), None)
        frame, result = shown.frame, shown.result
        if jpeg is None or (result is not None and result.frame is not frame):
            return
        width, height = frame.size
        found = {} if result is None or result.problem else result.found
        self.recording.add(
            Moment(
                stamp=frame.stamp, jpeg=jpeg, width=width, height=height, found=found, frame_id=frame.frame_id,
                camera=self.key.camera, service=self.key.service, intrinsics=frame.intrinsics,
                skeleton=() if result is None else result.skeleton, changes=() if result is None else result.changes,
            )
        )  # fmt: skip

    def _pass_on(
        self, kind: str, header: Mapping[str, Any] | str, parts: list[wire.Part], *, asks: bool = True
    ) -> None:
        number = next(_sequence)
        frame = wire.websocket_frame(wire.pieces(header, parts, number=number, asks=asks))
        self._loop.call_soon_threadsafe(self._publish, kind, Message(number, asks, frame))

    # In the loop again.

    def _publish(self, kind: str, message: Message) -> None:
        self._last[kind] = message
        wanted = "image" if kind == "frame" else kind
        for tab in self.tabs:
            if wanted in tab.wants:
                tab.offer(kind, message)

    def _set_problem(self, why: str) -> None:
        if why != self.problem:
            self.problem = why
            for tab in self.tabs:
                self._tell_watching(tab)

    def _tell_watching(self, tab: Tab) -> None:
        key = self.key
        mode = "live" if key.live else "result"
        tab.tell(
            {
                "type": "watching",
                "service": key.service,
                "camera": key.camera,
                "mode": mode,
                "problem": self.problem or None,
            }
        )

    def _tell_changes(self, changes: tuple[LabelChange, ...]) -> None:
        for change in changes:
            for tab in self.tabs:
                tab.tell(
                    {
                        "type": "event",
                        "previous": change.previous,
                        "current": change.current,
                        "confidence": change.confidence,
                        "camera": change.camera_name,
                        "stamp": str(change.stamp),
                    }
                )


class Channels:
    """All channels that tabs show."""

    def __init__(self, backend: Backend) -> None:
        """Show nothing yet."""
        self._backend = backend
        self._channels: dict[Watch, Channel] = {}

    async def show(self, tab: Tab, watch: Watch | None, wants: frozenset[str]) -> None:
        """Show something else in a tab; None = nothing."""
        key = None if watch is None else replace(watch, cloud=False)
        tab.wants = wants
        before = tab.channel
        if before is not None and before.key == key:
            await before.enter(tab)
            return
        if before is not None:
            await before.leave(tab)
        if key is not None:
            channel = self._channels.get(key)
            if channel is None:
                channel = self._channels[key] = Channel(key, self._backend, self._forget)
            await channel.enter(tab)

    def recording(self, watch: Watch) -> Recording | None:
        """Return what is recorded of what is shown; None = it is not shown."""
        channel = self._channels.get(replace(watch, cloud=False))
        return channel.recording if channel is not None else None

    def encoded(self) -> int:
        """Return how many images were encoded for the channels that there are, for tests and figures."""
        return sum(channel.encoded for channel in self._channels.values())

    async def again(self) -> None:
        """Try again what could not be watched: its node may have come."""
        for channel in list(self._channels.values()):
            await channel.again()

    def _forget(self, channel: Channel) -> None:
        if self._channels.get(channel.key) is channel:
            del self._channels[channel.key]
