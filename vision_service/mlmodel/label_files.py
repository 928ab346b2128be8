"""Label files as they are found in the wild: text, YAML, pbtxt, JSON or CSV; which one is decided once, by the content.

A file that is no label file is refused, because any text has lines, and any line would be a class name.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.file_facts import MOST_LABELS, NOT_READABLE, decode_value, labels_of
from vision_service.mlmodel.label_lines import parse_lines
from vision_service.yaml_text import parse_yaml

LARGEST_FILE = 16 << 20
"""Bytes: more is no list of labels."""

LONGEST_LABEL = 500
"""Characters: the longest of ImageNet's has 121."""

OTHER_FILES = (
    (b"version https://git-lfs", "a pointer of Git LFS: run 'git lfs pull'"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\3\4", "a zip archive: unpack it and give the label file in it"),
    (b"\x1f\x8b", "an archive: unpack it and give the label file in it"),
    (b"\x89HDF", "a Keras model"),
    (b"\x80", "a Python pickle"),
)
"""How files begin that are no label files, and what they are."""

MODELS = frozenset({".engine", ".onnx", ".pb", ".pt", ".pth", ".tflite"})
"""The endings of models."""

MARKUP = re.compile(r"\s*<(\?xml|!doctype|html|annotation)\b", re.IGNORECASE)
"""How XML and web pages begin."""

NAME_COLUMNS = (
    "display_name",
    "displayname",
    "name",
    "class_name",
    "label_name",
    "label",
    "class",
    "category",
    "title",
)
NUMBER_COLUMNS = (
    *("id", "index", "idx", "class_id", "classid", "class_index", "category_id", "label_id", "number"),
    *("label", "class"),
)
"""How the columns of CSV files are called that hold class names and numbers; the surest first."""

TABLES = (".csv", ".tsv")
"""The endings of CSV files."""

LARGEST_YAML = 2 << 20
"""Bytes: reading it is slow."""

KEYS = ("names", "categories", "id2label", "labels", "classes")
"""Where class names are in JSON and YAML files: of YOLO, COCO, Hugging Face, and others."""

PBTXT_TOKEN = re.compile(
    r"""\s+
    | \#[^\n]*
    | (?P<string> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<word> [\w.+-]+ )
    | (?P<mark> [{}<>:;,\[\]] )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class LabelFile:
    """The labels in a file.

    Attributes:
        labels: Each at the place that is its class number; empty strings where a number has none.
        form: What kind of file it is, for people: "one label per line", "CSV".
    """

    labels: tuple[str, ...]
    form: str


class NoLabelsError(ValueError):
    """A file is no label file; the message goes on after "the label file 'X'"."""


def read_label_file(path: str) -> LabelFile:
    """Return the labels in a file, and what kind of file it is.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read, is no label file, or holds no label.
    """
    from vision_service.image import read_file  # here, because a trial of a model needs no image library

    data = read_file(path, most=LARGEST_FILE)
    try:
        found = _find(data, Path(path).suffix.lower())
        _check(found)
    except NoLabelsError as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the label file {path!r} {error}") from None
    return found


def _find(data: bytes, ending: str) -> LabelFile:
    if ending in MODELS or data[4:8] == b"TFL3":
        msg = "is no label file but a model: give that as 'model_path'"
        raise NoLabelsError(msg)
    text = re.sub(r"\r\n?", "\n", _text(data))
    form = _form(text, ending)
    if form is None:
        return LabelFile(parse_lines(text), "one label per line")
    name, read = form
    return LabelFile(read(text), name)


def _form(text: str, ending: str) -> tuple[str, Callable[[str], tuple[str, ...]]] | None:
    """Return what a structured file is and what reads it; None = it is plain text."""
    if ending == ".pbtxt" or re.match(r"(\s|#[^\n]*\n)*item\s*:?\s*[{<]", text):
        return "pbtxt", _pbtxt
    if ending == ".json" or re.match(r"\s*[{\[]", text):
        return "JSON", _json
    if re.search(r"^names[ \t]*=", text, re.MULTILINE):
        return "Darknet data", _darknet
    if ending in (".yaml", ".yml") or re.search(r"^names[ \t]*:", text, re.MULTILINE):
        return "YAML", _yaml
    if ending in TABLES or _columns(_header(text), named_numbers=True):
        return "CSV", _csv
    return None


def _check(found: LabelFile) -> None:
    if not any(found.labels):
        msg = "holds no label: write one per line, or leave 'label_path' out for numbers"
        raise NoLabelsError(msg)
    if len(found.labels) > MOST_LABELS:
        msg = f"is no label file: it has {len(found.labels)} labels, and no model has so many classes"
        raise NoLabelsError(msg)
    for number, label in enumerate(found.labels):
        if len(label) > LONGEST_LABEL:
            shown = f"label {number} has {len(label)} characters ({label[:40]!r}…)"
            msg = f"is no label file: its {shown}; write one per line"
            raise NoLabelsError(msg)


def _text(data: bytes) -> str:
    """Return a file's text: UTF-8, or UTF-16 with its mark."""
    for start, kind in OTHER_FILES:
        if data.startswith(start):
            msg = f"is no label file but {kind}"
            raise NoLabelsError(msg)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if b"\0" in data:
            msg = "is no label file: it is no text; write one label per line"
            raise NoLabelsError(msg) from None
        line = data[: error.start].count(b"\n") + 1
        msg = f"is not in UTF-8 (line {line}, byte 0x{data[error.start]:02x}): save it in that encoding"
        raise NoLabelsError(msg) from None
    odd = re.search(r"[\0-\x08\x0e-\x1f\x7f]", text)
    if odd:
        msg = f"is no label file: it holds the control character 0x{ord(odd[0]):02x}; save it as text in UTF-8"
        raise NoLabelsError(msg)
    if MARKUP.match(text):
        msg = "is no label file but a web page or XML; write one label per line"
        raise NoLabelsError(msg)
    return text


# Structured files.


def _placed(entries: list[tuple[int, str]]) -> tuple[str, ...]:
    """Return labels at their numbers."""
    numbered: dict[int, str] = {}
    for number, name in entries:
        if not 0 <= number < MOST_LABELS:
            msg = f"gives {name!r} the class number {number}, which is none"
            raise NoLabelsError(msg)
        if numbered.setdefault(number, name) != name:
            msg = f"gives the class number {number} to {numbered[number]!r} and to {name!r}"
            raise NoLabelsError(msg)
    return tuple(numbered.get(number, "") for number in range(max(numbered, default=-1) + 1))


def _json(text: str) -> tuple[str, ...]:
    try:
        value = json.loads(text)
    except NOT_READABLE as error:
        value = decode_value(text)  # of Python, as some write it
        if isinstance(value, str):
            msg = f"looks like JSON, but is damaged ({str(error)[:200]})"
            raise NoLabelsError(msg) from None
    return _listed(value) or _unknown("JSON", "a list of names, a map from numbers to names, or COCO's categories")


def _listed(value: Any, *, nested: bool = True) -> tuple[str, ...]:
    """Return the labels in lists and maps as JSON and YAML files have them; empty = it is none of these."""
    if isinstance(value, dict):
        known = next((key for key in KEYS if isinstance(value.get(key), (dict, list, tuple))), None)
        if known:
            return _listed(value[known], nested=False) if nested else ()
        if value and all(isinstance(number, int) and not isinstance(number, bool) for number in value.values()):
            return _placed([(number, str(name)) for name, number in value.items()])
        return labels_of(value) if all(_is_name(name) for name in value.values()) else labels_of(_last_of(value))
    if not isinstance(value, (list, tuple)):
        return ()
    if value and all(isinstance(item, dict) and "name" in item and "id" in item for item in value):
        return _placed([(_number(item["id"]), str(item["name"])) for item in value])
    return labels_of(value) if all(_is_name(name) for name in value) else ()


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def _last_of(value: dict[Any, Any]) -> Any:
    """Return the last of several strings at each number: Keras writes ["n01440764", "tench"]."""
    if all(
        isinstance(names, list) and names and all(isinstance(name, str) for name in names) for names in value.values()
    ):
        return {number: names[-1] for number, names in value.items()}
    return None


def _number(value: Any) -> int:
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        msg = f"has {str(value)[:40]!r} where a class number should be"
        raise NoLabelsError(msg) from None


def _unknown(form: str, known: str) -> tuple[str, ...]:
    msg = f"is {form} without class names: {known} is read"
    raise NoLabelsError(msg)


def _yaml(text: str) -> tuple[str, ...]:
    import yaml  # here, because few label files are YAML

    if len(text) > LARGEST_YAML:
        msg = f"is YAML of {len(text) >> 20} MB: save the class names alone"
        raise NoLabelsError(msg)
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # all values stay strings: "no" is a name
    try:
        value = parse_yaml(text, loader)
    except VisionError as error:
        msg = f"looks like YAML, but is damaged ({error.message})"
        raise NoLabelsError(msg) from None
    if isinstance(value, dict) and isinstance(value.get("names"), str) and value["names"]:
        msg = f"says that its names are in {value['names']!r}: give that file"
        raise NoLabelsError(msg)
    labels = _listed(value) or _unknown("YAML", "'names', a list or a map from numbers to names,")
    count = value.get("nc") if isinstance(value, dict) else None
    if isinstance(count, str) and count.isdecimal() and int(count) < len(labels):
        msg = f"says that there are {count} classes (nc), but has {len(labels)} names"
        raise NoLabelsError(msg)
    return labels


def _darknet(text: str) -> tuple[str, ...]:
    found = re.search(r"^names[ \t]*=[ \t]*(.*\S)", text, re.MULTILINE)
    where = f"says that its names are in {found[1]!r}: give that file" if found else "is Darknet's, without names"
    raise NoLabelsError(where)


def _header(text: str) -> str:
    return text.lstrip().partition("\n")[0]


def _columns(header: str, *, named_numbers: bool) -> tuple[str, int | None, int] | None:
    """Return the separator of a CSV file and which columns hold numbers and names; None = it is no header line.

    Args:
        header: The first line.
        named_numbers: Whether there must be a column of numbers, too.
    """
    for separator in ",;\t":
        cells = [cell.strip().strip("\"'").lower() for cell in header.split(separator)]
        names = [cells.index(name) for name in NAME_COLUMNS if name in cells]
        numbers = [cells.index(name) for name in NUMBER_COLUMNS if name in cells and cells.index(name) not in names[:1]]
        if names and len(cells) > 1 and (numbers or not named_numbers):
            return separator, next(iter(numbers), None), names[0]
    return (",", None, 0) if header.strip().lower() in NAME_COLUMNS and not named_numbers else None


def _csv(text: str) -> tuple[str, ...]:
    found = _columns(_header(text), named_numbers=False)
    if found is None:
        labels = parse_lines(text)
        if "\n" in text.strip() and any(separator in label for label in labels for separator in ",;\t"):
            msg = "is CSV whose columns have no names: write a first line such as 'id,name'"
            raise NoLabelsError(msg)
        return labels
    separator, number_column, name_column = found
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text.lstrip().partition("\n")[2]), delimiter=separator) if any(row)
        ]
    except csv.Error as error:
        msg = f"looks like CSV, but is damaged ({error})"
        raise NoLabelsError(msg) from None
    entries = []
    for place, row in enumerate(rows):
        if len(row) <= max(name_column, number_column or 0):
            msg = f"is CSV whose row {place + 1} ends before the column with the name"
            raise NoLabelsError(msg)
        number = place if number_column is None else _number(row[number_column].strip())
        entries.append((number, row[name_column].strip()))
    return _placed(entries)


def _pbtxt(text: str) -> tuple[str, ...]:
    """Return the names of TensorFlow's label maps: item { id: 1 name: 'x' display_name: 'X' }."""
    entries: list[tuple[int, str]] = []
    item: dict[str, str] = {}
    depth, key, colon, place = 0, "", False, 0
    while place < len(text):
        found = PBTXT_TOKEN.match(text, place)
        if found is None:
            msg = f"looks like a pbtxt label map, but is damaged in line {text.count(chr(10), 0, place) + 1}"
            raise NoLabelsError(msg)
        place = found.end()
        mark, word, string = found["mark"], found["word"], found["string"]
        if mark in ("{", "<"):
            depth += 1
            item = {} if depth == 1 else item
        elif mark in ("}", ">"):
            depth -= 1
            if depth == 0 and "id" in item:
                entries.append((_number(item["id"]), item.get("display_name") or item.get("name", "")))
        elif colon and depth == 1 and (word or string):
            item[key] = word or _unquoted(string)
        elif word:
            key = word
        if mark or word or string:  # no blanks or comment
            colon = mark == ":"
    return _placed(entries) or _unknown("a pbtxt label map", "item { id: 1 name: 'person' }")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
