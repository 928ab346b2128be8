"""What the command `inspect` says: what a model's file is, and what it can serve as; or what a bag is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from vision_service.cli.bags import inspect_bag
from vision_service.cli.outcome import FAILED, OK, print_error
from vision_service.cli.settings import Setting, values
from vision_service.errors import VisionError
from vision_service.files import expanded

if TYPE_CHECKING:
    from rich.console import Console

    from vision_service.mlmodel.config import MLModelConfig
    from vision_service.mlmodel.runtime import Runtime, TensorInfo
    from vision_service.vision.mlmodel import MLModel

SHOWN_LABELS = 5
"""How many labels are shown."""

KINDS = {"detect": "a detector", "classify": "a classifier", "label": "a segmentation model"}
"""What a model is that has a method."""

EXTRAS = {"masks": "masks", "keypoints": "keypoints", "oriented_boxes": "oriented boxes"}
"""What its detections carry."""


def inspect(arguments: argparse.Namespace) -> int:
    """Run `inspect`; return the exit code."""
    from vision_service.camera.bag import is_bag
    from vision_service.cli import output

    if is_bag(expanded(arguments.model)):
        return inspect_bag(arguments)
    with output.working(f"loading {arguments.model}"):
        found = described(arguments.model, arguments.settings, arguments.label_path)
    problem = found["problem"]
    if arguments.json:
        output.print_json(found)
    else:
        _print(found)
    if problem:
        print_error(problem)
    elif found["warning"] and (arguments.strict or not arguments.json):
        print_error(found["warning"])
    return FAILED if problem or (arguments.strict and found["assumed"]) else OK


def described(file: str, settings: Sequence[Setting] = (), label_path: str | None = None) -> dict[str, Any]:
    """Return what a model's file is, as JSON knows it; its `problem` is why it cannot be served, or None.

    Args:
        file: Of the model.
        settings: Attributes of mlmodel.
        label_path: The file of the labels; None = as the settings say.

    Raises:
        VisionError: INVALID_ARGUMENT, if the settings are wrong.
    """
    from vision_service.configuration import configure
    from vision_service.mlmodel.config import MLModelConfig
    from vision_service.mlmodel.loading import load, options_of

    given = {"label_path": label_path} if label_path is not None else {}
    # The file is loaded here, and the model takes it as one that somebody else holds: it is of use even if unserved.
    given |= values(MLModelConfig, settings) | {"mlmodel_name": file}
    config = configure(MLModelConfig, given, of="the model mlmodel")
    found: dict[str, Any] = {"file": file}
    try:
        runtime = load(file, options_of(config), trial_timeout=config.trial_timeout)
    except VisionError as error:
        problem = error.message
    else:
        with closing(runtime):
            problem = _describe(found, runtime, config)
    found["problem"] = problem or None
    return found


def _describe(found: dict[str, Any], runtime: Runtime, config: MLModelConfig) -> str:
    """Add what a loaded model is; return why it cannot be served, or an empty text."""
    from vision_service.resources import LocalResources
    from vision_service.vision.mlmodel import MLModel

    found |= {
        "runtime": runtime.kind,
        "name": runtime.name,
        "description": runtime.description,
        "inputs": [_tensor(info, "") for info in runtime.inputs],
        "outputs": [_tensor(info, "") for info in runtime.outputs],
        "labels": _labels(runtime.labels, "the model's file"),
        "methods": [],
    }
    resources = LocalResources({"mlmodel": {config.mlmodel_name: lambda _: runtime}})
    try:
        model = MLModel(config, resources)
    except VisionError as error:
        return error.message
    _describe_use(found, model, runtime)
    return ""


def _describe_use(found: dict[str, Any], model: MLModel, runtime: Runtime) -> None:
    """Add what a model serves as, and how."""
    from vision_service.mlmodel.roles import ROLES
    from vision_service.vision.model import methods

    taken = model.input
    roles = {getattr(model.decoder, role): role for role in ROLES if hasattr(model.decoder, role)}
    found["outputs"] = [_tensor(info, roles.get(info.name, "")) for info in runtime.outputs]
    found["methods"] = sorted(methods(model))
    found["extras"] = sorted(model.extras)
    given = model.config.label_path or (
        runtime.facts.labels_from or "the model's file" if runtime.labels else "the decoder"
    )
    found["labels"] = _labels(model.labels, given)
    found["title"] = model.title
    found["contract"] = model.contract.to_json()
    found["assumed"] = model.contract.assumed()
    found["warning"] = model.warning
    found["image"] = {
        "width": taken.width,
        "height": taken.height,
        "channels": taken.channels,
        "resize": taken.rule,
    }


def _tensor(info: TensorInfo, role: str) -> dict[str, Any]:
    return {
        "name": info.name,
        "dtype": info.dtype,
        "shape": list(info.shape),
        "scales": list(info.scales[:1]),
        "zero_points": list(info.zero_points[:1]),
        "description": info.description,
        "role": role,
    }


def _labels(labels: tuple[str, ...], source: str) -> dict[str, Any]:
    return {"count": len(labels), "first": list(labels[:SHOWN_LABELS]), "from": source if labels else ""}


def _print(found: dict[str, Any]) -> None:
    """Print what was found, for people."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from vision_service.cli import output

    console = output.for_people(soft_wrap=True)
    console.print(Text.assemble((found["file"], "bold"), (f"  {found.get('runtime', '')}", "dim")))
    if "runtime" not in found:
        return
    about = ": ".join(text for text in (found["name"], found["description"]) if text)
    if about:
        console.print(Text(about))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "tensor", "type and shape", "quantization", "role"):
        table.add_column(column, overflow="fold")
    for kind in ("inputs", "outputs"):
        for tensor in found[kind]:
            scale = f"{tensor['scales'][0]:.6g} × (value - {tensor['zero_points'][0]})" if tensor["scales"] else ""
            form = f"{tensor['dtype']}{tensor['shape']}"
            table.add_row(kind[:-1], *(Text(text) for text in (tensor["name"], form, scale, tensor["role"])))
    console.print(table)
    labels = found["labels"]
    if labels["count"]:
        more = ", …" if labels["count"] > len(labels["first"]) else ""
        text = f"{labels['count']} from {labels['from']}: {', '.join(labels['first'])}{more}"
    else:
        text = "none: classes are called by their numbers, unless 'label_path' names a file"
    console.print(Text.assemble(("labels     ", "dim"), text))
    if found["methods"]:
        kinds = " and ".join(KINDS[method] for method in found["methods"])
        carried = " and ".join(EXTRAS[extra] for extra in found["extras"])
        console.print(
            Text.assemble(
                ("serves as  ", "dim"), (kinds, "bold"), f" with {carried}" * bool(carried), f" ({found['title']})"
            )
        )
        _print_contract(console, found["contract"])


def _print_contract(console: Console, items: dict[str, Any]) -> None:
    """Print all that is known of how the model takes its image and what its outputs mean, and who says so."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from vision_service.mlmodel.contract import ASSUMED, shown

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("what", "value", "source"):
        table.add_column(column, overflow="fold")
    for name, item in items.items():
        value = item["value"]
        text = "the image's own" if value is None else shown(value)
        source = f"{item['source']}: {item['why']}" if "why" in item else item["source"]
        table.add_row(name, Text(text), Text(source, style="yellow" if item["source"] == ASSUMED else ""))
    console.print(table)
