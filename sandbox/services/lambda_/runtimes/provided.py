"""provided.al2 and provided.al2023: an executable ``bootstrap`` that speaks the Runtime API itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox.services.lambda_.runtimes.base import ClockRuntime, Command, Layout
from sandbox.services.lambda_.runtimes.isolated import isolated, own_interpreter

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig

# Where the service looks, in this order, and what it calls these places.
SEARCHED = "/var/runtime/bootstrap /var/task/bootstrap /opt/bootstrap"


class BootstrapMissingError(Exception):
    """No executable ``bootstrap``: the function fails with ``Runtime.InvalidEntrypoint``."""


class ProvidedRuntime:
    """A custom runtime."""

    kind: ClockRuntime = "other"
    managed = False

    def installed(self) -> None:
        """Nothing to install."""

    def command(self, function: FunctionConfig, layout: Layout) -> Command:
        for candidate in (layout.task / "bootstrap", layout.opt / "bootstrap"):
            if candidate.is_file() and os.access(candidate, os.X_OK):
                # Lambda has no Python here: a layer brings it, or else what runs the sandbox stands in.
                programs = (layout.opt / "bin", isolated(*own_interpreter()).parent)
                return Command((str(candidate),), {"LAMBDA_RUNTIME_DIR": "/var/runtime"}, {}, programs)
        raise BootstrapMissingError(SEARCHED)
