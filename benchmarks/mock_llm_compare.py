"""The mock model beside aimock (npm) and llm-katan (PyPI), each in a process of its own, read by the same client.

    python -m benchmarks.mock_llm_compare [--install] [--streams 1 100 500] [--paced 500 1000]

``--install`` puts the two into a folder in the user's cache; without it those that are not there are left out. Flat
out: events with a token a second, all streams together. Paced: gaps of 20 ms; how late the first token
is, and the gaps. Tokens are timed by the kernel when they reach the client's socket (``benchmarks/streams.py``), of
all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.streams import cpu_seconds, gaps, quantile, question, read_streams, resident, servers_cores

GAP = 0.02
SECONDS = 4
TOKENS = int(SECONDS / GAP)
FLAT = 400
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "genai-streaming-sandbox" / "peers"


class Missing(Exception):  # noqa: N818 - not an error: a peer that is left out
    """A peer is not installed; the message says how to."""


@dataclass
class Peer:
    """A mock model under measurement. ``paces``: whether it can be told a gap."""

    name: str
    folder: Path
    paces: bool = True

    def command(self, port: int, tokens: int, gap: float) -> list[str]:
        """What starts it."""
        raise NotImplementedError

    def ask(self, tokens: int, gap: float, number: int) -> bytes:
        """A request."""
        return question(number)

    def install(self) -> None:
        """Put it into the folder."""


class MockLLM(Peer):
    def command(self, port: int, tokens: int, gap: float) -> list[str]:
        return [sys.executable, "-m", "mock_llm", "--port", str(port)]

    def ask(self, tokens: int, gap: float, number: int) -> bytes:
        rate = "inf" if not gap else str(1 / gap)
        pace = f"x-mock-llm-tokens: {tokens}\r\nx-mock-llm-first-token: {gap}\r\nx-mock-llm-rate: {rate}\r\n"
        return question(number, pace)


class Plain(MockLLM):
    """Speaks OpenAI's chunks alone."""

    def command(self, port: int, tokens: int, gap: float) -> list[str]:
        return [sys.executable, "-m", "benchmarks.plain_server", str(port)]


class Aimock(Peer):
    def command(self, port: int, tokens: int, gap: float) -> list[str]:
        script = self.folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
        node = shutil.which("node")
        if node is None or not script.exists():
            raise Missing("not installed: npm and `--install`")
        fixture = self.folder / f"fixture-{tokens}.json"
        content = "word " * tokens
        row = {"match": {"userMessage": "Question"}, "response": {"content": content}}
        fixture.write_text(json.dumps({"fixtures": [row]}))
        latency = str(round(gap * 1000))
        options = ["--port", str(port), "--latency", latency, "--chunk-size", "5", "--log-level", "silent"]
        return [node, str(script), *options, "--fixtures", str(fixture)]

    def install(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise Missing("not installed: it needs npm")
        command = [
            npm,
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(self.folder),
        ]
        subprocess.run([*command, "@copilotkit/aimock"], check=True)


class Katan(Peer):
    """Its echo backend says a sentence of its own word by word, and has no pace."""

    def command(self, port: int, tokens: int, gap: float) -> list[str]:
        program = self.folder / "bin" / "llm-katan"
        if not program.exists():
            raise Missing("not installed: `--install`")
        options = ["--backend", "echo", "--model", "m", "--max-tokens", "1000000", "--log-level", "error"]
        stats = ["--stats-file", str(self.folder / "stats.json")]
        return [str(program), *options, "--host", "127.0.0.1", "--port", str(port), *stats]

    def ask(self, tokens: int, gap: float, number: int) -> bytes:
        return question(number, "authorization: Bearer k\r\n", " " + "word " * tokens)

    def install(self) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(self.folder)], check=True)
        subprocess.run([str(self.folder / "bin" / "pip"), "install", "-q", "llm-katan"], check=True)


@contextmanager
def running(peer: Peer, tokens: int, gap: float) -> Iterator[tuple[int, int, float]]:
    """The peer in a process: its port, its process id, and seconds until it took connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command, began = peer.command(port, tokens, gap), time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with servers_cores():
        started = subprocess.Popen(command, **quiet)
    with started as process:
        try:
            while True:
                if process.poll() is not None or time.perf_counter() - began > 30:
                    raise Missing("it did not start")
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.005)
            yield port, process.pid, time.perf_counter() - began
        finally:
            process.terminate()


def questions(peer: Peer, count: int, tokens: int, gap: float) -> list[bytes]:
    """Requests with prompts of their own."""
    return [peer.ask(tokens, gap, number) for number in range(count)]


def paced(peer: Peer, port: int, pid: int, count: int) -> str:
    """First token and gaps at 20 ms, processor time, and memory, as cells of the table."""
    read_streams(port, questions(peer, 20, TOKENS, GAP), TOKENS)  # warm
    before, held, worked = resident(pid), [0.0], cpu_seconds(pid)

    def sample() -> None:
        held[0] = resident(pid)

    readers = read_streams(port, questions(peer, count, TOKENS, GAP), TOKENS, (SECONDS / 2, sample))
    worked = cpu_seconds(pid) - worked
    first = [reader.arrivals[0] - reader.sent - GAP for reader in readers]
    lasted = [reader.arrivals[-1] - reader.sent - TOKENS * GAP for reader in readers]
    values = [quantile(v, p) * 1000 for v in (first, gaps(readers), lasted) for p in (0.5, 0.99)]
    cells = " ".join(f"{value:>9.2f}" for value in (*values, (held[0] - before) / count))
    return f"{cells} {worked / (count * TOKENS) * 1000:>9.4f}"


def boto3_gaps(port: int) -> str:
    """Gaps between the deltas of one ConverseStream that boto3 decodes, as cells."""
    import boto3

    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    where = {"region_name": "us-east-1", "endpoint_url": f"http://127.0.0.1:{port}"}
    client = boto3.client("bedrock-runtime", **keys, **where)
    client.meta.events.register("before-send.bedrock-runtime.*", _with_pace)
    messages = [{"role": "user", "content": [{"text": "Question 1"}]}]
    arrivals = []
    for event in client.converse_stream(modelId="anthropic.claude-3-haiku-20240307-v1:0", messages=messages)[
        "stream"
    ]:
        if "contentBlockDelta" in event:
            arrivals.append(time.perf_counter())
    between = [b - a for a, b in pairwise(arrivals)]
    cells = f"{len(arrivals):>7}"
    return cells + " ".join(f"{quantile(between, part) * 1000:>9.2f}" for part in (0.5, 0.99))


def _with_pace(request: object, **_: object) -> None:
    headers = request.headers  # type: ignore[attr-defined]
    pace = {"tokens": str(TOKENS), "first-token": str(GAP), "rate": str(1 / GAP)}
    for name, value in pace.items():
        headers[f"x-mock-llm-{name}"] = value


def flat(peer: Peer, streams: Sequence[int]) -> None:
    """Start-up and events flat out."""
    with running(peer, FLAT, 0) as (port, pid, took):
        print(f"{peer.name:<10} start-up {took:.2f} s, {resident(pid) / 1024:.0f} MiB")
        read_streams(port, questions(peer, 20, FLAT, 0), FLAT)
        for count in streams:
            worked = cpu_seconds(pid)
            readers = read_streams(port, questions(peer, count, FLAT, 0), FLAT)
            worked = max(0.001, cpu_seconds(pid) - worked)
            spent = max(r.arrivals[-1] for r in readers) - min(r.sent for r in readers)
            events = sum(len(r.arrivals) for r in readers)
            rates = f"{events / spent:>10,.0f} events/s {worked / events * 1000:>8.4f} CPU s for 1,000"
            print(f"{peer.name:<10} flat {count:>5} streams {rates}", flush=True)


def measure_paced(peer: Peer, count: int) -> None:
    """A row of gaps."""
    with running(peer, TOKENS, GAP) as (port, pid, _):
        print(f"{peer.name:<10} paced {count:>4} {paced(peer, port, pid, count)}", flush=True)


def measure_boto3(peer: Peer) -> None:
    """A stream of Bedrock's."""
    with running(peer, TOKENS, GAP) as (port, _, _):
        print(f"{peer.name:<10} boto3 ConverseStream {boto3_gaps(port)}", flush=True)


def attempt(peer: Peer, step: Callable[[], None]) -> None:
    """A part of the measurement; a client that cannot read a peer is a row of the table, not its end."""
    try:
        step()
    except Missing as left_out:
        print(f"{peer.name:<10} {left_out}")
    except Exception as error:
        print(f"{peer.name:<10} {type(error).__name__}: {str(error)[:200]}")


def main() -> None:
    """Measure all that are there."""
    parser = argparse.ArgumentParser(description="The mock model beside others")
    parser.add_argument("--install", action="store_true", help="install the others first")
    parser.add_argument("--peers", type=Path, default=CACHE, help="where they are (default: %(default)s)")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--paced", type=int, nargs="+", default=[500, 1000])
    parser.add_argument("--rounds", type=int, default=2, help="how often each has its turn at a pace")
    options, _ = parser.parse_known_args()
    folder = options.peers
    katan = Katan("llm-katan", folder / "katan", False)
    peers = [
        MockLLM("mock-llm", folder),
        Aimock("aimock", folder / "aimock"),
        Plain("plain", folder),
        katan,
    ]
    for peer in peers:
        if options.install:
            attempt(peer, peer.install)
        attempt(peer, lambda peer=peer: flat(peer, options.streams))  # type: ignore[misc]
    names = ("first p50", "p99", "gap p50", "p99", "last p50", "p99", "KiB/stream", "CPU s/1k")
    print(f"paced: ms (first and last: how late)\n{'':<21}{' '.join(f'{name:>9}' for name in names)}")
    for count in options.paced * options.rounds:
        for peer in peers:
            if peer.paces:
                attempt(peer, lambda peer=peer, count=count: measure_paced(peer, count))  # type: ignore[misc]
    print("llm-katan has no gaps between tokens: nothing to measure at a pace")
    for peer in peers[:2]:
        attempt(peer, lambda peer=peer: measure_boto3(peer))  # type: ignore[misc]


if __name__ == "__main__":
    main()
