"""What a parameter file says of its nodes, checked without running them: names, values and files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_service.attribute_owners import owned_elsewhere
from vision_service.camera import DRIVERS
from vision_service.camera.calibration import CalibrationConfig, ExtrinsicsConfig, IntrinsicsConfig
from vision_service.camera.geometries import BoxConfig
from vision_service.camera.topics import CameraTopics
from vision_service.configuration import Attribute, Names, attributes, below, configure, did_you_mean
from vision_service.errors import VisionError
from vision_service.files import PACKAGE, resolve
from vision_service.findings import Finding, note
from vision_service.parameter_files import Section, is_for, read_parameter_file
from vision_service.settings.camera import CameraConfiguration
from vision_service.settings.mlmodel import MLModelConfiguration
from vision_service.settings.node import DECLARED_BY_ROS
from vision_service.settings.stack import StackConfiguration
from vision_service.settings.viam_gateway import ViamGatewayConfiguration
from vision_service.settings.vision import VisionConfiguration
from vision_service.vision import MODELS
from vision_service.zones.config import ZoneConfig
from vision_service.zones.zone import make_zone

STACK = "stack"
VIAM_GATEWAY = "viam_gateway"
EXTRINSICS = "extrinsic_parameters."
KINDS = {"cameras": "camera", "mlmodels": "mlmodel", "vision": "vision"}
"""The kinds of nodes by the stack's parameters that list them."""
Configurations = list[tuple[str, type]]
"""Prefixes of names with their dot, and the dataclasses whose attributes stand below them."""


@dataclass(frozen=True)
class FileNode:
    """A node of ours that a parameter file describes.

    Attributes:
        name: Its full name, as far as the file tells: in no namespace where the section is for any.
        kind: ``camera``, ``mlmodel``, ``vision``, ``viam_gateway`` or ``stack``.
        section: Its parameters.
    """

    name: str
    kind: str
    section: Section

    def cameras(self) -> dict[str, CameraTopics]:
        """Return the topics of the cameras that it subscribes to, as far as what is said of them is right."""
        if self.kind != "vision":
            return {}
        found = {}
        for camera in _cameras(self.section):
            known = _own(f"{camera}.", CameraTopics, self.section)  # what is not known is said elsewhere
            try:
                found[camera] = configure(CameraTopics, known, of=camera).named(camera)
            except VisionError:
                continue
        return found


def nodes_of(path: str | Path) -> list[FileNode]:
    """Return the nodes of ours that a parameter file describes: those of its stack, else what looks like one.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read or is no parameter file.
    """
    sections = read_parameter_file(path)
    stack = next((name for name, _ in sections if name.rpartition("/")[2] == STACK), None)
    if stack is None:
        names = dict.fromkeys(_plain(name) for name, _ in sections if "*" not in _plain(name))
        found = [(name, _values(sections, name)) for name in names]
        return [FileNode(name, kind, section) for name, section in found if (kind := _kind(name, section))]
    name = _plain(stack)
    section = _values(sections, name)
    nodes = [FileNode(name, STACK, section)]
    for listing, kind in KINDS.items():
        listed = section.get(listing) or ()
        for each in listed if isinstance(listed, (list, tuple)) else ():
            full = f"{name.rpartition('/')[0]}/{each}"
            nodes.append(FileNode(full, kind, _values(sections, full)))
    gateway = f"{name.rpartition('/')[0]}/{VIAM_GATEWAY}"
    if section.get(VIAM_GATEWAY) is True and any(is_for(each, gateway) for each, _ in sections):  # it needs no section
        nodes.append(FileNode(gateway, VIAM_GATEWAY, _values(sections, gateway)))
    return nodes


def planned_nodes(path: str | Path) -> list[FileNode]:
    """Return the nodes that a parameter file describes; none if it is wrong, which :func:`check_file` says."""
    try:
        return nodes_of(path)
    except VisionError:
        return []


def check_file(path: str | Path) -> list[Finding]:
    """Return what is wrong with a parameter file: sections, names, values, and files that it names."""
    try:
        nodes = nodes_of(path)
        sections = [name for name, _ in read_parameter_file(path)]
    except VisionError as error:
        return [Finding("parameter_file", str(path), error.message)]
    if not nodes:
        what = (
            "it describes no node of ours: no section 'stack' or 'viam_gateway', and none with a 'driver', 'model' or"
            " 'model_path'"
        )
        return [Finding("parameter_file", str(path), what, "see config/demo.yaml of this package for an example")]
    found = []
    for node in nodes:
        if not any(is_for(section, node.name) for section in sections):
            known = did_you_mean(node.name.rpartition("/")[2], [_plain(name).rpartition("/")[2] for name in sections])
            found.append(Finding("parameter_file", node.name, f"the stack lists it, but it has no section{known}"))
            continue
        found += [Finding("parameter", node.name, what) for what in wrong_parameters(node)]
        found += missing_files(node)
    return list(dict.fromkeys(found))


def wrong_parameters(node: FileNode) -> Iterator[str]:
    """Yield what is wrong with the names and values of a node's parameters."""
    try:
        configurations = _configurations(node)
    except VisionError as error:
        yield error.message
        return
    values = {name: value for name, value in node.section.items() if not name.startswith(DECLARED_BY_ROS)}
    used: set[str] = set()
    for prefix, configuration in configurations:
        own = _own(prefix, configuration, values)
        used |= {f"{prefix}{name}" for name in own}
        try:
            configure(configuration, own, of=prefix.rstrip(".") or "its parameters")
        except VisionError as error:
            yield error.message
    if node.kind == "vision":
        yield from _wrong_zones(values)
    known = [f"{prefix}{name}" for prefix, configuration in configurations for name in attributes(configuration)]
    for name in values:
        if name not in used:
            yield f"no parameter {name!r}{_meant(name, known)}"


def missing_files(node: FileNode) -> Iterator[Finding]:
    """Yield which of the files that a node's parameters name cannot be read."""
    try:
        configurations = _configurations(node)
    except VisionError:
        return
    for prefix, configuration in [*configurations, *_parts(configurations, node.section)]:
        for name, value in _own(prefix, configuration, node.section).items():
            attribute = attributes(configuration).get(name.partition(".")[0])
            if attribute is None:
                continue
            for text in _texts(value):
                what = unreadable(attribute, text)
                if what and attribute.names is Names.FILE_URL:
                    advice = "calibrate the camera, by which it is written, or put it there"
                    yield note("file", node.name, f"{prefix}{name}: {what}", advice)
                elif what:
                    advice = f"put it there, or give {node.name} another {prefix}{name}"
                    yield Finding("file", node.name, f"{prefix}{name}: {what}", advice)


def unreadable(attribute: Attribute, text: str) -> str:
    """Return why what an attribute names cannot be read; empty if it can be, or if it names no file."""
    plain = text.removeprefix("file://")
    named = attribute.names
    if not text or named is Names.NOTHING or ("://" in plain and not plain.startswith(PACKAGE)):
        return ""
    if "${" in plain or (named in (Names.DEVICE, Names.LIBRARY, Names.STREAM) and "/" not in plain):
        return ""  # names of devices, providers and entries of the environment
    try:
        path = resolve(plain)
        if path.exists():
            return "" if os.access(path, os.R_OK) else f"{str(path)!r} may not be read by this user"
        if glob.has_magic(str(path)):
            return "" if glob.glob(str(path)) else f"no file matches {str(path)!r}"  # noqa: PTH207
        others = sorted(each.name for each in path.parent.iterdir()) if path.parent.is_dir() else []
    except (OSError, RuntimeError, ValueError) as error:
        return f"{text!r} is no name of a file: {error}"
    near = did_you_mean(path.name, others) if others else ""
    near = near if "did you mean" in near else ""
    where = "" if path.is_absolute() else f" (relative to {str(Path.cwd())!r})"
    missing = "" if path.parent.is_dir() else ", nor its folder"
    return f"there is no file {str(path)!r}{where}{missing}{near}"


def _configurations(node: FileNode) -> Configurations:
    """Return what may be said of a node.

    Raises:
        VisionError: INVALID_ARGUMENT or UNKNOWN_RESOURCE, if that depends on a name that is missing or unknown.
    """
    section = node.section
    if node.kind == STACK:
        return [("", StackConfiguration)]
    if node.kind == VIAM_GATEWAY:
        return [("", ViamGatewayConfiguration)]
    if node.kind == "mlmodel":
        return [("", MLModelConfiguration)]
    if node.kind == "vision":
        model = MODELS.get(str(_required(section, "model", VisionConfiguration)))
        cameras = [(f"{camera}.", CameraTopics) for camera in _cameras(section)]
        zones = [(f"{zone}.", ZoneConfig) for zone in _zones(section)]
        return [("", VisionConfiguration), ("", model.Config), *cameras, *zones]
    driver = DRIVERS.get(str(_required(section, "driver", CameraConfiguration)))
    calibration: Configurations = [("", CalibrationConfig), (EXTRINSICS, ExtrinsicsConfig)]
    if "intrinsic_parameters" not in attributes(driver.Config):
        calibration.append(("", IntrinsicsConfig))
    labels = section.get("geometries") or ()
    boxes = [(f"{label}.", BoxConfig) for label in labels if isinstance(label, str)]
    return [("", CameraConfiguration), ("", driver.Config), *calibration, *boxes]


def _required(section: Section, name: str, configuration: type) -> Any:
    if name not in section:
        configure(configuration, {}, of="its parameters")  # says what is missing
    return section.get(name)


def _parts(configurations: Configurations, section: Section) -> Configurations:
    """Return what stands below the names of parts, such as the transforms of a pipeline."""
    return [item for prefix, each in configurations if not prefix for item in below(each, section)]


def _own(prefix: str, configuration: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that belong to a configuration, with those of its parts, by their names below its prefix."""
    known = attributes(configuration)
    listing = [values.get(item.name) or () for item in known.values() if item.parts is not None]
    parts = {part for parts in listing if isinstance(parts, (list, tuple)) for part in parts}
    found = {}
    for name, value in values.items():
        if not name.startswith(prefix):
            continue
        rest = name.removeprefix(prefix)
        base, _, key = rest.partition(".")
        if rest in known or (key and ((base in known and known[base].form == "map") or base in parts)):
            found[rest] = value
    return found


def _cameras(section: Section) -> list[str]:
    cameras = section.get("cameras") or [section.get("camera_name")]
    listed = cameras if isinstance(cameras, (list, tuple)) else []
    return [camera for camera in dict.fromkeys(listed) if isinstance(camera, str) and camera]


def _zones(section: Section) -> list[str]:
    listed = section.get("zones") or ()
    return [zone for zone in listed if isinstance(zone, str)] if isinstance(listed, (list, tuple)) else []


def _wrong_zones(section: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the places of zones whose attributes are right."""
    cameras = _cameras(dict(section))
    default = section.get("camera_name") or (cameras[0] if cameras else "")
    for zone in _zones(dict(section)):
        try:
            config = configure(ZoneConfig, _own(f"{zone}.", ZoneConfig, section), of=zone)
        except VisionError:  # which is said already
            continue
        try:
            if make_zone(zone, config, str(default), cameras) is None:
                yield f"zone {zone!r}: neither {zone}.polygon nor {zone}.line is given"
        except VisionError as error:
            yield error.message


def _values(sections: Iterable[tuple[str, Section]], node: str) -> Section:
    """Return what sections say of a node: of two that name the same, the later one counts, as rcl has it."""
    found: Section = {}
    for name, section in sections:
        if is_for(name, node):
            found.update(section)
    return found


def _kind(name: str, section: Section) -> str:
    if name.rpartition("/")[2] == VIAM_GATEWAY:  # as `vision-service viam-gateway --config` reads it
        return VIAM_GATEWAY
    kinds = {"driver": "camera", "model": "vision", "model_path": "mlmodel"}
    return next((kind for name, kind in kinds.items() if name in section), "")


def _plain(section: str) -> str:
    """Return the full name of a section's node, where it is for any namespace that in none."""
    return section.replace("/**/", "/")


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [each for each in values if isinstance(each, str)]


def _meant(name: str, known: Iterable[str]) -> str:
    if elsewhere := owned_elsewhere(name):
        return elsewhere
    said = did_you_mean(name, known)
    return said if "did you mean" in said else "; `vision-service models` lists what there is"
