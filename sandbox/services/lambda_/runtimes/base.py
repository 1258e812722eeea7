"""What a runtime is: how to start a function's process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig


ClockRuntime = Literal["python", "node", "other"]


class RuntimeMissingError(Exception):
    """A runtime that is not installed here; the message says what to install and how."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where AWS's fixed paths are on this machine. ``task``: /var/task, ``opt``: /opt, ``tmp``: /tmp."""

    task: Path
    opt: Path
    tmp: Path


@dataclass(frozen=True, slots=True)
class Command:
    """What to execute. ``variables``: of the runtime itself; ``paths``: search paths, which go behind the user's.

    ``programs``: folders that come first in the default ``PATH``, as /var/lang/bin.
    """

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    paths: Mapping[str, str]
    programs: tuple[Path, ...] = ()


class Runtime(Protocol):
    """A Lambda runtime."""

    kind: ClockRuntime
    managed: bool  # not a custom one

    def installed(self) -> None:
        """Raises :class:`RuntimeMissingError` with what to do."""
        ...

    def command(self, function: FunctionConfig, layout: Layout) -> Command:
        """How to start; raises :class:`RuntimeMissingError`."""
        ...
