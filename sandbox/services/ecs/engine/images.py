"""Images on an engine: built from a template's context or from a folder, else its own, else pulled."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.errors import DockerException, ImageNotFound

from sandbox.control.ecs import BuildContext
from sandbox.services.ecs.engine.client import Engine, told
from sandbox.services.ecs.engine.owner import LABEL
from sandbox.services.ecs.images import CONTEXT_LABEL, DOCKERFILE_LABEL, ImageError, set_modes

BUILT = f"{LABEL}-task"


class EngineImages:
    """Gives images of container definitions; its method blocks. ``folder``: for build contexts."""

    def __init__(self, engine: Engine, folder: Path, contexts: Mapping[str, BuildContext]) -> None:
        self._engine = engine
        self._folder = folder
        self._contexts = contexts

    def get(self, definition: Mapping[str, Any]) -> Mapping[str, Any]:
        """The image as the engine describes it. Raises :class:`ImageError`."""
        name, labels = str(definition["image"]), definition.get("dockerLabels") or {}
        try:
            if name in self._contexts:
                name = self._from_zip(self._contexts[name])
            elif CONTEXT_LABEL in labels:
                folder, dockerfile = Path(labels[CONTEXT_LABEL]), labels.get(DOCKERFILE_LABEL, "Dockerfile")
                key = hashlib.sha256(f"{folder.absolute()}\0{dockerfile}".encode()).hexdigest()[:24]
                name = self._build(folder, dockerfile, str(folder / dockerfile), f"{BUILT}:folder-{key}")
            else:
                self._pull(name)
            found: Mapping[str, Any] = self._engine.api.inspect_image(name)
        except (DockerException, OSError) as error:
            said = told(error) if isinstance(error, DockerException) else str(error)
            raise ImageError(f"{definition['image']}: {said}") from error
        return found

    def _from_zip(self, context: BuildContext) -> str:
        """The name of what a deployed context makes: it is built once."""
        key = hashlib.sha256(context.zip + context.dockerfile.encode()).hexdigest()[:24]
        tag = f"{BUILT}:{key}"
        if self._there(tag):
            return tag
        folder = self._folder / key
        with zipfile.ZipFile(io.BytesIO(context.zip)) as archive:
            archive.extractall(folder)
            set_modes(archive, folder)
        return self._build(folder, context.dockerfile, context.origin, tag)

    def _build(self, folder: Path, dockerfile: str, origin: str, tag: str) -> str:
        if not (folder / dockerfile).is_file():
            raise ImageError(f"there is no {origin}")
        said = []
        answer = self._engine.api.build(
            str(folder),
            tag,
            dockerfile=dockerfile,
            rm=True,
            forcerm=True,
            decode=True,
            labels={LABEL: origin},
        )
        for line in self._engine.lines(answer):
            said.append(str(line.get("stream") or "").strip())
            if "error" in line:
                steps = [text for text in said if text.startswith("Step ")]
                raise ImageError(
                    f"{origin}: {line['error']} ({steps[-1] if steps else 'before the first step'})"
                )
        return tag

    def _pull(self, name: str) -> None:
        if self._there(name):
            return
        repository, tag = tagged(name)
        for line in self._engine.lines(self._engine.api.pull(repository, tag, stream=True, decode=True)):
            if "error" in line:
                raise ImageError(f"{name}: {line['error']}")

    def _there(self, name: str) -> bool:
        try:
            self._engine.api.inspect_image(name)
        except ImageNotFound:
            return False
        return True


def tagged(name: str) -> tuple[str, str]:
    """Repository and tag or digest; a colon before the last slash is a port's."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository, digest
    head, mark, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return head + mark + last, tag or "latest"
