"""How late the mock model's tokens are when nobody else wants its core: what a busy machine cannot hide or spoil.

    python -m benchmarks.mock_llm_alone [--streams 500] [--first-token 0.02] [--send 12]

The loop's time is the processor time of its thread, and it jumps when there is nothing to do: whoever else is on the
machine takes no time. 500 requests come within 60 ms over transports that lead nowhere; a write costs as many
microseconds as the kernel takes for one on loopback (``--send``). Printed: how late first and last tokens are, gaps,
and when (in steps of 50 ms since the first request) those beyond 22 ms came.
"""

from __future__ import annotations

import argparse
import asyncio
import selectors
import time
from array import array
from collections import Counter
from collections.abc import Callable
from itertools import pairwise, repeat
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from benchmarks.streams import quantile, question
from mock_llm.app import create_app
from mock_llm.http2 import EitherProtocol
from mock_llm.server import DOORWAYS, rarely_collect

RATE, TOKENS = 50, 200
APART = 0.00012  # seconds between two requests: what a client takes for one
TOKEN = b'"delta":{"content":"'


class Jumping(selectors.DefaultSelector):
    """Waits for nothing: ``skipped`` is what others would have waited."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready, at once."""
        ready = super().select(0)
        if not ready:
            self.skipped += 0.001 if timeout is None else max(0.0, timeout)
        return ready


class Alone(asyncio.SelectorEventLoop):
    """A loop on processor time. ``before``: what it does first in each turn."""

    before: Callable[[float], None] | None = None

    def __init__(self) -> None:
        self.jumping = Jumping()
        self._turned = 0.0
        super().__init__(self.jumping)

    def now(self) -> float:
        """The instant within a turn."""
        return time.thread_time() + self.jumping.skipped

    def time(self) -> float:
        """When the turn began, as uvloop tells it."""
        return self._turned

    def _run_once(self) -> None:
        self._turned = self.now()
        if self.before is not None:
            self.before(self._turned)
        super()._run_once()  # type: ignore[misc]


class Nowhere(asyncio.Transport):
    """Takes what is written; ``written``: instants, each with how many tokens."""

    def __init__(self, loop: Alone, sent: float, cost: float) -> None:
        super().__init__()
        self.sent, self.written = sent, array("d")
        self._loop, self._cost, self._closing = loop, cost, False

    def write(self, data: Any) -> None:
        """A write's cost passes."""
        self._loop.jumping.skipped += self._cost
        self.written.extend((self._loop.now(), data.count(TOKEN)))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Addresses."""
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Close it."""
        self._closing = True

    def resume_reading(self) -> None:
        """Nobody reads."""

    pause_reading = resume_reading

    def arrivals(self) -> list[float]:
        """The instant of each token."""
        pairs = zip(self.written[::2], self.written[1::2], strict=True)
        return [at for at, tokens in pairs for _ in repeat(None, int(tokens))]


async def streams(count: int, first_token: float, cost: float, number: int) -> list[Nowhere]:
    """Let so many streams play; requests are ``number`` and following."""
    loop: Any = asyncio.get_running_loop()
    quiet = {"log_level": "warning", "access_log": False}
    config = Config(create_app(), lifespan="off", proxy_headers=False, **quiet)  # type: ignore[arg-type]
    config.load()
    state, taken = ServerState(), list[tuple[EitherProtocol, Nowhere]]()
    pace = (
        f"x-mock-llm-tokens: {TOKENS}\r\nx-mock-llm-first-token: {first_token}\r\nx-mock-llm-rate: {RATE}\r\n"
    )
    asked = [question(number + index, pace) for index in range(count)]
    began = loop.now() + 0.01

    def come(now: float) -> None:
        for _ in range(DOORWAYS):
            sent = began + len(taken) * APART
            if len(taken) == count or sent > now:
                return
            protocol, transport = EitherProtocol(config, state, {}), Nowhere(loop, sent, cost)
            taken.append((protocol, transport))
            protocol.connection_made(transport)
            protocol.data_received(asked[len(taken) - 1])

    loop.before = come
    while len(taken) < count:  # noqa: ASYNC110 - each turn of the loop takes some
        await asyncio.sleep(APART)
    await asyncio.sleep(first_token + TOKENS / RATE + 4)
    for protocol, _ in taken:
        protocol.connection_lost(None)
    return [transport for _, transport in taken]


def report(played: list[Nowhere], first_token: float) -> None:
    """Print a row."""
    due = first_token + (TOKENS - 1) / RATE
    times = [(stream.sent, stream.arrivals()) for stream in played]
    values = (
        [at[0] - sent - first_token for sent, at in times],
        [later - earlier for _, at in times for earlier, later in pairwise(at)],
        [at[-1] - sent - due for sent, at in times],
    )
    cells = " ".join(f"{quantile(v, part) * 1000:>9.2f}" for v in values for part in (0.5, 0.99))
    began = min(sent for sent, _ in times)
    late = Counter(
        int((later - began) * 20) * 50
        for _, at in times
        for earlier, later in pairwise(at)
        if later - earlier > 0.022
    )
    print(f" {len(played):>7} {cells}  {dict(sorted(late.items()))}", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="The mock model's own lateness")
    parser.add_argument("--streams", type=int, nargs="+", default=[500])
    parser.add_argument("--first-token", type=float, default=1 / RATE, help="seconds")
    parser.add_argument("--send", type=float, default=12, help="microseconds that a write takes")
    parser.add_argument("--rounds", type=int, default=2)
    options, _ = parser.parse_known_args()
    names = ("first p50", "p99", "gap p50", "p99", "last p50", "p99")
    print(
        f"20 ms gaps, ms\n streams {' '.join(f'{name:>9}' for name in names)}  gaps > 22 ms, by ms since start"
    )
    rarely_collect()
    with asyncio.Runner(loop_factory=Alone) as runner:
        runner.run(streams(50, options.first_token, options.send / 1e6, 10**6))  # warm
        for number in range(options.rounds):
            for count in options.streams:
                played = streams(count, options.first_token, options.send / 1e6, number * 10**4)
                report(runner.run(played), options.first_token)


if __name__ == "__main__":
    main()
