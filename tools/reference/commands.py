"""The command line in Markdown, from its own parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from vision_service.cli.main import build_parser


def page() -> str:
    """Return the page of the command and all its subcommands."""
    parser = build_parser()
    lines = [
        "# The command line",
        f"`{parser.prog}`: {_text(parser.description)} `{parser.prog} COMMAND --help` prints the same.",
        "Exit codes: 0 = success, 1 = something failed, 2 = the arguments are wrong, 130 = Ctrl-C.",
        *_options(parser),
    ]
    for action in _groups(parser):
        lines += ["| command | |\n| --- | --- |\n" + "\n".join(_index(action))]
        for name, sub in action.choices.items():
            lines += _command(name, sub)
    return "\n\n".join(lines) + "\n"


def _groups(parser: argparse.ArgumentParser) -> list[argparse._SubParsersAction]:
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]


def _index(action: argparse._SubParsersAction) -> Iterator[str]:
    for choice in action._choices_actions:
        yield f"| [`{choice.dest}`](#command-{choice.dest}) | {_text(choice.help)} |"


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"(command-{name})="
    yield f"## {name}"
    yield _text(parser.description)
    parser.formatter_class = _Wide
    yield f"```text\n{parser.format_usage().removeprefix('usage: ').strip()}\n```"
    yield from _options(parser)
    if parser.epilog:
        yield from _epilog(parser.epilog)
    for group in _groups(parser):
        for inner, sub in group.choices.items():
            yield from _command(f"{name} {inner}", sub)


def _epilog(text: str) -> Iterator[str]:
    """Yield what stands below the options: indented lines, such as examples, as they are."""
    if re.search(r"^\s", text, re.MULTILINE):
        yield f"```text\n{text.strip()}\n```"
    else:
        yield _text(text)


class _Wide(argparse.HelpFormatter):
    """Usage in lines of one width, whatever terminal the page is made in."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=88)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = _Wide(parser.prog)
    for action in parser._actions:
        if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)) or action.help == argparse.SUPPRESS:
            continue
        value = "" if action.nargs == 0 else formatter._format_args(action, str(action.metavar or action.dest.upper()))
        names = [f"{name} {value}".strip() for name in action.option_strings] or [value]
        yield f"{', '.join(f'`{name}`' for name in names)}\n: {_text(formatter._expand_help(action))}"


def _text(text: str | None) -> str:
    """Return a help text as Markdown, with what it would take for markup escaped."""
    parts = re.split(r"(`[^`]*`)", " ".join((text or "").split()))
    return "".join(
        part if part.startswith("`") else re.sub(r"([*_<>\[\]~$])", r"\\\1", part.replace("--", "\\-\\-"))
        for part in parts
    )
