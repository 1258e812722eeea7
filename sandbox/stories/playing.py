"""Playing many stories at once, each in one of a few processes; the results come in the stories' order.

The workers are forks of this process, which has read what all stories need. One that is killed costs the story that
it played, no other. On an interrupt they end their stories properly: no function's process outlives them.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from datetime import date
from itertools import count
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from pathlib import Path

from sandbox.clock import ClockKind
from sandbox.stories.model import Story
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import failed

Player = Callable[[Story, ClockKind, date | None], StoryResult]

_PATIENCE_S = 10.0  # for a worker to end its story


class Stage:
    """Stories and who plays them. ``results`` holds those that ended, by their place, also after an interrupt."""

    def __init__(
        self, stories: Sequence[Story], player: Player, clock: ClockKind, as_of: date | None
    ) -> None:
        self._stories = stories
        self._play: Callable[[Story], StoryResult] = lambda story: player(story, clock, as_of)
        self._workers: list[_Worker] = []
        self._left = count()
        self.results: dict[int, StoryResult] = {}

    @property
    def templates(self) -> list[Path]:
        """Of each story."""
        return [story.file.parent / story.template for story in self._stories]

    def alone(self) -> Generator[StoryResult, None, None]:
        """Play them here, one after the other. Raises what the player raises."""
        for place, story in enumerate(self._stories):
            self.results[place] = self._play(story)
            yield self.results[place]

    def together(self, workers: int) -> Generator[StoryResult, None, None]:
        """Play so many at once. Raises what the player raises."""
        try:
            for _ in range(workers):
                self._start(next(self._left))
            for place in range(len(self._stories)):
                while place not in self.results:
                    self._listen()
                yield self.results[place]
        finally:
            self._end()

    def _start(self, place: int) -> None:
        worker = _Worker(self._work, self._workers)
        self._workers.append(worker)
        worker.give(place)

    def _listen(self) -> None:
        """Take the next result, and give who sent it more to do."""
        ready = connection.wait([worker.line for worker in self._workers if worker.place is not None])
        for worker in [one for one in self._workers if one.line in ready]:
            played, found = worker.place, worker.take()
            assert played is not None
            worker.place = None
            if isinstance(found, Exception):
                raise found
            if found is None:
                self._workers.remove(worker)
                found = failed(self._stories[played], f"the process that played it {worker.ended()}")
            self.results[played] = found
            if (place := next(self._left)) >= len(self._stories):
                continue
            if worker in self._workers:
                worker.give(place)
            else:
                self._start(place)

    def _end(self) -> None:
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.ended()
        self._workers.clear()

    def _work(self, line: connection.Connection) -> None:
        """In a worker: play what is asked for, until nobody asks any more."""
        # Out of reach of the terminal's Ctrl-C: a second interrupt would break off what the first one began.
        os.setpgid(0, 0)
        with suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
            while True:
                story = self._stories[line.recv()]
                try:
                    line.send(self._play(story))
                except (BrokenPipeError, KeyboardInterrupt):
                    raise
                except Exception as error:
                    error.add_note(f"{story.pattern}/{story.id}, in the process that played it:")
                    error.add_note(traceback.format_exc())
                    line.send(error)
        signal.signal(signal.SIGINT, lambda *_: None)  # it is leaving already


class _Worker:
    """One process, and the line to it."""

    def __init__(self, work: Callable[[connection.Connection], None], others: Sequence[_Worker]) -> None:
        fork = get_context("fork")
        self.line, theirs = fork.Pipe()
        ours = [self.line, *(other.line for other in others)]
        self.place: int | None = None  # of the story that it plays
        self._process: ForkProcess = fork.Process(target=_begin, args=(work, theirs, ours), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, place: int) -> None:
        """Have it play a story; that it is gone shows when its answer is taken."""
        self.place = place
        with suppress(BrokenPipeError):
            self.line.send(place)

    def take(self) -> StoryResult | Exception | None:
        """Its answer; ``None`` when it is gone."""
        try:
            answer: StoryResult | Exception = self.line.recv()
        except (EOFError, ConnectionError):
            return None
        return answer

    def stop(self) -> None:
        """Have it leave, in the middle of a story if it plays one."""
        self.line.close()
        if self.place is not None and self._process.is_alive():
            os.kill(self._process.pid or 0, signal.SIGINT)

    def ended(self) -> str:
        """Wait for its end; how it was."""
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with exit code {code}"


def _begin(
    work: Callable[[connection.Connection], None],
    line: connection.Connection,
    inherited: Sequence[connection.Connection],
) -> None:
    for one in inherited:  # else a line would not end with the process that holds its other end
        one.close()
    work(line)
