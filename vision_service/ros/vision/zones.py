"""The zones of a vision node: its parameters made zones, its frames looked at, what is wrong with them told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vision_service.configuration import attributes, configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.node.diagnostics import Diagnostics
from vision_service.ros.parameters.declared import Parameters
from vision_service.settings.vision import VisionConfiguration
from vision_service.types import Detection, Frame, LabelChange
from vision_service.vision.model import VisionModel, has
from vision_service.zones.config import ZoneConfig
from vision_service.zones.monitor import CameraZones
from vision_service.zones.view import ZoneView
from vision_service.zones.zone import Zone, check_zone_labels, check_zone_names, make_zone

RESET = "reset_zones"
"""The command that begins all counts anew."""
COMMANDS = {RESET: "Begin the counts of all zones anew."}


class NodeZones:
    """The zones of a vision node, by camera.

    ``update`` and ``views`` may be called in the model's thread, everything else in the executor's.
    """

    def __init__(self, parameters: Parameters, diagnostics: Diagnostics) -> None:
        """Have no zones yet.

        Args:
            parameters: The node's, with ``zones`` declared.
            diagnostics: The node's.
        """
        self._parameters = parameters
        self._diagnostics = diagnostics
        self._cameras: dict[str, CameraZones] = {}
        self._made: tuple[list[Zone], dict[str, ZoneConfig]] = ([], {})
        parameters.lists.add("zones", ZoneConfig)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._cameras)

    def wanted(self, camera: str) -> bool:
        """Return whether a camera has zones, so that all its frames are to be looked at."""
        return camera in self._cameras

    def configure(self, settings: VisionConfiguration, model: VisionModel) -> None:
        """Take the zones that the parameters describe.

        Raises:
            VisionError: INVALID_ARGUMENT, if one of them is wrong or has no place; NOT_SUPPORTED, if the model is none
                for them.
        """
        self._cameras = {}
        check_zone_names(settings.zones, _taken(settings, type(model)))
        self._parameters.lists.follow("zones", settings.zones)
        zones, configs = self._read(settings, model, {})
        missing = [name for name in configs if name not in {zone.name for zone in zones}]
        if missing:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, _no_place(missing))
        self._use(zones, configs)

    def concern(self, changes: Mapping[str, Any]) -> bool:
        """Return whether changed parameters are of zones."""
        zones = self._made[1]
        return any(name == "zones" or name.partition(".")[0] in zones for name in changes)

    def validate(self, settings: VisionConfiguration, model: VisionModel, changes: Mapping[str, Any]) -> None:
        """Refuse changed parameters that would make zones that cannot be.

        Raises:
            VisionError: As of ``configure``; but a zone may have no place yet, because ros2 param sets one at a time.
        """
        if self.concern(changes):
            self._read(settings, model, changes)

    def apply(self, settings: VisionConfiguration, model: VisionModel, changes: Mapping[str, Any]) -> None:
        """Use changed parameters; zones that stay the same go on counting."""
        if self.concern(changes):
            self._parameters.lists.follow("zones", settings.zones)
            self._use(*self._read(settings, model, {}))

    def changed_model(self, model: VisionModel) -> None:
        """Begin anew with another model, whose tracks are others."""
        self.forget()
        why = ""
        try:
            check_zone_labels(*self._made, model.labels)
        except VisionError as error:
            why = error.message
        self._diagnostics.report("labels of zones", why)

    def tell(self) -> None:
        """Say which zones have no place; also when the node is activated, which has begun its diagnostics anew."""
        zones, configs = self._made
        missing = [name for name in configs if name not in {zone.name for zone in zones}]
        self._diagnostics.report("zones", _no_place(missing) if missing else "")

    def forget(self) -> None:
        """Forget all objects and counts."""
        for each in self._cameras.values():
            each.forget()

    def close(self) -> None:
        """Have no zones any more."""
        self._cameras = {}

    def update(
        self, camera: str, frame: Frame, found: Sequence[Detection], events: Iterable[LabelChange]
    ) -> list[LabelChange]:
        """Take in what was found in a frame, and return what has changed in the zones of all cameras.

        Args:
            camera: The frame's.
            frame: The frame.
            found: Its detections.
            events: The model's since the last call, of any camera: by them tracks end.
        """
        changes = self.ended(events)
        zones = self._cameras.get(camera)
        if zones is not None:
            changes += zones.update(frame.stamp, frame.frame_id, frame.size, found)
            self._diagnostics.report(f"zones of {camera}", zones.problem)
        return changes

    def ended(self, events: Iterable[LabelChange]) -> list[LabelChange]:
        """Take in which tracks have ended, and return who has left by that.

        Args:
            events: The model's, of any camera.
        """
        changes: list[LabelChange] = []
        for event in events:
            zones = self._cameras.get(event.camera_name)
            if zones is not None and event.previous and not event.current:
                changes += zones.end(event.previous, event.stamp, event.frame_id)
        return changes

    def views(self, camera: str, size: tuple[int, int]) -> list[ZoneView]:
        """Return the zones of a camera as they are drawn on images of a size (width, height)."""
        zones = self._cameras.get(camera)
        return zones.views(size) if zones is not None else []

    def status(self) -> dict[str, Any]:
        """Return the counts of all zones."""
        return {name: counts for each in self._cameras.values() for name, counts in each.status().items()}

    def _read(
        self, settings: VisionConfiguration, model: VisionModel, changes: Mapping[str, Any]
    ) -> tuple[list[Zone], dict[str, ZoneConfig]]:
        """Return the zones that have a place, and what all are made of, by name."""
        names = tuple(changes.get("zones", settings.zones))
        check_zone_names(names, _taken(settings, type(model)))
        cameras = settings.all_cameras()
        zones, configs = [], {}
        for name in names:
            values = self._parameters.values(ZoneConfig, prefix=f"{name}.", changes=changes)
            configs[name] = configure(ZoneConfig, values, of=f"zone {name!r}")
            zone = make_zone(name, configs[name], settings.default_camera(), cameras)
            if zone is not None:
                check_model(zone, model, settings.model)
                zones.append(zone)
        check_zone_labels(zones, configs, model.labels)
        return zones, configs

    def _use(self, zones: list[Zone], configs: dict[str, ZoneConfig]) -> None:
        before, by_camera = self._cameras, dict[str, list[Zone]]()
        for zone in zones:
            by_camera.setdefault(zone.camera, []).append(zone)
        self._made = zones, configs
        self._cameras = {name: CameraZones(name, each, before.get(name)) for name, each in by_camera.items()}
        for name in before.keys() | by_camera.keys():
            zones_now = self._cameras.get(name)
            self._diagnostics.report(f"zones of {name}", zones_now.problem if zones_now is not None else "")
        self.tell()
        self._diagnostics.report("labels of zones", "")


def check_model(zone: Zone, model: VisionModel, name: str) -> None:
    """Refuse a model that finds nothing for a zone, or does not track what the zone tells of.

    Args:
        zone: The zone.
        model: The model.
        name: How the parameter `model` calls it.

    Raises:
        VisionError: NOT_SUPPORTED, saying what to do.
    """
    if not has(model, "detect"):
        msg = f"zone {zone.name!r}: the model {name} finds no objects in images: zones need one that detects"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    if zone.events and not model.gives_ids:
        what = "who crosses a line" if zone.is_line else "who enters and leaves"
        other = "" if zone.is_line else f"; or set '{zone.name}.events: false' to count only what is inside"
        msg = (
            f"zone {zone.name!r}: to tell {what}, objects must be tracked, and the model {name} does not: put the zone"
            f" into a vision service with 'model: tracker' and 'detector_name:' this one{other}"
        )
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)


def _taken(settings: VisionConfiguration, model_class: type[VisionModel]) -> dict[str, str]:
    """Return which names of parameters mean something else, and what."""
    return {
        **dict.fromkeys(attributes(type(settings)), "a parameter"),
        **dict.fromkeys(attributes(model_class.Config), "an attribute of the model"),
        **dict.fromkeys(settings.all_cameras(), "a camera"),
    }


def _no_place(names: Sequence[str]) -> str:
    zones = ", ".join(repr(name) for name in names)
    example = f"'{names[0]}.polygon: [x, y, x, y, x, y]' or '{names[0]}.line: [x, y, x, y]'"
    return f"zone {zones}: neither a polygon nor a line is given: set {example}"
