"""`sandbox deploy TEMPLATE`: to a sandbox that already runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sandbox.cli_up import fetch_status

FAILED, BAD_INPUT = 1, 2
DEFAULT_PORT = 4566


def deploy_template(template: Path, stack: str | None, parameters: list[str], port: int | None) -> int:
    """Deploy, print the outputs as ``Name = Value``. The exit code: 1 for a failed stack, 2 for bad input.

    ``port`` of the sandbox; ``None``: the sandbox is where AWS's clients look for it, at ``AWS_ENDPOINT_URL``.
    """
    if not template.is_file():
        print(f"sandbox: there is no template {template}", file=sys.stderr)
        return BAD_INPUT
    wrong = [text for text in parameters if "=" not in text or text.startswith("=")]
    if wrong:
        print(f"sandbox: --parameter takes Name=Value, not {wrong[0]!r}", file=sys.stderr)
        return BAD_INPUT
    named = os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/") if port is None else ""
    endpoint = named or f"http://127.0.0.1:{port or DEFAULT_PORT}"
    running = fetch_status(endpoint)
    if running is None:
        print(f"sandbox: {_nobody(named, port or DEFAULT_PORT)}", file=sys.stderr)
        return FAILED
    from sandbox.control.cloudformation.deploy import DeployError, TemplateError, deploy_remote

    given = dict(text.split("=", 1) for text in parameters)
    name = stack or template.resolve().parent.name.replace("_", "-")
    try:
        outputs = deploy_remote(endpoint, template, name, given, running["region"])
    except TemplateError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return BAD_INPUT
    except DeployError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return FAILED
    print(f"stack {name} deployed")
    for key, value in outputs.items():
        print(f"{key} = {value}")
    return 0


def _nobody(named: str, port: int) -> str:
    if named:
        return (
            f"no sandbox answers on {named}, which AWS_ENDPOINT_URL names; start one there with `sandbox up`, or say "
            "which one is meant with --port"
        )
    other = "" if port == DEFAULT_PORT else f" --port {port}"
    return f"no sandbox answers on port {port}; start one with `sandbox up{other}`"
