"""``python -m mock_llm`` as a user starts it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from mock_llm.__main__ import main


def test_serves_until_interrupted(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[two]\nfirst_token = 0\nrate = inf\ntokens = 2\n")
    command = [sys.executable, "-m", "mock_llm", "--port", "0", "--profiles", str(own), "--profile", "two"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
        with urllib.request.urlopen(f"{found[0]}/v1/chat/completions", body) as response:
            assert json.load(response)["usage"]["completion_tokens"] == 2
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--profile", "bogus"], "unknown profile 'bogus'"), (["--profiles", "/no/such"], "No such file")],
)
def test_option_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err
