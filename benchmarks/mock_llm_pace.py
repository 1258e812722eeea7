"""How fast and how steadily the mock model speaks, on the real clock, beside the least that Python can do.

    python benchmarks/mock_llm_pace.py [--streams 1 100 500] [--seconds 4] [--rounds 2]

Mock model and plain server (``benchmarks/plain_server.py``) take turns, so that whatever else the machine does
hits both. Flat out: tokens a second, all streams together. Paced with 20 ms gaps: how late the first token is, the
gaps, and how late the last token is against its schedule (drift would show there). CPU: seconds of the server's
processor time for 1,000 tokens. Tokens are timed by the kernel when they reach the client's socket
(``benchmarks/streams.py``), so the client's own delay is in no figure.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.streams import cpu_seconds, gaps, quantile, question, read_streams, servers_cores

FIRST_TOKEN = 0.5
RATE = 50
WARM_UP = 64
SERVERS = {
    "mock-llm": ["-m", "mock_llm", "--port", "0"],
    "plain": ["-m", "benchmarks.plain_server", "0"],
}
COLUMNS = ("first p50", "first p99", "gap p50", "gap p99", "last p50", "last p99", "CPU s/1k")


@contextmanager
def serving(name: str) -> Iterator[tuple[int, int]]:
    """A server in a process: its port, its process id."""
    with servers_cores():
        process = subprocess.Popen([sys.executable, *SERVERS[name]], stdout=subprocess.PIPE, text=True)
    with process as server:
        assert server.stdout
        found = re.search(r":(\d+)$", server.stdout.readline().strip())
        if not found:
            raise SystemExit(f"{name} did not start")
        try:
            read_streams(int(found[1]), _questions(WARM_UP, 50, 0, "inf"), 50)
            yield int(found[1]), server.pid
        finally:
            server.terminate()


def _questions(count: int, tokens: int, first_token: float, rate: str) -> list[bytes]:
    pace = (
        f"x-mock-llm-tokens: {tokens}\r\nx-mock-llm-first-token: {first_token}\r\nx-mock-llm-rate: {rate}\r\n"
    )
    return [question(number, pace) for number in range(count)]


def flat_out(port: int, pid: int, count: int) -> list[float]:
    """Tokens a second when nothing is waited for, and CPU seconds for 1,000 of them."""
    tokens = max(100, 100_000 // count)
    worked = cpu_seconds(pid)
    readers = read_streams(port, _questions(count, tokens, 0, "inf"), tokens)
    worked = cpu_seconds(pid) - worked
    took = max(reader.arrivals[-1] for reader in readers) - min(reader.sent for reader in readers)
    return [count * tokens / took, worked / (count * tokens) * 1000]


def paced(port: int, pid: int, count: int, seconds: float) -> list[float]:
    """Delays in milliseconds at 20 ms gaps, and CPU seconds for 1,000 tokens."""
    tokens = int(seconds * RATE)
    worked = cpu_seconds(pid)
    readers = read_streams(port, _questions(count, tokens, FIRST_TOKEN, str(RATE)), tokens)
    worked = cpu_seconds(pid) - worked
    first = [reader.arrivals[0] - reader.sent - FIRST_TOKEN for reader in readers]
    last = [reader.arrivals[-1] - reader.sent - FIRST_TOKEN - (tokens - 1) / RATE for reader in readers]
    cells = [
        quantile(values, part) * 1000
        for values in (first, gaps(readers) or [0.0], last)
        for part in (0.5, 0.99)
    ]
    return [*cells, worked / (count * tokens) * 1000]


def measure(counts: Sequence[int], seconds: float, rounds: int) -> None:
    """Both tables."""
    print(f"flat out\n {'':<9} streams   tokens/s  CPU s/1k")
    for count in counts:
        for name in SERVERS:
            with serving(name) as (port, pid):
                rate, cpu = flat_out(port, pid, count)
            print(f" {name:<9} {count:>7} {rate:>10,.0f} {cpu:>9.4f}", flush=True)
    titles = " ".join(f"{title:>9}" for title in COLUMNS)
    print(f"\npaced, 20 ms gaps, ms (first and last: how late)\n {'':<9} streams {titles}")
    for count in counts:
        best: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name in SERVERS:
                with serving(name) as (port, pid):
                    cells = paced(port, pid, count, seconds)
                told = " ".join(f"{cell:>9.2f}" for cell in cells[:-1])
                print(f" {name:<9} {count:>7} {told} {cells[-1]:>9.4f}", flush=True)
                best[name] = min(best.get(name, cells), cells, key=lambda row: row[3])
        ratios = [mine / plain if plain else 0 for mine, plain in zip(*best.values(), strict=True)]
        print(f" {'ratio':<9} {count:>7} {' '.join(f'{ratio:>9.2f}' for ratio in ratios)}", flush=True)


def main() -> None:
    """Start the servers in turns, measure, stop them."""
    parser = argparse.ArgumentParser(description="Pace of the mock model")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the paced answers")
    parser.add_argument("--rounds", type=int, default=2, help="how often each has its turn at a pace")
    options, _ = parser.parse_known_args()
    measure(options.streams, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
