"""The subcommand `completion`: what makes a shell complete this command."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from vision_service.cli.arguments import add_command
from vision_service.cli.outcome import OK

SHELLS = ("bash", "zsh")


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "completion",
        "print what makes bash or zsh complete this command",
        "Print what makes a shell complete this command: subcommands, options, their choices, names of models and "
        "drivers, and of the nodes that run, which it looks for for two seconds at most and remembers for a while.",
        {
            'eval "$(vision-service completion bash)"': "in ~/.bashrc",
            'eval "$(vision-service completion zsh)"': "in ~/.zshrc",
            "vision-service completion bash > ~/.local/share/bash-completion/completions/vision-service": "",
        },
    )
    parser.add_argument("shell", choices=SHELLS, help="which shell")
    parser.set_defaults(func=_completion)


def _completion(arguments: argparse.Namespace) -> int:
    from vision_service.cli.completing import script
    from vision_service.cli.main import build_parser

    sys.stdout.write(script(build_parser(), arguments.shell))
    return OK
