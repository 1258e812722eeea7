"""docs/cli.md names every command and every option that there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from click import Option

from sandbox.cli import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def section(command: str) -> str:
    found = [part for part in PAGE.split("\n## ") if part.startswith(f"`sandbox {command}")]
    assert len(found) == 1, command
    return found[0]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_and_its_options_are_told(command: str) -> None:
    text = section(command)
    for parameter in COMMANDS[command].params:
        if isinstance(parameter, Option) and parameter.name != "help":
            longest = max(parameter.opts, key=len)
            assert f"`{longest}" in text or f"[{longest}" in text, f"{command} {longest}"


def test_no_command_is_told_that_there_is_not() -> None:
    told = {part.split("`")[1].split()[1] for part in PAGE.split("\n## ") if part.startswith("`sandbox ")}
    assert told == set(COMMANDS)
