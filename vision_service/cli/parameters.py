"""What the command `set` does: parameters of a node that runs, all of them or none."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Any

import yaml
from rich.text import Text

from vision_service.cli.outcome import OK, keep_stdout
from vision_service.cli.output import for_people, working
from vision_service.cli.settings import value_of
from vision_service.errors import ErrorCode, VisionError


def set_parameters(arguments: argparse.Namespace) -> int:
    """Set parameters of a node, and print what they are now.

    Args:
        arguments: Of the subcommand.

    Raises:
        VisionError: What is wrong with the values, or why the node does not take them.
    """
    from vision_service.ros.calling.caller import Caller
    from vision_service.ros.resources.remote_parameters import RemoteParameters

    keep_stdout()
    node = "/" + arguments.node.strip("/")
    texts = dict(arguments.settings)
    with working(f"waiting for {node}"), closing(Caller()) as caller:
        remote = RemoteParameters(caller, node, arguments.timeout)
        types = remote.types(texts)
        values = remote.set({name: _value(name, text, types[name]) for name, text in texts.items()})
    console = for_people()
    for name, value in values.items():
        console.print(Text.assemble(f"{node}  ", (name, "bold"), f" = {_shown(value)}"), soft_wrap=True)
    return OK


def _value(name: str, text: str, known: tuple[str, type] | None) -> Any:
    """Return the value that a text stands for."""
    value = value_of(name, text, *(known or ("", None)))
    if value is None:
        msg = f"{name}={text!r} has no value: put strings with special characters in quotes"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return value


def _shown(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
    return text
