"""Running a JavaScript program with the installed clients against a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.install import SOURCE, TARGET, installed, node

Run = Callable[..., list[dict[str, Any]]]
_LIMIT_S = 100  # a busy machine; nothing in the programs waits for an amount of time


@pytest.fixture
def run_node() -> Run:
    """``run_node("program.mjs", endpoint, **input)``: the JSON values that it printed, one a line.

    ``authority``: a file with the certificate authority that the program trusts.
    """
    if not installed():
        pytest.skip("the JavaScript clients are not installed: python -m tests.clients.install")

    def run(program: str, endpoint: str, authority: Path | None = None, **given: Any) -> list[dict[str, Any]]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),
            "CLIENTS": f"{TARGET}/",
            "INPUT": json.dumps(given),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        if authority is not None:
            environment["NODE_EXTRA_CA_CERTS"] = str(authority)
        command = [str(node()), str(SOURCE / program)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
        assert done.returncode == 0, f"{program} failed:\n{done.stderr}\n{done.stdout}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run
