"""The environment variables that a function's processes see."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.context import Sandbox
from sandbox.services.lambda_.runtimes.base import ClockRuntime, Command, Layout
from sandbox.services.processes import surroundings

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig

# The certificates of Lambda's image. A function that names them (the CDK's bucket deployments do, for the AWS CLI)
# means the authorities that Lambda trusts: here the sandbox's own is one of them, so the default stays.
_IMAGE_BUNDLES = ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")


@dataclass(frozen=True, slots=True)
class Place:
    """What is particular to one environment."""

    runtime_api: str  # host:port
    log_stream: str
    layout: Layout


def reserved(sandbox: Sandbox, function: FunctionConfig, place: Place) -> dict[str, str]:
    """The variables that Lambda sets and a function's configuration cannot."""
    layout = place.layout
    region = sandbox.settings.region
    return {
        "AWS_LAMBDA_RUNTIME_API": place.runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": place.log_stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(layout.task),
        "TMPDIR": str(layout.tmp),
    }


def defaults(sandbox: Sandbox, layout: Layout) -> dict[str, str]:
    """What a function's configuration may replace."""
    path = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    return {
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "HOME": str(layout.tmp),
        "PATH": f"{path}:{layout.opt / 'bin'}",
        "LD_LIBRARY_PATH": f"{layout.task}:{layout.task / 'lib'}:{layout.opt / 'lib'}",
        **surroundings.defaults(sandbox),
    }


def build(
    sandbox: Sandbox,
    function: FunctionConfig,
    place: Place,
    credentials: Mapping[str, str],
    kind: ClockRuntime,
    command: Command | None = None,
) -> dict[str, str]:
    """All variables of a process. ``command``: of the runtime, or ``None`` for an extension's process."""
    user = dict(function.environment)
    variables = {**defaults(sandbox, place.layout), **credentials}
    if command is not None:
        variables |= dict(command.variables)
        variables["PATH"] = _join(*map(str, command.programs), variables["PATH"])
    variables |= {name: value for name, value in user.items() if value not in _IMAGE_BUNDLES}
    variables |= reserved(sandbox, function, place)
    for name, value in (command.paths if command is not None else {}).items():
        variables[name] = _join(user.get(name, ""), value)
    variables["SANDBOX_PLACES"] = json.dumps(_places(place.layout, command))
    return variables | sandbox.clock.environment(kind, surroundings.names(sandbox), variables)


def _places(layout: Layout, command: Command | None) -> dict[str, str]:
    """What a path of Lambda's image begins with -> where that is; Python programs find what they start there."""
    programs = command.programs[0] if command is not None and command.programs else None
    known = {"/opt/": layout.opt, "/var/task/": layout.task, "/var/lang/bin/": programs}
    return {prefix: f"{folder}/" for prefix, folder in known.items() if folder is not None}


def _join(*parts: str) -> str:
    return ":".join(p for p in parts if p)
