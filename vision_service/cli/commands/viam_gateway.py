"""The subcommand `viam-gateway`: programs written for Viam's SDK call the cameras and vision services on the graph."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vision_service.cli.arguments import add_command, ros_text
from vision_service.cli.outcome import without_interruption


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "viam-gateway",
        "let programs written for Viam's SDK call what runs",
        "Let programs written for Viam's SDK call every camera, vision service and ML model that runs, "
        "until Ctrl-C. Needs the package viam-sdk: pip install 'vision-service[viam]'.",
        {
            "vision-service viam-gateway": "on 127.0.0.1:8080",
            "vision-service viam-gateway --config my_robot.yaml --host 0.0.0.0": "with TLS and API keys of the file",
        },
    )
    parser.add_argument(
        "--host",
        type=ros_text,
        metavar="ADDRESS",
        help="where to listen (default: 127.0.0.1); other addresses need TLS, see --config",
    )
    parser.add_argument("--port", type=_port, metavar="N", help="TCP port; 0 = any free one (default: 8080)")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="PARAMS.yaml",
        help="ROS parameter file with a section 'viam_gateway': aliases, resources, certificate_file, "
        "private_key_file, api_keys_file …",
    )
    parser.add_argument("--namespace", type=ros_text, metavar="NS", help="namespace of the gateway's node")
    parser.set_defaults(func=_run)


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    msg = f"{text!r} is no port: an integer from 0 to 65535"
    raise argparse.ArgumentTypeError(msg)


def ros_arguments(arguments: argparse.Namespace) -> list[str]:
    """Return the arguments as ROS takes them, behind the name of the program; the later of two counts."""
    found = ["viam_gateway", "--ros-args"]
    if arguments.config is not None:
        found += ["--params-file", str(arguments.config)]
    if arguments.host is not None:
        found += ["-p", f'host:="{arguments.host}"']
    if arguments.port is not None:
        found += ["-p", f"port:={arguments.port}"]
    if arguments.namespace:
        found += ["-r", f"__ns:=/{arguments.namespace.strip('/')}"]
    return found


def _run(arguments: argparse.Namespace) -> int:
    from vision_service.viam import check_installed

    check_installed()  # before anything starts
    with without_interruption():
        from vision_service.ros.main import run_viam_gateway
        from vision_service.ros.process.spinning import leave

    leave(run_viam_gateway(ros_arguments(arguments)))
    return 0
