"""Images: where a container finds its files and what it runs. A Dockerfile is followed, not built.

An image's name leads to a build context: one that was deployed with a template, or a folder that the container
definition names in ``dockerLabels``; the names of well-known base images stand for this machine's own programs.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from sandbox.control.ecs import BuildContext
from sandbox.services.ecs import packages
from sandbox.services.ecs.dockerfile import Copy, DockerfileError, Instruction, Recipe, recipe

CONTEXT_LABEL = "sandbox.context"
DOCKERFILE_LABEL = "sandbox.dockerfile"
# What a container of a base image runs when nobody says.
_BASES: Mapping[str, list[str]] = {
    "python": ["python3"], "node": ["node"], "alpine": ["/bin/sh"], "busybox": ["sh"], "debian": ["bash"],
    "ubuntu": ["/bin/bash"], "amazonlinux": ["/bin/bash"], "scratch": [],
}  # fmt: skip
_IGNORED = frozenset(("__pycache__", ".git", ".venv"))


class ImageError(Exception):
    """An image that there is not, or that cannot be followed."""


@dataclass(frozen=True, slots=True)
class Image:
    """``root``: the folder that stands for ``/``; ``None`` when the image has no files of its own."""

    root: Path | None
    environment: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"


class Images:
    """Images by what they are made of; each is made once. Its methods block: they work with files."""

    def __init__(self, folder: Path, contexts: Mapping[str, BuildContext]) -> None:
        self._folder = folder
        self._contexts = contexts
        self._made: dict[str, Image] = {}

    def get(self, definition: Mapping[str, Any]) -> Image:
        """The image of a container definition. Raises :class:`ImageError`."""
        name, labels = str(definition["image"]), definition.get("dockerLabels") or {}
        if name in self._contexts:
            return self._from_zip(self._contexts[name])
        if CONTEXT_LABEL in labels:
            context = Path(labels[CONTEXT_LABEL])
            dockerfile = labels.get(DOCKERFILE_LABEL, "Dockerfile")
            return self._from_folder(context, dockerfile, str(context / dockerfile))
        base = _base_of(name)
        if base is None:
            raise ImageError(
                f"there is no image {name}. Deploy a template whose task definition has Metadata with Dockerfile and "
                f"DockerContext, or give the container the label {CONTEXT_LABEL} with the folder of its Dockerfile"
            )
        return Image(None, command=tuple(base))

    def _from_zip(self, context: BuildContext) -> Image:
        key = hashlib.sha256(context.zip + context.dockerfile.encode()).hexdigest()[:24]
        if key not in self._made:
            folder = self._folder / key / "context"
            if not folder.exists():
                with zipfile.ZipFile(io.BytesIO(context.zip)) as archive:
                    archive.extractall(folder)
                    set_modes(archive, folder)
            self._made[key] = self._make(
                folder, context.dockerfile, context.origin, self._folder / key / "root"
            )
        return self._made[key]

    def _from_folder(self, context: Path, dockerfile: str, origin: str) -> Image:
        """A folder may have changed since: it is read again each time."""
        if not context.is_dir():
            raise ImageError(f"the build context {context} is no folder")
        key = hashlib.sha256(f"{context}\0{dockerfile}".encode()).hexdigest()[:24]
        root = self._folder / key / f"root-{len(list((self._folder / key).glob('root-*')))}"
        return self._make(context, dockerfile, origin, root)

    def _make(self, context: Path, dockerfile: str, origin: str, root: Path) -> Image:
        file = context / dockerfile
        if not file.is_file():
            raise ImageError(f"there is no {origin}")
        try:
            made = recipe(file.read_text(), origin)
            base = _base_of(made.base)
            if base is None:
                known = ", ".join(sorted(_BASES))
                raise DockerfileError(
                    origin, made.base_line, f"the base image {made.base} is not emulated; there is {known}"
                )
            root.mkdir(parents=True, exist_ok=True)
            for step in made.steps:
                _follow(step, made, context, root)
        except DockerfileError as error:
            raise ImageError(str(error)) from error
        command = made.command or ([] if made.entrypoint else base)
        return Image(
            root, made.environment, made.workdir, tuple(made.entrypoint), tuple(command), made.stop_signal
        )


def _base_of(name: str) -> list[str] | None:
    """What a base image runs by default; ``None`` for a name that is not known."""
    return _BASES.get(name.rpartition("/")[2].partition("@")[0].partition(":")[0])


def set_modes(archive: zipfile.ZipFile, folder: Path) -> None:
    """Give extracted files the modes that the archive has for them."""
    for info in archive.infolist():
        if (mode := info.external_attr >> 16) and not info.is_dir():
            (folder / info.filename).chmod(mode & 0o777 | 0o600)


def _follow(step: Copy | Instruction, made: Recipe, context: Path, root: Path) -> None:
    if isinstance(step, Copy):
        _copy(step, made.file, context, root)
    elif step.name == "WORKDIR":
        _inside(root, step.text).mkdir(parents=True, exist_ok=True)
    else:
        packages.check(step, made.file, _inside(root, made.workdir))


def _inside(root: Path, path: str) -> Path:
    return root / path.strip("/")


def _copy(step: Copy, file: str, context: Path, root: Path) -> None:
    for pattern in step.sources:
        found = _matching(context, pattern)
        if not found:
            raise DockerfileError(file, step.line, f"{pattern} is not in the build context")
        many = step.into_folder or len(found) > 1
        for source in found:
            target = _inside(root, step.target)
            if source.is_dir():
                shutil.copytree(
                    source,
                    target,
                    dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(*_IGNORED),
                    symlinks=True,
                )
                continue
            into = target / source.name if many or target.is_dir() else target
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, into)


def _matching(context: Path, pattern: str) -> list[Path]:
    clean = pattern.strip("/").removeprefix("./") or "."
    if not any(mark in clean for mark in "*?["):
        path = (context / clean).resolve()
        inside = path == context.resolve() or context.resolve() in path.parents
        return [path] if path.exists() and inside else []
    parent, _, last = clean.rpartition("/")
    folder = context / parent
    return sorted(p for p in folder.iterdir() if fnmatch(p.name, last)) if folder.is_dir() else []
