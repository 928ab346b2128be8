"""The streams of a vision node: which cameras it looks at unasked, and what it publishes of their frames."""

from __future__ import annotations

from functools import partial
from typing import Any

from vision_service.errors import VisionError, reason
from vision_service.results import ResultSlot, result_of
from vision_service.ros import conversion
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.vision.cameras import Cameras
from vision_service.ros.vision.model_at_work import ModelAtWork
from vision_service.ros.vision.outputs import Outputs
from vision_service.ros.vision.streaming import Steady, Stream
from vision_service.ros.vision.topics import ANNOTATED_IMAGES, EVENTS
from vision_service.ros.vision.zones import NodeZones
from vision_service.scheduler import Scheduler
from vision_service.tasks import abilities
from vision_service.types import Frame, LabelChange
from vision_service.vision.model import Needs, VisionModel, methods


class VisionStreams:
    """Looks at the frames of the cameras whose results somebody wants, and publishes these; in the executor's thread.

    What it does with a frame runs in the model's thread.
    """

    def __init__(
        self, node: ServiceNode, work: ModelAtWork, cameras: Cameras, zones: NodeZones, results: ResultSlot
    ) -> None:
        """Look at nothing yet.

        Args:
            node: The vision node.
            work: Its model.
            cameras: Its cameras.
            zones: Its zones.
            results: Takes the results for who wants them in this process.
        """
        self._node = node
        self._work = work
        self._cameras = cameras
        self._zones = zones
        self._results = results
        self._outputs: dict[str, Outputs] = {}
        self._streams: dict[str, Stream] = {}

    def names(self) -> list[str]:
        """Return the cameras that are looked at, sorted."""
        return sorted(self._streams)

    def make_outputs(self, model: VisionModel) -> None:
        """Make the topics of the configured cameras, those that a model can fill."""
        self.stop()
        self.destroy_outputs()
        default = self._node.settings.default_camera()
        able = abilities(model) | ({EVENTS} if model.gives_ids else set())
        self._outputs = {
            camera: Outputs(self._node, [f"~/{camera}", *(["~"] if camera == default else [])], able)
            for camera in self._node.settings.all_cameras()
        }

    def destroy_outputs(self) -> None:
        """Take the topics off the graph."""
        for outputs in self._outputs.values():
            outputs.destroy()
        self._outputs = {}

    def stop(self) -> None:
        """Look at no frames any more."""
        for camera in list(self._streams):
            self._stop(camera)

    def withdraw(self) -> None:
        """Look at no frames any more, and say that nothing is seen."""
        self.stop()
        for outputs in self._outputs.values():
            outputs.close()

    def tend(self) -> None:
        """Look at the cameras whose results are wanted, and say which are silent."""
        for camera in dict.fromkeys([*self._outputs, *self._cameras.names()]):
            try:
                self._tend(camera)
                self._node.diagnostics.report(f"camera {camera}", "")
            except VisionError as error:  # one camera must not hold up the others
                why = f"cannot look at camera {camera!r}: {error.message}"
                self._node.diagnostics.report(f"camera {camera}", why)

    def _tend(self, camera: str) -> None:
        self._cameras.tend(camera)
        if camera not in self._outputs:  # somebody has called for it by its name
            return
        subscribed = self._outputs[camera].subscribed()
        shown = self._results.wanted(camera)
        if subscribed or shown or self._zones.wanted(camera) or self._sees_every_frame():
            self._start(camera, self._needs(camera, shown or bool(subscribed & ANNOTATED_IMAGES)))
        else:
            self._stop(camera)
        self._cameras.keep(camera, self._work.get().model.needs, self._node.settings.keep_subscribed)
        self._watch(camera)

    def _sees_every_frame(self) -> bool:
        """Return whether the cameras are looked at even if nobody subscribes."""
        model, settings = self._work.get().model, self._node.settings
        steady = settings.smoothing_window > 1 or bool(settings.event_threshold)
        return model.sees_every_frame or (steady and "classify" in methods(model))

    def _needs(self, camera: str, drawn: bool) -> Needs:
        """Return what frames must have: something to draw on, where that is done and there is such an object."""
        needs = self._work.get().model.needs
        if drawn and Needs.IMAGE not in needs and self._cameras.has_images(camera):
            return needs | Needs.IMAGE | Needs.INTRINSICS
        return needs

    def _start(self, camera: str, needs: Needs) -> None:
        feed, inference, outputs = self._cameras.feed(camera, needs), self._work.get(), self._outputs[camera]
        if camera in self._streams:
            if self._streams[camera].feed is feed:
                self._streams[camera].look_again()
                return
            self._stop(camera)
        settings = self._node.settings
        steady = Steady(camera, settings.smoothing_window, settings.event_threshold)
        publish = partial(self._publish, camera, inference, outputs, steady)
        outputs.open()
        self._streams[camera] = Stream(camera, feed, inference, publish, lambda: self._node.settings.max_rate)

    def _stop(self, camera: str) -> None:
        stream = self._streams.pop(camera, None)
        if stream is not None:
            stream.stop()
            self._node.diagnostics.report(f"stream {camera}", "")

    def _publish(self, camera: str, inference: Scheduler, outputs: Outputs, steady: Steady, frame: Frame) -> None:
        """Publish what the model says of a frame; in its thread."""
        diagnostics, settings, model = self._node.diagnostics, self._node.settings, inference.model
        shown, zoned = self._results.wanted(camera), self._zones.wanted(camera)
        told = False
        try:
            results: dict[str, Any] = {}
            if steady.wanted and "classify" in methods(model):
                results["classify"] = steady.add(frame, inference.now("classify", frame))
            if model.sees_every_frame or zoned:
                follows = "detect" if "detect" in methods(model) else "segment"
                results[follows] = inference.now(follows, frame)

            def run(method: str, frame: Frame) -> Any:
                return results[method] if method in results else inference.now(method, frame)

            changes: list[LabelChange] = []
            if shown:
                results |= {each: run(each, frame) for each in methods(model) if each not in results}
            if shown or self._zones:
                told_by_model = model.events()
                moved = self._zones.update(camera, frame, results.get("detect", ()), told_by_model)
                changes = [*steady.changes(), *told_by_model, *moved]
            zones = self._zones.views(camera, frame.size) if zoned else ()
            if shown:
                self._results.put(
                    result_of(camera, frame, results, skeleton=model.skeleton, changes=tuple(changes), zones=zones)
                )
                told = True
            outputs.publish(
                frame,
                run if results else inference.now,
                place=self._work.place,
                ground=partial(model.ground, frame.camera_name),
                jpeg_quality=settings.jpeg_quality,
                skeleton=model.skeleton,
                zones=zones,
                # What this node does not withdraw any more, because it was killed, ends by itself.
                lasting=2 * settings.silence + (2 / settings.max_rate if settings.max_rate else 0),
            )
            late = model.events()
            changes += [*steady.changes(), *late, *(self._zones.ended(late) if late else ())]
            for change in changes:
                if change.camera_name in self._outputs:
                    self._outputs[change.camera_name].send_event(conversion.label_change_to_message(change))
            diagnostics.report("assumed", model.warning)  # frames may have given cause for one
            diagnostics.report(f"stream {camera}", "")
        except BaseException as error:  # a library may even raise SystemExit
            outputs.failed()
            if shown and not told:
                self._results.put(result_of(camera, frame, {}, problem=reason(error)))
            if camera in self._streams:
                diagnostics.report(f"stream {camera}", f"no results for a frame of {camera!r}: {reason(error)}")

    def _watch(self, camera: str) -> None:
        """Say once when a camera that is wanted falls silent, and once when that is over; withdraw what it showed."""
        diagnostics = self._node.diagnostics
        diagnostics.report(f"quality of service {camera}", self._cameras.misfits(camera))
        seconds, reason = self._cameras.quiet(camera)
        silence = self._node.settings.silence
        why = f"no frame of camera {camera!r} for {silence:g} s: {reason}"
        diagnostics.report(f"silence {camera}", why if seconds > silence else "")
        outputs = self._outputs[camera]
        if outputs.tells and (seconds > silence or outputs.outdated(silence)):
            outputs.withdraw()
        elif outputs.tells:
            self._node.look_within(silence - seconds)
