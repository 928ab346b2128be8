"""The zip archive at the end of a TensorFlow Lite file: where labels and exporters' metadata lie."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib

DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, RuntimeError, EOFError, ValueError)
"""What reading a damaged archive raises."""

EXPORTER_FILES = ("metadata.json", "temp_meta.txt", "meta.txt")
"""The files in the archive that Ultralytics' exporters write: JSON since 8.4, before that (and of YOLOv5) a literal."""

LARGEST_FILE = 16 << 20
"""Of what is read from an archive, bytes: more is neither labels nor metadata, however well it is packed."""


def file_names(data: bytes) -> list[str]:
    """Return the names of the files in the archive at a model's end; empty if there is none, or it is damaged.

    Args:
        data: The model's file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except DAMAGED:
        return []


def read_member(data: bytes, name: str) -> bytes:
    """Return one file of the archive at a model's end; empty if it is not there, damaged or too large.

    Args:
        data: The model's file.
        name: Of the file in the archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(name) if archive.getinfo(name).file_size <= LARGEST_FILE else b""
    except (*DAMAGED, KeyError):
        return b""
