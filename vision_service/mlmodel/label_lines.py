"""Labels in plain text, one per line, as most label files and archives in models have them."""

from __future__ import annotations

import re


def parse_lines(text: str) -> tuple[str, ...]:
    """Return the labels in a text, each at the place that is its class number.

    One per line. Blanks around a label and blank lines at the end are dropped; a blank line in between keeps its place
    as an empty label. A single line is split at commas, else at blanks. Where every line begins with a number ("0
    person"), that is the class number.
    """
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) == 1:
        line = lines[0]
        if "," in line:
            return tuple(part.strip() for part in line.split(","))
        return tuple(line.split()) if re.match(r"\d+ \d|\D", line) else _numbered(lines) or (line,)
    return _numbered(lines) or tuple(lines)


def _numbered(lines: list[str]) -> tuple[str, ...]:
    """Return the labels at the numbers that stand before them, or nothing if these are not class numbers.

    Class numbers start at 0 or 1, rise, and have few gaps: COCO's 80 names have numbers up to 89.
    """
    found = [re.fullmatch(r"(\d{1,9})\s*[\s:,]\s*(\S.*)", line) for line in lines if line]
    numbered = {int(match[1]): match[2] for match in found if match}
    numbers = list(numbered)
    if not numbers or len(numbers) < len(found) or numbers != sorted(numbers):
        return ()
    if numbers[0] > 1 or numbers[-1] > 2 * len(numbers):
        return ()
    return tuple(numbered.get(number, "") for number in range(numbers[-1] + 1))
