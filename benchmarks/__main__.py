"""`python -m benchmarks [NAME …]`: measures, and writes docs/benchmarks.

Each benchmark is a module of this package with a function `measure(quick) -> Report`, run in a process of its own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from benchmarks import machine
from benchmarks.report import Figure, Report, table

BENCHMARKS = (
    "frame_path",
    "arrival",
    "yolo",
    "calls",
    "separate_clients",
    "segmentation",
    "touching",
    "segments",
    "lidar",
    "conversion",
    "footprint",
    "command",
    "fresh_machine",
    "growth",
    "executor",
    "fairness",
    "two_hosts",
    "pool",
    "camera_recovery",
    "stream_age",
    "reconfigure",
    "viam_gateway",
    "control_page",
    "profiles",
)
DOMAIN = "97"
"""Of our nodes, so that nobody else receives them."""
PAGES = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"


def main() -> int:
    """Run what is asked for, one after the other, then write the page of all."""
    arguments = _arguments()
    if arguments.here:
        _measure(arguments.names[0], quick=arguments.quick, pages=arguments.pages)
        return 0
    console = Console()
    failed = []
    for name in arguments.names or BENCHMARKS:
        console.rule(name)
        command = [sys.executable, "-m", "benchmarks", name, "--here", "--pages", str(arguments.pages)]
        began = time.monotonic()
        if subprocess.run([*command, *(["--quick"] if arguments.quick else [])], check=False).returncode:
            failed.append(name)
        console.print(f"{time.monotonic() - began:.0f} s", style="dim")
    write_index(arguments.pages)
    if failed:
        console.print(f"not measured, see above: {', '.join(failed)}", style="bold red")
    console.print(f"written: {arguments.pages / 'README.md'}")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and write docs/benchmarks.")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="few rounds: to see whether it works, not how fast it is")
    parser.add_argument("--pages", type=Path, default=PAGES, help="the folder to write to")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(name: str, *, quick: bool, pages: Path) -> None:
    """Run one benchmark in this process, and write its page and its figures."""
    pages.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("ROS_DOMAIN_ID", DOMAIN)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    report: Report = importlib.import_module(f"benchmarks.{name}").measure(pages=pages, quick=quick)
    text = report.markdown()
    (pages / f"{name}.md").write_text(text, encoding="utf-8")
    kept = {"title": report.title, "figures": [asdict(figure) for figure in report.figures]}
    (pages / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    Console().print(Markdown(text))


def write_index(pages: Path) -> None:
    """Write the page with the figures of all benchmarks that have been run."""
    parts = [
        "# How fast it is",
        "Written by `make bench`, which runs all of this, the others included, on one machine. Every figure is taken in"
        " turns with what it stands beside, in one run; durations are medians, in brackets the span of the middle eight"
        " of ten; ratios are of medians, in brackets the least and the greatest that any fifth of the run shows.",
        machine.describe(),
    ]
    for name in BENCHMARKS:
        kept = pages / f"{name}.json"
        if kept.exists():
            found = json.loads(kept.read_text(encoding="utf-8"))
            figures = [Figure(**figure) for figure in found["figures"]]
            parts += [f"## [{found['title']}]({name}.md)", table(figures)]
    (pages / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
