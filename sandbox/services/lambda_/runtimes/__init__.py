"""The runtimes by the names that Lambda gives them."""

from __future__ import annotations

from sandbox.services.lambda_.runtimes.base import Runtime
from sandbox.services.lambda_.runtimes.node import CLIENT_MAJOR, NodeRuntime
from sandbox.services.lambda_.runtimes.provided import ProvidedRuntime
from sandbox.services.lambda_.runtimes.python import PythonRuntime

RUNTIMES: dict[str, Runtime] = {
    **{f"python{v}": PythonRuntime(v) for v in ("3.11", "3.12", "3.13", "3.14")},
    **{f"nodejs{major}.x": NodeRuntime(major) for major in CLIENT_MAJOR},
    "provided.al2": ProvidedRuntime(),
    "provided.al2023": ProvidedRuntime(),
}
