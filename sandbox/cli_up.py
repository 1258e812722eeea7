"""Starting, ending and asking a sandbox that runs by itself: `sandbox up`, `down`, `status`."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sandbox import collection
from sandbox.backend import BackendError
from sandbox.clock import Clock, ClockKind
from sandbox.clock import run as run_clock

if TYPE_CHECKING:
    from sandbox.context import Sandbox

FAILED, BAD_INPUT = 1, 2
READY_FD = "SANDBOX_READY_FD"
PATIENCE_S = 30  # for a sandbox that was told to end
QUICKLY_S = 2  # a sandbox says its status sooner than that, and another program may never
LAST_PORT = 65535


def state_folder() -> Path:
    """Where running sandboxes leave their process ids and logs, private to the user."""
    folder = Path(tempfile.gettempdir()) / f"genai-streaming-sandbox-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _state_file(port: int) -> Path:
    return state_folder() / f"{port}.json"


@dataclass(frozen=True, slots=True)
class Options:
    """What `sandbox up` was asked for."""

    host: str
    port: int
    clock: ClockKind
    as_of: date | None
    seed: int
    region: str
    localstack_url: str | None = None
    tasks: Literal["process", "docker"] = "process"

    def arguments(self) -> list[str]:
        """The same options as command line arguments."""
        named = {
            "host": self.host,
            "port": self.port,
            "clock": self.clock,
            "seed": self.seed,
            "region": self.region,
            "tasks": self.tasks,
        }
        if self.as_of:
            named["as-of"] = self.as_of.isoformat()
        if self.localstack_url:
            named["backend"] = f"localstack={self.localstack_url}"
        return [text for name, value in named.items() for text in (f"--{name}", str(value))]


def start(options: Options, detach: bool) -> int:
    """Run a sandbox until it is told to end, or in the background. The exit code."""
    if detach:
        return _start_detached(options)
    begin = datetime.combine(options.as_of, time(12), UTC) if options.as_of else None
    try:
        run_clock(lambda clock: _serve(clock, options), options.clock, begin)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            print(f"sandbox: {_taken(options.host, options.port)}", file=sys.stderr)
            return BAD_INPUT
        what = f"use {error.filename}" if error.filename else f"listen on {options.host}:{options.port}"
        print(f"sandbox: cannot {what}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except BackendError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return FAILED
    return 0


async def _serve(clock: Clock, options: Options) -> None:
    from sandbox.app import open_sandbox

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with open_sandbox(
        clock,
        host=options.host,
        port=options.port,
        as_of=options.as_of,
        seed=options.seed,
        region=options.region,
        localstack_url=options.localstack_url,
        tasks=options.tasks,
    ) as sandbox:
        state = _state_file(sandbox.settings.port)
        state.write_text(json.dumps({"pid": os.getpid(), "endpoint": sandbox.endpoint}))
        _say_ready(f"sandbox ready {sandbox.endpoint}")
        warming = loop.create_task(_warm(sandbox))
        warming.add_done_callback(lambda _: collection.settle())
        try:
            await ended.wait()
        finally:
            warming.cancel()
            state.unlink(missing_ok=True)


async def _warm(sandbox: Sandbox) -> None:
    """Import what a first request would have to wait for."""
    from sandbox.services import registry

    control: Any = sandbox.control
    await control.start()
    await asyncio.to_thread(registry.load)


def _say_ready(line: str) -> None:
    print(line, flush=True)
    if READY_FD in os.environ:
        with os.fdopen(int(os.environ.pop(READY_FD)), "w") as pipe:
            pipe.write(line + "\n")


def _taken(host: str, port: int) -> str:
    """Who holds a port, and what to do about it."""
    other = f"or take another port with `--port {port + 1 if port < LAST_PORT else port - 1}`"
    if _answers(host, port) is None:
        return f"port {port} of {host} is taken by another program; end that, {other}"
    return f"port {port} of {host} is taken by a sandbox; {_how_to_end(port)}, {other}"


def _how_to_end(port: int) -> str:
    if _state_file(port).exists():
        return f"end it with `sandbox down --port {port}`"
    return "end it where it was started (a test, a container, another user; `sandbox down` does not know it)"


def _answers(host: str, port: int) -> dict[str, Any] | None:
    local = host in ("0.0.0.0", "::", "")  # all addresses: loopback is one
    name = "127.0.0.1" if local else f"[{host}]" if ":" in host else host
    return fetch_status(f"http://{name}:{port}", QUICKLY_S)


def _start_detached(options: Options) -> int:
    log = state_folder() / f"{options.port}.log"
    if not _state_file(options.port).exists():  # else one runs on the port, or was killed, and the log is its
        log.unlink(missing_ok=True)
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "sandbox", "up", *options.arguments()]
    with log.open("ab") as output:
        begin = output.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(writing,),
            env={**os.environ, READY_FD: str(writing)},
        )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        line = pipe.readline()  # "" when the process ends without having been ready
    if not line:
        said = log.read_bytes()[begin:].decode(errors="replace").strip()
        print(said or "sandbox: ended without a word", file=sys.stderr)
        return BAD_INPUT if process.wait() == BAD_INPUT else FAILED
    print(line, end="")
    return 0


def stop(port: int) -> int:
    """End the sandbox on a port and wait until its process is gone. The exit code."""
    state = _state_file(port)
    try:
        pid = int(json.loads(state.read_text())["pid"])
        process = os.pidfd_open(pid)
    except (FileNotFoundError, ValueError, KeyError):
        known = _answers("127.0.0.1", port)
        why = f"the one on port {port} is not of `sandbox up`: {_how_to_end(port)}" if known else ""
        print(f"sandbox: {why or f'none runs on port {port} (no {state})'}", file=sys.stderr)
        return FAILED
    except ProcessLookupError:
        state.unlink(missing_ok=True)
        print(f"sandbox: the one on port {port} has already ended", file=sys.stderr)
        return 0
    try:
        if b"sandbox" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            state.unlink(missing_ok=True)
            print(
                f"sandbox: the one on port {port} has ended; its process id is another's now", file=sys.stderr
            )
            return 0
        signal.pidfd_send_signal(process, signal.SIGTERM)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        if not poll.poll(PATIENCE_S * 1000):  # readable when the process has ended
            signal.pidfd_send_signal(process, signal.SIGKILL)  # its functions' processes end with it
            state.unlink(missing_ok=True)
            print(f"sandbox on port {port} did not end within {PATIENCE_S} s: killed", file=sys.stderr)
            return FAILED
    finally:
        os.close(process)
    print(f"sandbox on port {port} ended")
    return 0


def show_status(port: int, as_json: bool) -> int:
    """Print what runs on a port; exit code 1 when nothing does."""
    document = fetch_status(f"http://127.0.0.1:{port}")
    if as_json:
        print(json.dumps(document or {"ready": False}, indent=2))
    elif document is None:
        print(f"no sandbox answers on port {port}")
    else:
        for name, value in document.items():
            shown = ", ".join(map(str, value)) or "-" if isinstance(value, list) else value
            print(f"{name:11}{shown}")
    return 0 if document else FAILED


def fetch_status(endpoint: str, patience_s: float = 10) -> dict[str, Any] | None:
    """The status of the sandbox at an address, ``None`` when none answers."""
    import httpx

    try:
        answer = httpx.get(f"{endpoint}/_sandbox/status", timeout=patience_s, trust_env=False)
        document: dict[str, Any] = answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    return document
