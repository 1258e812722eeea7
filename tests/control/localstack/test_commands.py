"""``--backend`` and ``--plain`` on the command line: what is wrong is said, and where."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("up", "--backend", "cloud"), 2, "sandbox: --backend: a backend is moto, or localstack=URL"),
        (("run", "--plain", "localstack=4566"), 2, "sandbox: --plain: LocalStack's address is http(s)://host[:port]"),
        (
            ("up", "--port", "0", "--backend", "localstack=http://127.0.0.1:9"),
            1,
            "sandbox: LocalStack at http://127.0.0.1:9 does not answer: Connection refused. Is it running? ",
        ),
        *(
            (
                ("run", "slow-node", option, "localstack=http://127.0.0.1:9"),
                2,
                "sandbox: LocalStack at http://127.0.0.1:9 does not answer: Connection refused. Is it running? ",
            )
            for option in ("--backend", "--plain")
        ),
    ],
)  # fmt: skip
def test_a_wrong_backend_is_named(arguments: tuple[str, ...], code: int, said: str) -> None:
    command = [sys.executable, "-m", "sandbox", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.startswith(said)
    assert "Traceback" not in ended.stderr
