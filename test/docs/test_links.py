"""Every link in README and docs/ leads somewhere: to a page, to a heading on it, to a file, to an image."""

import re
from pathlib import Path

import pytest

from pages import DOCS, ROOT, pages
from tools import reference

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"^ *(`{3,}).*?^ *\1\s*$", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^\((?P<name>[\w-]+)\)=$|\{#(?P<anchor>[\w-]+)\}", re.MULTILINE)
HEADING = re.compile(r"^#+ (?P<text>.*)$", re.MULTILINE)
GENERATED = reference.pages()


def text_of(path: Path) -> str:
    """Return a page's text; that of a generated one is made."""
    name = path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else ""
    return GENERATED[name] if name in GENERATED else path.read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """Return the anchors of a page: of headings as GitHub makes them, and its own."""
    text = CODE.sub("", text)
    headings = [
        re.sub(r"[^\w\- ]", "", found["text"].lower().strip()).replace(" ", "-") for found in HEADING.finditer(text)
    ]
    return {*headings, *(found["name"] or found["anchor"] for found in TARGET.finditer(text))}


def links() -> list[tuple[str, str]]:
    written = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in pages()}
    made = {f"docs/{name}": text for name, text in GENERATED.items()}
    found = [
        (page, link["target"]) for page, text in (written | made).items() for link in LINK.finditer(CODE.sub("", text))
    ]
    return sorted(
        {(page, target) for page, target in found if "://" not in target and not target.startswith("mailto:")}
    )


@pytest.mark.parametrize("page", sorted({page for page, _ in links()}))
def test_links_lead_somewhere(page):
    for target in (target for of, target in links() if of == page):
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        path = path.resolve()
        known = path.is_relative_to(DOCS) and path.relative_to(DOCS).as_posix() in GENERATED
        assert known or path.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(text_of(path)), f"{page}: {target}"


def test_every_page_is_in_the_navigation():
    listed = set()
    for page in DOCS.rglob("*.md"):
        for block in re.findall(
            r"^```\{toctree\}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            entries = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed |= {(page.parent / f"{entry}.md").resolve().relative_to(DOCS).as_posix() for entry in entries}
    every = {path.relative_to(DOCS).as_posix() for path in pages() if path.is_relative_to(DOCS)} | reference.NAMES
    assert every - listed == {"index.md"}
