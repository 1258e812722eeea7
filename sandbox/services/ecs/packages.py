"""What ``RUN`` in a Dockerfile would install: nothing is installed here, but what is asked for must be there.

A process finds the packages of the Python that the sandbox runs on, and the ``node_modules`` of its build context.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sandbox.services.ecs.dockerfile import DockerfileError, Instruction

# Commands that prepare a system: this machine is the system.
_SYSTEM = frozenset(
    [
        "apt-get",
        "apt",
        "apk",
        "yum",
        "dnf",
        "microdnf",
        "adduser",
        "addgroup",
        "useradd",
        "groupadd",
        "usermod",
        "chown",
        "chmod",
        "rm",
        "mkdir",
        "corepack",
        "true",
        "set",
        "echo",
        "update-ca-certificates",
        "ldconfig",
        "export",
    ]
)
_PIP = re.compile(
    r"^(python3?(\.\d+)? -m )?pip3?(\.\d+)? (install|--no-cache-dir install)\b|^uv pip install\b"
)
_NPM = re.compile(r"^(npm (ci|install|i)\b|yarn( install)?\b|pnpm (install|i)\b)")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
# Options of pip with a value that is no package.
_WITH_VALUE = frozenset(
    [
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "-t",
        "--target",
        "--prefix",
        "-c",
        "--constraint",
        "--platform",
        "--python",
    ]
)


def check(step: Instruction, file: str, folder: Path) -> None:
    """Whether a ``RUN`` needs nothing that is missing. ``folder``: its working directory as copied so far.

    Raises :class:`DockerfileError`.
    """
    for command in re.split(r"&&|\|\||;", step.text):
        _command(command.strip(), step, file, folder)


def _command(command: str, step: Instruction, file: str, folder: Path) -> None:
    if not command:
        return
    if _PIP.match(command):
        missing = [name for name in _requirements(command, step, file, folder) if not _installed(name)]
        if missing:
            raise DockerfileError(
                file,
                step.line,
                f"nothing is installed from a Dockerfile, and {', '.join(missing)} is not installed here: "
                "install it in the Python environment that the sandbox runs in",
            )
    elif _NPM.match(command):
        if (folder / "package.json").is_file() and not (folder / "node_modules").is_dir():
            raise DockerfileError(
                file,
                step.line,
                "nothing is installed from a Dockerfile: run `npm install` beside package.json, so that its "
                "node_modules is copied",
            )
    elif command.split()[0] not in _SYSTEM:
        raise DockerfileError(
            file,
            step.line,
            f"RUN is not carried out, and {command!r} is none of the commands that need not be",
        )


def _requirements(command: str, step: Instruction, file: str, folder: Path) -> Iterator[str]:
    words = iter(shlex.split(command))
    for word in words:
        if word in ("install",):
            break
    for word in words:
        if word in ("-r", "--requirement"):
            yield from _listed(next(words, ""), step, file, folder)
        elif word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-") and (found := _NAME.match(word)):
            yield found[0]


def _listed(name: str, step: Instruction, file: str, folder: Path) -> Iterator[str]:
    path = folder / name.lstrip("/")
    if not path.is_file():
        raise DockerfileError(file, step.line, f"{name} is not in the image: COPY it before")
    for line in path.read_text().splitlines():
        wanted = line.partition("#")[0].strip()
        if wanted.startswith(("-r ", "--requirement ")):
            yield from _listed(wanted.split()[1], step, file, folder)
        elif wanted and not wanted.startswith("-") and (found := _NAME.match(wanted)):
            yield found[0]


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
