"""Zips that are the same whenever their files are: sorted names, one fixed date, executable bits kept."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold
_FILE, _EXECUTABLE = 0o100644, 0o100755


def zip_texts(files: Mapping[str, str]) -> bytes:
    """A zip of named texts."""
    return _zip((name, text.encode(), _FILE) for name, text in sorted(files.items()))


def zip_path(path: Path) -> bytes:
    """A zip of a folder's content, or of one file; a zip file as it is.

    Links are followed. Executable bits are kept, and a ``bootstrap`` at the top is made executable, as Lambda
    needs it.
    """
    if path.is_file():
        if zipfile.is_zipfile(path):
            return path.read_bytes()
        return _zip([(path.name, path.read_bytes(), _mode(path, path.name))])
    names = sorted(
        (file.relative_to(path).as_posix(), file)
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )
    return _zip((name, file.read_bytes(), _mode(file, name)) for name, file in names)


def _mode(path: Path, name: str) -> int:
    runs = name == "bootstrap" or path.stat().st_mode & stat.S_IXUSR
    return _EXECUTABLE if runs else _FILE


def _zip(entries: Iterable[tuple[str, bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 3  # Unix, or the mode is not read
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
