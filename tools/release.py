"""`python -m tools.release`: builds what is published of a version, into dist/: sdist, wheels, notes, checksums.

Built is what is committed, and nothing else: the sdist from `git archive`, the wheels from the sdist, for each
distribution in constraints/ and each Python from 3.10 on that is on PATH or among pyenv's. Wheels of two distributions
have the same version and the same tags, so each has its distribution as its local version (PEP 440):
`vision_service-1.0.0+jazzy-cp311-…whl`; pip lets one folder offer both, and what a wheel asks for decides which fits.
PyPI takes no local versions, and ROS's wheels no other way to say it: they are for a folder, an index of one's own or a
release page, and PyPI gets the sdist.

Then each distribution's demo is installed from its wheel in a fresh environment, and run (tools/try_wheels).
"""

from __future__ import annotations

import argparse
import configparser
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = tuple(sorted(path.stem for path in (ROOT / "constraints").glob("*.txt")))
PYTHONS = tuple(f"3.{minor}" for minor in range(10, 15))
"""For which ROS's wheels exist; the first is setup.cfg's python_requires."""
CHECKSUMS = "SHA256SUMS"
NOTES = "CHANGES.md"
LOG = "build.log"


class NotReadyError(Exception):
    """What keeps a version from being released, as messages."""


def versions(root: Path = ROOT) -> dict[str, str]:
    """Return the version that each file states."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(root / "setup.cfg")
    package = ElementTree.parse(root / "package.xml").getroot()  # noqa: S314 (of ours)
    return {"setup.cfg": settings["metadata"]["version"], "package.xml": package.findtext("version") or ""}


def notes(changelog: str, version: str) -> str:
    """Return what a changelog says of a version, without its heading; empty if it has no such section."""
    found = re.search(
        rf"^## \[?{re.escape(version)}\]?(?: [^\n]*)?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    return found.group(1).strip() if found else ""


def check(root: Path = ROOT) -> str:
    """Return the version that can be released.

    Raises:
        NotReadyError: With a line for all that is in the way, and what to do.
    """
    stated = versions(root)
    version = stated["setup.cfg"]
    problems = []
    if len(set(stated.values())) > 1:
        both = ", ".join(f"{file} {each}" for file, each in stated.items())
        problems.append(f"the files disagree on the version ({both}): make version VERSION={version}")
    if not notes((root / "CHANGELOG.md").read_text(encoding="utf-8"), version):
        problems.append(f"CHANGELOG.md has no section '## {version}' with entries: make version VERSION={version}")
    if changed := git(root, "status", "--porcelain").splitlines():
        shown = ", ".join(line[3:] for line in changed[:5])
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        problems.append(f"the tree has changes that are not committed ({shown}{more}): commit or remove them")
    tagged = git(root, "tag", "--list", f"v{version}") and git(root, "rev-list", "-1", f"v{version}")
    if tagged and tagged != git(root, "rev-parse", "HEAD"):
        problems.append(f"v{version} is the tag of another commit: make version VERSION=…")
    if problems:
        raise NotReadyError("\n".join(problems))
    return version


def set_version(version: str, date: str, root: Path = ROOT) -> None:
    """Write a version into the files that state it, and give it the changelog's unreleased entries.

    Args:
        version: As in 1.0.0.
        date: Of the release, as in 2026-11-29.
        root: Of the sources.

    Raises:
        NotReadyError: If it is no version, or there is nothing unreleased that it could be.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        msg = f"{version!r} is no version of the form 1.2.3, which package.xml needs"
        raise NotReadyError(msg)
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    if not notes(text, version):
        if not notes(text, "Unreleased"):
            msg = "CHANGELOG.md has no section '## Unreleased' with entries, of which a version could be made"
            raise NotReadyError(msg)
        heading = f"## {version} ({date})"
        changelog.write_text(re.sub(r"^## Unreleased$", heading, text, count=1, flags=re.MULTILINE), encoding="utf-8")
    for name, pattern in (("setup.cfg", r"(?m)^(version = ).*()$"), ("package.xml", r"(<version>).*(</version>)")):
        file = root / name
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(pattern, rf"\g<1>{version}\g<2>", text, count=1), encoding="utf-8")


def git(root: Path, *arguments: str) -> str:
    """Return what git prints."""
    done = subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.rstrip()


def interpreters(wanted: Sequence[str] = PYTHONS) -> dict[str, str]:
    """Return the interpreters that are to be had, by their Python version: those on PATH, else pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for python in wanted:
        candidates = [f"python{python}", *map(str, sorted(pyenv.glob(f"{python}.*/bin/python"), reverse=True))]
        works = (each for each in candidates if is_python(each, python))
        if (first := next(works, None)) is not None:
            found[python] = first
    return found


def is_python(command: str, version: str) -> bool:
    """Return whether a command is that Python, with what environments are made of."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([command, "-c", code], check=False, capture_output=True, text=True)
    except OSError:
        return False
    return done.stdout.strip() == version


def build_sdist(version: str, out: Path, work: Path) -> Path:
    """Build the sdist of what is committed."""
    sources = work / f"vision_service-{version}"
    archive = work / "sources.tar"
    git(ROOT, "archive", "--prefix", f"{sources.name}/", "--output", str(archive), "HEAD")
    with tarfile.open(archive) as packed:
        packed.extractall(work)  # noqa: S202 (of ours)
    code = "import sys; from setuptools.build_meta import build_sdist; print(build_sdist(sys.argv[1]))"
    with (out / LOG).open("w") as log:
        subprocess.run([sys.executable, "-c", code, str(out)], check=True, cwd=sources, stdout=log, stderr=log)
    return next(out.glob("*.tar.gz"))


def build_wheel(sdist: Path, distribution: str, python: str, out: Path, work: Path) -> Path:
    """Build the wheel of a distribution for an interpreter, in an environment of its own.

    Raises:
        subprocess.CalledProcessError: With what was printed in the file build.log beside the wheels.
    """
    environment = work / f"{distribution}-{Path(python).name}-{abs(hash(python))}"
    subprocess.run([python, "-m", "venv", str(environment)], check=True)
    constraints = ROOT / "constraints" / f"{distribution}.txt"
    given = {
        **os.environ,
        "PIP_CONSTRAINT": str(constraints),
        "PIP_BUILD_CONSTRAINT": str(constraints),
        "VISION_SERVICE_LOCAL_VERSION": distribution,
    }
    built = work / "built"
    command = [environment / "bin" / "python", "-m", "pip", "wheel", "--no-deps", "--wheel-dir", built, sdist]
    with (out / LOG).open("a") as log:
        subprocess.run(command, check=True, env=given, cwd=work, stdout=log, stderr=log)
    wheel = next(built.glob("vision_service-*.whl"))
    shutil.rmtree(environment)
    return Path(shutil.move(wheel, out / wheel.name))


def needed(wheel: Path, symbols: str = "GLIBC") -> str:
    """Return the oldest version of a library that those in a wheel run with, which depends on where it was built.

    Args:
        wheel: The wheel.
        symbols: What the library's symbols are versioned by: GLIBC, or GLIBCXX of libstdc++.
    """
    found = {(0,)}
    pattern = re.compile(rb"(?<=\0)" + symbols.encode() + rb"_(\d+(?:\.\d+)+)(?=\0)")
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            if ".so" in name:
                versions_in = pattern.findall(packed.read(name))
                found |= {tuple(map(int, version.split(b"."))) for version in versions_in}
    return ".".join(map(str, max(found)))


def write_checksums(out: Path) -> Path:
    """Write SHA256SUMS, for `sha256sum --check`."""
    file = out / CHECKSUMS
    lines = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in published(out)]
    file.write_text("".join(lines), encoding="ascii")
    return file


def published(out: Path) -> Iterator[Path]:
    """Yield what is published, in the order of the names."""
    for file in sorted(out.iterdir()):
        if file.name not in (CHECKSUMS, LOG):
            yield file


def release(out: Path, distributions: Sequence[str], pythons: dict[str, str]) -> None:
    """Build a release into a folder, which is emptied before.

    Raises:
        NotReadyError: If it cannot be.
    """
    version = check()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sdist = build_sdist(version, out, work)
        print(sdist.name, flush=True)
        for distribution in distributions:
            for python in pythons.values():
                wheel = build_wheel(sdist, distribution, python, out, work)
                print(f"{wheel.name}: glibc {needed(wheel)}, GLIBCXX {needed(wheel, 'GLIBCXX')} or later", flush=True)
    entries = notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    (out / NOTES).write_text(f"# vision_service {version}\n\n{entries}\n", encoding="utf-8")
    write_checksums(out)


def main(argv: Sequence[str] | None = None) -> int:
    """Build a release, or only set a version."""
    parser = argparse.ArgumentParser(description="Build sdist, wheels, notes and checksums of what is committed.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR", help="folder (default: dist)")
    parser.add_argument("--python", nargs="+", default=PYTHONS, metavar="3.N", help="of which there are to be wheels")
    parser.add_argument("--distribution", nargs="+", default=DISTRIBUTIONS, choices=DISTRIBUTIONS)
    parser.add_argument("--set-version", nargs=2, metavar=("VERSION", "DATE"), help="only set the version")
    arguments = parser.parse_args(argv)
    try:
        if arguments.set_version:
            set_version(*arguments.set_version)
            return 0
        found = interpreters(arguments.python)
        if missing := [python for python in arguments.python if python not in found]:
            print(f"No wheels for Python {', '.join(missing)}, which is not here.", file=sys.stderr, flush=True)
        release(arguments.out.resolve(), arguments.distribution, found)
    except NotReadyError as error:
        print(f"Not released:\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
