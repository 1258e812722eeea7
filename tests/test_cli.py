"""The command line with bad input: exit code 2 and a sentence, never a traceback."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import typer

from sandbox import cli, cli_up


def sandbox(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        check=False,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("up", "--port", "65536"), "less than or equal to 65535"),
        (("down", "--port", "0"), "greater than or equal to 1"),
        (("up", "--host", ""), "--host takes an address"),
        (
            ("up", "--region", "somewhere nice"),
            "--region takes a region such as us-east-1, not 'somewhere nice'",
        ),
        (("up", "--clock", "fast"), "--clock takes real, virtual or scaled:N"),
        (("up", "--as-of", "2024-13-01"), "'2024-13-01' is not a date"),
        (("up", "--as-of", "9999-12-31"), "9999-12-31 is too far away"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, ...], message: str) -> None:
    ended = sandbox(*arguments)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_folder_that_cannot_be_made_is_not_a_port_that_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    ended = sandbox("up", "--port", "0", SANDBOX_CERTIFICATES=str(file / "certificates"))
    assert ended.returncode == 1
    assert ended.stderr == f"sandbox: cannot use {file / 'certificates'}: Not a directory\n"


def test_a_second_sandbox_on_a_port_is_refused_and_leaves_the_log_of_the_first_alone(tmp_path: Path) -> None:
    folder = {"TMPDIR": str(tmp_path)}
    ready = sandbox("up", "--port", "0", "--detach", **folder)
    port = ready.stdout.rpartition(":")[2].strip()
    try:
        state = cli_up.state_folder().name
        log = tmp_path / state / f"{port}.log"
        log.write_text("what the first one said\n")
        second = sandbox("up", "--port", port, "--detach", **folder)
        assert second.returncode == 2
        assert f"port {port} of 127.0.0.1 is taken by a sandbox; end it with" in second.stderr
        assert f"`sandbox down --port {port}`, or take another port" in second.stderr
        assert sandbox("up", "--port", port, **folder).stderr == second.stderr
        assert log.read_text().startswith("what the first one said\n")
    finally:
        assert sandbox("down", "--port", port, **folder).returncode == 0


def test_a_port_that_another_program_has_is_said_to_be_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = sandbox("up", "--port", str(port), "--detach")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"sandbox: port {port} of 127.0.0.1 is taken by another program; end that")


def test_a_sandbox_that_up_did_not_start_is_not_said_to_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(cli_up, "fetch_status", lambda endpoint, patience: {"ready": True})
    assert cli_up.stop(1) == 1
    assert "the one on port 1 is not of `sandbox up`: end it where it was started" in capsys.readouterr().err


def test_a_sandbox_of_another_region_is_asked_and_deployed_to_in_that_region(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources:\n  Q: {Type: AWS::SQS::Queue}\nOutputs:\n  Arn: {Value: !GetAtt Q.Arn}\n")
    folder = {"TMPDIR": str(tmp_path)}
    ready = sandbox("up", "--port", "0", "--detach", "--region", "eu-west-1", **folder)
    port = ready.stdout.rpartition(":")[2].strip()
    try:
        deployed = sandbox("deploy", str(template), "--port", port, **folder)
        assert "Arn = arn:aws:sqs:eu-west-1:" in deployed.stdout, deployed.stderr
        status = json.loads(sandbox("status", "--json", "--port", port, **folder).stdout)
        assert {"bedrock", "sqs", "lambda"} <= set(status["services"])
        assert status["mock_model"] == f"http://127.0.0.1:{port}/_llm/v1"
    finally:
        assert sandbox("down", "--port", port, **folder).returncode == 0


def test_down_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(cli_up, "PATIENCE_S", 0.2)
    deaf = (
        "import signal, sys; signal.signal(15, signal.SIG_IGN); print(flush=True); sys.stdin.read() # sandbox"
    )
    with subprocess.Popen(
        [sys.executable, "-c", deaf], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (cli_up.state_folder() / "1.json").write_text(json.dumps({"pid": process.pid}))
        assert cli_up.stop(1) == 1
        assert process.wait() == -9
    assert "did not end within 0.2 s: killed" in capsys.readouterr().err


def test_the_users_own_aws_profile_and_proxy_do_not_stand_in_the_way(tmp_path: Path) -> None:
    template = tmp_path / "stack" / "template.yaml"
    template.parent.mkdir()
    template.write_text(
        "Resources:\n  Queue: {Type: AWS::SQS::Queue}\nOutputs:\n  Url: {Value: !Ref Queue}\n"
    )
    unwritable = tmp_path / "file"
    unwritable.touch()
    user = {
        "AWS_PROFILE": "work",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "XDG_CACHE_HOME": str(unwritable),
        "TMPDIR": str(tmp_path),
    }
    port = sandbox("up", "--port", "0", "--detach", **user).stdout.rpartition(":")[2].strip()
    try:
        deployed = sandbox("deploy", str(template), "--port", port, **user)
        assert deployed.stderr == ""
        assert deployed.stdout.startswith("stack stack deployed\nUrl = ")
        user["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}/"
        again = sandbox("deploy", str(template), "--stack", "two", **user)
        assert again.stdout.startswith("stack two deployed\nUrl = "), again.stderr
        user["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
        nobody = sandbox("deploy", str(template), **user)
        assert nobody.returncode == 1
        assert "no sandbox answers on http://127.0.0.1:9, which AWS_ENDPOINT_URL names" in nobody.stderr
    finally:
        assert sandbox("down", "--port", port, **user).returncode == 0


def test_limits_through_a_pipe_keep_each_name_in_a_line() -> None:
    import subprocess
    import sys

    from sandbox.clock import today
    from sandbox.limits import Limits

    command = [sys.executable, "-m", "sandbox", "limits"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert [limit.row.name for limit in Limits(today()) if limit.row.name not in told] == []


def test_the_reference_names_every_command_and_option() -> None:
    root = Path(__file__).parents[1]
    sections = dict(
        re.findall(r"^## `sandbox (\w+)(.*?)(?=^## |\Z)", (root / "docs/cli.md").read_text(), re.M | re.S)
    )
    command = typer.main.get_command(cli.app)
    assert isinstance(command, typer.core.TyperGroup)
    options = {
        (name, option)
        for name, one in command.commands.items()
        for parameter in one.params
        for option in parameter.opts
        if option.startswith("-")
    }
    assert sections.keys() == command.commands.keys()
    assert {(name, one) for name, one in options if one not in sections[name]} == set()
    told = {(name, one) for name, text in sections.items() for one in re.findall(r"--[a-z][a-z-]+", text)}
    assert {(name, one) for name, one in told if not any(one == option for _, option in options)} == set()
