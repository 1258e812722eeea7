"""The ``sandbox`` command."""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from sandbox import collection

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A sandbox for ways of streaming a model's answer on AWS.",
)

BAD_INPUT = 2

AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Play AWS's rules of that day (ISO date).")
]
ClockOption = Annotated[str, typer.Option("--clock", help="real, virtual or scaled:N (N times as fast).")]
Backend = Annotated[
    str, typer.Option(help="moto, or localstack=URL: LocalStack answers for the services that it has.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
RunningPort = Annotated[int, typer.Option(min=1, max=65535, help="The sandbox's port.")]


def fail(message: str) -> typer.Exit:
    """Say what was wrong with the input and give the exit to raise."""
    print(f"sandbox: {message}", file=sys.stderr)
    return typer.Exit(BAD_INPUT)


def parse_as_of(text: str | None) -> date | None:
    """An ISO date. Raises ``typer.Exit`` (2) for anything else."""
    from sandbox.limits import LimitsError, parse_as_of

    try:
        return parse_as_of(text) if text else None
    except LimitsError as error:
        raise fail(f"--as-of: {error}") from None


def parse_clock(text: str) -> str:
    """``real``, ``virtual`` or ``scaled:N``. Raises ``typer.Exit`` (2) for anything else."""
    from sandbox.clock import scale_of

    try:
        scale_of(text)
    except ValueError:
        raise fail(f"--clock takes real, virtual or scaled:N, not {text!r}") from None
    return text


def parse_host(text: str) -> str:
    """An address to listen on. Raises ``typer.Exit`` (2) for none: to a socket that means all addresses."""
    if not text.strip():
        raise fail("--host takes an address, for example 127.0.0.1")
    return text


def parse_region(text: str) -> str:
    """A region's name. Raises ``typer.Exit`` (2) for what is none: it becomes part of host names and ARNs."""
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-[0-9]+", text):
        raise fail(f"--region takes a region such as us-east-1, not {text!r}")
    return text


def parse_backend_option(text: str, option: str = "--backend") -> str | None:
    """LocalStack's address, ``None`` for moto. Raises ``typer.Exit`` (2) for anything else."""
    from sandbox.backend import BackendError, parse_backend

    try:
        return parse_backend(text)
    except BackendError as error:
        raise fail(f"{option}: {error}") from None


def parse_tasks(text: str, clock: str) -> Literal["process", "docker"]:
    """``process`` or ``docker``. Raises ``typer.Exit`` (2) for anything else, and for a clock that docker has not."""
    if text == "process":
        return "process"
    if text != "docker":
        raise fail(f"--tasks takes process or docker, not {text!r}")
    if clock != "real":
        raise fail(f"--tasks docker needs --clock real: the clock {clock} cannot look into containers")
    return "docker"


@app.command()
def up(
    port: Port = 4566,
    clock: ClockOption = "real",
    as_of: AsOf = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Anything but loopback is your choice.")
    ] = "127.0.0.1",
    detach: Annotated[
        bool, typer.Option("--detach", help="Run in the background; `sandbox down` ends it.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of identifiers and of the mock model's text.")] = 0,
    region: Annotated[str, typer.Option(help="The AWS region that the sandbox is.")] = "us-east-1",
    backend: Backend = "moto",
    tasks: Annotated[
        str,
        typer.Option(
            envvar="SANDBOX_TASKS",
            help="process, or docker: tasks of ECS are containers of a Docker engine; real clock.",
        ),
    ] = "process",
) -> None:
    """Start the sandbox."""
    collection.pause()
    from sandbox.cli_up import Options, start

    options = Options(
        parse_host(host),
        port,
        parse_clock(clock),
        parse_as_of(as_of),
        seed,
        parse_region(region),
        parse_backend_option(backend),
        parse_tasks(tasks, clock),
    )
    raise typer.Exit(start(options, detach))


@app.command()
def down(port: RunningPort = 4566) -> None:
    """End the sandbox that `sandbox up` started on this port, and wait until it is gone."""
    from sandbox.cli_up import stop

    raise typer.Exit(stop(port))


@app.command()
def status(
    port: RunningPort = 4566, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say what runs on the port: its clock, the day whose rules it plays, its services, and what is in flight."""
    from sandbox.cli_up import show_status

    raise typer.Exit(show_status(port, as_json))


@app.command()
def deploy(
    template: Annotated[Path, typer.Argument(metavar="TEMPLATE", help="A CloudFormation or SAM template.")],
    stack: Annotated[
        str | None, typer.Option(help="Name of the stack; default: the template's folder.")
    ] = None,
    parameter: Annotated[
        list[str],
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter of it; repeatable."),
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="The sandbox's port; default: of AWS_ENDPOINT_URL, else 4566."),
    ] = None,
) -> None:
    """Deploy a template to the running sandbox and print the stack's outputs."""
    from sandbox.cli_deploy import deploy_template

    raise typer.Exit(deploy_template(template, stack, parameter, port))


@app.command()
def limits(
    as_of: AsOf = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """AWS's limits as the sandbox plays them, each with its grade; with --json also with its source."""
    from sandbox.clock import today
    from sandbox.limits import Limits
    from sandbox.limits.show import as_json as to_json
    from sandbox.limits.show import as_table

    held = Limits(parse_as_of(as_of) or today())
    if as_json:
        print(json.dumps(to_json(held), indent=2))
        return
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 240
    console.print(as_table(held, console.width))


@app.command()
def run(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="[PATTERN or STORY ...]", help="Default: all.")
    ] = None,
    clock: ClockOption = "virtual",
    as_of: AsOf = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list on stdout.")] = False,
    timeline: Annotated[bool, typer.Option("--timeline", help="Print every hop with its instant.")] = False,
    only_list: Annotated[
        bool, typer.Option("--list", help="Print which stories there are, without running them.")
    ] = False,
    backend: Backend = "moto",
    plain: Annotated[
        str | None,
        typer.Option(
            metavar="localstack=URL",
            help="For comparison: LocalStack alone, without the sandbox; real clock.",
        ),
    ] = None,
) -> None:
    """Run stories and print what became of each answer."""
    collection.pause()
    from sandbox.cli_run import list_command, player_of, run_command

    if only_list:
        raise typer.Exit(list_command(what or [], as_json=as_json))
    url, alone = parse_backend_option(backend), parse_backend_option(plain, "--plain") if plain else None
    code = run_command(
        what or [],
        clock=parse_clock(clock),
        as_of=parse_as_of(as_of),
        as_json=as_json,
        timeline=timeline,
        player=player_of(url, alone),
    )
    raise typer.Exit(code)


def main() -> None:
    """Entry point."""
    app()
