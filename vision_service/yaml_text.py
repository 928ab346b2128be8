"""YAML text to plain values; what is wrong with it is said by line and column, in words of who wrote it."""

from __future__ import annotations

import re
from typing import Any

from vision_service.errors import ErrorCode, VisionError, shortened

QUOTES = "put strings with special characters in quotes"

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,99})(\.[0-9]{1,99})?")
"""A number that needs no parser."""
_WORDS = (
    (r"found character '\\t'|tab character", "a tab stands where spaces are expected: indent with spaces"),
    (r"found character (?P<what>'.') that cannot", f"a value cannot begin with {{what}}: {QUOTES}"),
    (r"found character that cannot", f"a value cannot begin with a tab, '@', '%' or '`': indent with spaces, {QUOTES}"),
    (r"found undefined alias (?P<what>.+)", f"*{{what}} refers to an anchor that there is not: {QUOTES}"),
    (r"found duplicate anchor", "an anchor stands twice"),
    (
        r"mapping values are not allowed",
        "a ':' stands where none may: the line before lacks its ':' or is indented "
        f"otherwise, or a value has a ': ' in it: {QUOTES}",
    ),
    (r"sequence entries are not allowed", f"a '- ' stands where no list may begin: {QUOTES}, or begin a new line"),
    (r"could not find expected ':'", "there is no ': ' behind this name"),
    (
        r"expected <block end>|did not find expected (key|'-' indicator)",
        "this line is indented otherwise than the lines that it belongs to, or a value has an end and goes on",
    ),
    (r"expected ',' or '(?P<what>[\]}])'", "this list or map has no '{what}' at its end, or no ',' here"),
    (r"expected the node content", "a value is missing here"),
    (
        r"unknown escape character (?P<what>.+)",
        "in double quotes, \\{what} has no meaning: write \\\\ for a \\, or use single quotes",
    ),
    (
        r"expected escape sequence",
        "in double quotes, \\ begins a code that is not complete: write \\\\ for a \\, or use single quotes",
    ),
    (r"found unexpected (end of stream|document separator)", "a string in quotes that begins here has no end"),
    (r"unhashable key|recursive", "a name must be a string or a number, not a list or a map"),
    (
        r"could not determine a constructor for the tag '(?P<what>[^']*)'",
        "the tag {what} is not known here: leave it out",
    ),
    (r"undefined tag handle", f"a tag (what begins with '!') is not known here: leave it out, or {QUOTES}"),
    (r"another document", "a second document ('---') begins here: only one may be in a file"),
    (r"expected alphabetic or numeric character", f"a value cannot begin with '*', '&' or '%': {QUOTES}"),
    (
        r"base64|for merging|expected a .* node|single mapping|mapping of length 1",
        "the value is not what its tag (what begins with '!', or '<<') says: leave the tag out",
    ),
    (r"indentation|a comment or a line break", f"'|' or '>' begins a text on the lines below: {QUOTES}"),
    (
        r"expected '?<document start>",
        "there is more behind the end of the value: is this line indented otherwise than the first one?",
    ),
)
"""What PyYAML calls a mistake, and what its writer did."""


def parse_yaml(data: str | bytes, loader: Any = None) -> Any:
    """Return the value of a YAML text.

    Args:
        data: The text; as bytes it is UTF-8, or UTF-16 with a byte order mark.
        loader: One of PyYAML's safe loaders; None = its own.

    Raises:
        VisionError: INVALID_ARGUMENT, with the line, the column and what is wrong there.
    """
    if isinstance(data, str) and (plain := _PLAIN.fullmatch(data)):  # as PyYAML does, which takes long to be imported
        return float(data) if plain[1] else int(data)

    import yaml

    try:
        return yaml.load(data, loader or yaml.SafeLoader)  # noqa: S506, they are safe ones
    except yaml.YAMLError as error:
        reason = _reason(error, data)
    except RecursionError:
        reason = "lists or maps are nested too deeply"
    except (ValueError, OverflowError, TypeError, KeyError, IndexError, AttributeError) as error:
        # Of values that look like a date, a number or a tagged value, and are none: the 13th month, or "!!int x".
        reason = f"{_where_of_value(data)}a value is no date or number, though it looks like one ({error}): {QUOTES}"
    raise VisionError(ErrorCode.INVALID_ARGUMENT, shortened(reason))


def _reason(error: Any, data: str | bytes) -> str:
    """Return where a mistake is, and what it is."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", "") or str(error)
    if mark is None and hasattr(error, "position"):  # a reader's error: it knows the place only
        return _unreadable(error, data)
    begins = getattr(error, "context_mark", None)
    if begins is not None and re.search("unexpected (end|document)|expected ',' or '|could not find", said):
        mark = begins  # where what has no end begins; it was noticed much later
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    for pattern, words in _WORDS:
        found = re.search(pattern, said)
        if found:
            what = found.groupdict().get("what", "")
            what = (
                what.strip("'") if pattern.startswith(("found undefined", "unknown escape", "could not det")) else what
            )
            shown = words.replace("{what}", what)
            break
    else:
        shown = said
    return f"{where}{shown}{_line(mark, data)}"


def _unreadable(error: Any, data: str | bytes) -> str:
    """Return what is wrong with text that has bytes or characters that YAML does not allow."""
    before = data[: error.position]
    feed: Any = "\n" if isinstance(before, str) else b"\n"
    line, column = before.count(feed) + 1, len(before) - (before.rfind(feed) + 1) + 1
    if error.encoding != "unicode":  # the bytes are none
        return f"line {line}, column {column}: it is no text in {error.encoding.upper()}: save it as UTF-8"
    code = error.character if isinstance(error.character, int) else ord(error.character)
    return f"line {line}, column {column}: the character U+{code:04X} may not be in YAML: remove it"


def _line(mark: Any, data: str | bytes) -> str:
    """Return the line of a mistake, quoted."""
    if mark is None:
        return ""
    text = data if isinstance(data, str) else data.decode(errors="replace")
    lines = text.splitlines()
    line = lines[mark.line].strip() if mark.line < len(lines) else ""
    return f" (the line is {shortened(line, 80)!r})" if line and len(lines) > 1 else ""


def _where_of_value(data: str | bytes) -> str:
    """Return the line of the first value that cannot be made, as far as one can be found; ends with a colon."""
    import yaml

    class Probe(yaml.SafeLoader):
        at: Any = None

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            if isinstance(node, yaml.ScalarNode):
                self.at = node.start_mark
            return super().construct_object(node, deep)

    probe = Probe(data)
    try:
        probe.get_single_data()
    except Exception:  # the one that was raised before
        mark = probe.at
        return "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    finally:
        probe.dispose()
    return ""
