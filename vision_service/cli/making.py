"""The model that a command's arguments describe, made without ROS."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from vision_service.cli.settings import Setting, values
from vision_service.configuration import attributes, configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import LocalResources, Resources
from vision_service.tasks import CLASSIFY, DETECT, SEGMENT, SEGMENT_3D, Task, abilities, can, tasks_of
from vision_service.vision import MODELS
from vision_service.vision.model import VisionModel

if TYPE_CHECKING:
    from vision_service.parameter_files import Section

_COMMANDS = {
    DETECT: "detect",
    CLASSIFY: "classify",
    SEGMENT: "segment on an image",
    SEGMENT_3D: "segment on a point cloud",
}
"""By what a model can do, the command that lets it do that on files."""


@contextmanager
def made(arguments: argparse.Namespace, *tasks: Task) -> Iterator[Any]:
    """Yield the model that the arguments describe, and close it, and what it builds on, afterwards.

    A parameter file's other sections are the services that it may name.

    Args:
        arguments: Of a subcommand that runs a model.
        tasks: What the model must be able to do, one of them at least.

    Raises:
        VisionError: There is none of that name, its configuration is wrong, or it can do nothing of that.
    """
    if arguments.node and not arguments.params:
        arguments.usage_error("--node says which node of a parameter file: give that by --params FILE")
    sections, section = _sections(arguments.params, arguments.node) if arguments.params else ({}, {})
    name = arguments.model or section.get("model") or ("mlmodel" if arguments.model_path else arguments.default_model)
    if not name:
        arguments.usage_error(f"give --model, one of {', '.join(MODELS.names())}, or --model-path FILE")
    paths = {"model_path": arguments.model_path, "label_path": arguments.label_path}
    given = (_attributes(section) if section else {}) | {
        attribute: path for attribute, path in paths.items() if path is not None
    }
    with (
        closing(LocalResources(_makers(sections))) as resources,
        closing(_new(name, resources, given, arguments.settings)) as model,
    ):
        if not any(task.methods(abilities(model)) for task in tasks):
            msg = f"the model {name} cannot {' or '.join(task.name for task in tasks)}: it can {can(model)}"
            commands = [f"vision-service {_COMMANDS[task]}" for task in tasks_of(abilities(model)) if task in _COMMANDS]
            if commands:
                msg += f"; use {' or '.join(dict.fromkeys(commands))}"
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        yield model


def refused(sections: Mapping[str, Section], nodes: Iterable[str]) -> Iterator[tuple[str, VisionError]]:
    """Load the model files of nodes, one after the other; yield the node and the reason of each that is refused.

    Args:
        sections: Of a parameter file: the services that the nodes may name.
        nodes: Which of them to look at: those that run a model file.
    """
    for name in nodes:
        try:
            with closing(LocalResources(_makers(sections))) as resources:
                if "model" in sections[name]:
                    _new(sections[name]["model"], resources, _attributes(sections[name])).close()
                else:
                    resources.mlmodel(name)
        except VisionError as error:
            yield name, error


def _sections(path: str, node: str) -> tuple[Mapping[str, Section], Section]:
    """Return the sections of a parameter file, and that of the vision node."""
    from vision_service.cli.parameter_file import read_sections, vision_section

    sections = read_sections(path)
    return sections, vision_section(sections, node)


def _attributes(section: Section) -> Section:
    """Return what a vision node's section says of its model."""
    from vision_service.cli.parameter_file import model_attributes

    return model_attributes(section)


def _new(name: str, resources: Resources, given: Mapping[str, Any], settings: Iterable[Setting] = ()) -> VisionModel:
    """Return a model with these values of its attributes; the settings go before them."""
    from vision_service.cli.output import working

    cls = MODELS.get(str(name))
    config = configure(cls.Config, {**given, **values(cls.Config, settings)}, of=f"the model {name}")
    with working(f"loading the model {name}"):
        model: VisionModel = cls(config, resources)
    return model


def _makers(sections: Mapping[str, Section]) -> dict[str, dict[str, Callable[[Resources], Any]]]:
    """Return how to make the vision services and the ML models of a parameter file, by kind and name."""
    vision: dict[str, Callable[[Resources], Any]] = {}
    mlmodels: dict[str, Callable[[Resources], Any]] = {}
    for name, section in sections.items():
        if "model" in section:
            vision[name] = partial(_new, section["model"], given=_attributes(section))
        elif "model_path" in section:
            mlmodels[name] = partial(_new_mlmodel, name, section)
    return {"vision": vision, "mlmodel": mlmodels}


def _new_mlmodel(name: str, section: Section, _: Resources) -> Any:
    """Return the runtime that holds the model of an ML model node."""
    from vision_service.mlmodel.loading import load_file
    from vision_service.settings.model_file import ModelFileConfiguration

    known = attributes(ModelFileConfiguration)
    given = {key: value for key, value in section.items() if key.partition(".")[0] in known}
    return load_file(configure(ModelFileConfiguration, given, of=f"the ML model {name}"))
