"""A Python as functions find it: the standard library, and none of the packages that are installed on this machine.

It is a virtual environment without packages: a link to the interpreter beside a ``pyvenv.cfg``. What the machine's
``.pth`` files do at every start stays out as well.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

from sandbox.services.lambda_.runtimes.cache import cache_dir


def own_interpreter() -> tuple[Path, str]:
    """The interpreter that runs the sandbox, and its version ("3.12")."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Path(getattr(sys, "_base_executable", sys.executable)), version


def isolated(interpreter: Path, version: str) -> Path:
    """The program to start instead of ``interpreter``. Its folder holds ``python`` and ``python3`` as well."""
    where = hashlib.sha256(str(interpreter).encode()).hexdigest()[:8]
    folder = cache_dir() / f"python{version}-alone-{where}"
    programs = folder / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    content = f"home = {interpreter.parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    settings = folder / "pyvenv.cfg"
    if not settings.is_file() or settings.read_text() != content:
        unfinished = Path(tempfile.mkdtemp(dir=folder)) / settings.name
        unfinished.write_text(content)
        unfinished.replace(settings)
        unfinished.parent.rmdir()
    for name in (f"python{version}", "python3", "python"):
        link(programs / name, interpreter)
    return programs / f"python{version}"


def link(place: Path, target: Path) -> None:
    """Let ``place`` lead to ``target``; several processes may do so at once."""
    if place.is_symlink() and place.readlink() == target:
        return
    unfinished = Path(tempfile.mkdtemp(dir=place.parent)) / place.name
    unfinished.symlink_to(target)
    unfinished.replace(place)
    unfinished.parent.rmdir()
