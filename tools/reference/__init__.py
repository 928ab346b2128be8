"""The generated pages of docs/reference: what code says, in Markdown, so that nothing is written twice.

The site is built with them (docs/conf.py); they are no part of the repository. Nothing here needs ROS.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.reference import commands, interfaces, parameters

ROOT = Path(__file__).resolve().parents[2]
MAKERS: dict[str, Callable[[], str]] = {
    "reference/parameters.md": parameters.of_nodes,
    "reference/models.md": parameters.of_models,
    "reference/drivers.md": parameters.of_drivers,
    "reference/messages.md": partial(interfaces.messages, ROOT / "msg"),
    "reference/services.md": partial(interfaces.services, ROOT / "srv"),
    "reference/commands.md": commands.page,
}
NAMES = frozenset(MAKERS)
"""The places of the generated pages below docs/."""


def pages() -> dict[str, str]:
    """Return the generated pages: their place below docs/, and their Markdown."""
    return {name: make() for name, make in MAKERS.items()}


def write(folder: Path) -> None:
    """Write the pages below a folder; one whose content is the same is left alone, so that it is not built again."""
    for name, text in pages().items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
