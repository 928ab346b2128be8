"""What the page shows: it is subscribed to while it is shown, and where nothing comes it is said why."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from rclpy.exceptions import InvalidTopicNameException
from rclpy.validate_full_topic_name import validate_full_topic_name

from vision_service.camera.topics import CameraTopics
from vision_service.control.backend import Shown, Watch
from vision_service.errors import ErrorCode, VisionError, shortened
from vision_service.ros.calling import Caller
from vision_service.ros.camera_parameters import cameras_of
from vision_service.ros.client import VisionClient
from vision_service.ros.control.graph import ANSWERING, Graph, outcome, plain
from vision_service.ros.control.streams import CameraElsewhere, ResultsElsewhere, Stream
from vision_service.ros.local_nodes import LocalNodes
from vision_service.ros.topic_camera import Feed
from vision_service.srv import GetStatus

SILENT = 3.0
"""After how long it is said why nothing is shown, seconds."""


class Watching:
    """The streams that are shown."""

    def __init__(
        self,
        node: Any,
        caller: Caller,
        graph: Graph,
        local_nodes: LocalNodes,
        *,
        do: Callable[[Callable[[], None]], None],
        tending: Callable[[bool], None],
    ) -> None:
        """Show nothing yet.

        Args:
            node: Whose subscriptions are made.
            caller: Calls nodes.
            graph: What runs.
            local_nodes: The nodes of this process, whose frames and results are taken by reference.
            do: Does a job in the executor's thread.
            tending: Told, in that thread, whether ``tend`` is to be called now and then.
        """
        self._node = node
        self._caller = caller
        self._graph = graph
        self._local = local_nodes
        self._do = do
        self._tending = tending
        self._lock = threading.Lock()
        self._streams: set[Stream] = set()
        self._cameras: dict[Stream, list[CameraElsewhere]] = {}
        self._results: dict[Stream, ResultsElsewhere] = {}
        self._asked: dict[Stream, Future[Any]] = {}

    def close(self) -> None:
        """Show nothing more."""
        for stream in list(self._streams):
            stream.end()

    def watch(self, watch: Watch, show: Callable[[Shown], None], problem: Callable[[str], None]) -> Callable[[], None]:
        """Show from now on; return what ends that."""
        slot, feed, results = None, None, None
        cameras: list[CameraElsewhere] = []
        if watch.service:
            self._graph.check(watch.service)
            topics = self._topics(watch)
            local = self._local.vision.get(watch.service)
            if local is not None:
                slot = local.results
                if watch.live:
                    feed = self._feed(watch, topics, cameras)
            else:
                frames = self._feed(watch, topics, cameras)
                results = ResultsElsewhere(
                    self._node, watch.service, watch.camera, frames, self._do, here=bool(cameras)
                )
                results.class_names = self._labels(watch.service)
                slot = results.slot
                feed = frames if watch.live else None
        else:
            base = watch.camera if watch.camera in self._foreign_names() else f"{watch.camera}/image_raw"
            check_topic(base)
            folder = base.rpartition("/")[0]
            topics = CameraTopics(image=base).named(folder)
            feed = self._feed(watch, topics, cameras)
        stream = Stream(watch, slot, feed, show, problem)
        with self._lock:
            self._streams.add(stream)
            self._cameras[stream] = cameras
            if results is not None:
                self._results[stream] = results
        self._do(lambda: self._tending(True))

        def end() -> None:
            stream.end()
            with self._lock:
                self._streams.discard(stream)
                self._cameras.pop(stream, None)
                self._results.pop(stream, None)
                self._asked.pop(stream, None)

        return end

    def _foreign_names(self) -> set[str]:
        return {each["name"] for each in self._graph.foreign(self._graph.services())}

    def _topics(self, watch: Watch) -> CameraTopics:
        """Return the topics of a service's camera, with full names.

        Raises:
            VisionError: UNKNOWN_CAMERA, if the service does not look at such a camera, or does not say so.
        """
        found = cameras_of(self._caller, watch.service, ANSWERING)
        if watch.camera not in found:
            if not found:
                msg = f"{watch.service} says of no camera (yet): it is not configured, or has none"
            else:
                msg = f"{watch.service} does not look at a camera {watch.camera!r}, but at {', '.join(found)}"
            raise VisionError(ErrorCode.UNKNOWN_CAMERA, msg)
        namespace = watch.service.rpartition("/")[0]
        topics = found[watch.camera]

        def full(name: str) -> str:
            if name.startswith("~"):
                return watch.service + name[1:]
            return name if name.startswith("/") else f"{namespace}/{name}"

        return CameraTopics(
            image=full(topics.image), camera_info=full(topics.camera_info), depth=full(topics.depth),
            points=full(topics.points), transport=topics.transport, depth_transport=topics.depth_transport,
            bit_depth=topics.bit_depth,
        )  # fmt: skip

    def _feed(self, watch: Watch, topics: CameraTopics, cameras: list[CameraElsewhere]) -> Feed:
        """Return a camera's frames: of this process, else of its topics."""
        feed = self._local.feeds.find(topics.image)
        if feed is not None:
            return feed
        camera = CameraElsewhere(self._node, watch.camera, topics, cloud=watch.cloud)
        cameras.append(camera)
        return camera.feed

    def _labels(self, service: str) -> tuple[str, ...]:
        with suppress(VisionError), VisionClient(service, self._node) as client:
            return client.get_properties(timeout=ANSWERING).labels
        return ()

    def tend(self) -> None:
        """Do what time alone asks for, in the executor's thread."""
        with self._lock:
            streams = list(self._streams)
            cameras = [each for several in self._cameras.values() for each in several]
            results = list(self._results.values())
        if not streams:
            self._tending(False)
            return
        for camera in cameras:
            camera.tend()
        for each in results:
            each.tend()
        now = time.monotonic()
        for stream in streams:
            if now - stream.shown > SILENT:
                self._explain(stream)

    def _explain(self, stream: Stream) -> None:
        """Say why nothing is shown: as the node knows it, if it answers."""
        if stream in self._asked:
            return
        watch = stream.watch
        node = watch.service or watch.camera
        silence = "; ".join(filter(None, (each.silence() for each in self._cameras.get(stream, ()))))
        try:
            self._graph.check(node)
            asked = self._caller.call(GetStatus, f"{node}/get_status", GetStatus.Request(), plain, ANSWERING)
        except VisionError as error:
            stream.say(silence or error.message)
            return
        self._asked[stream] = asked

        def told(future: Future[Any]) -> None:
            self._asked.pop(stream, None)
            if time.monotonic() - stream.shown <= SILENT:
                return
            answer = outcome(future)
            if answer is None:
                stream.say(f"{node} does not answer any more")
                return
            status = json.loads(answer.status or "{}")
            why = [*([status["last_error"]] if status.get("last_error") else []), *status.get("troubles", [])]
            if answer.state != "active":
                stream.say(f"{node} is {answer.state}" + (f": {why[0]}" if why else ""))
            else:
                stream.say("; ".join(why) or silence or f"nothing has come of {node} for {SILENT:g} s")

        asked.add_done_callback(told)


def check_topic(name: str) -> None:
    """Refuse what cannot be the name of a topic.

    Raises:
        VisionError: UNKNOWN_CAMERA.
    """
    # pybind11 takes no half of a surrogate pair.
    why = "" if name.isascii() else "a name has letters of ASCII, digits, _ and /"
    try:
        if not why:
            validate_full_topic_name(name)
    except (InvalidTopicNameException, ValueError) as error:
        why = str(error).splitlines()[0].rstrip(":")
    if why:
        camera = shortened(name.removesuffix("/image_raw"), 100)
        raise VisionError(ErrorCode.UNKNOWN_CAMERA, f"no camera {camera!r}: {shortened(why, 200)}")
