"""Looks at threads that run, wake each other and fall asleep between any two readings."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from sandbox.clock import procfs
from sandbox.clock.processes import Processes
from sandbox.clock.watched import Verdict

PROCESSES = {1001: (1, 2, 3), 1002: (4, 5)}


class Machine:
    """A kernel with threads; every reading gives them an occasion to run.

    A packet is a wake-up under way: whoever sent it may be asleep again before its receiver is woken.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ran = {tid: 0 for threads in PROCESSES.values() for tid in threads}
        self.awake: set[int] = set()
        self.packets: list[int] = []

    def pass_by(self) -> None:
        """What happens between two readings: often nothing, sometimes a lot while the reader waits."""
        for _ in range(self.chance.choice((0, 0, 0, 1, 2, 6))):
            if self.packets and self.chance.random() < 0.1:
                self.awake.add(self.packets.pop())
            if self.awake:
                self.run(self.chance.choice(sorted(self.awake)))

    def run(self, thread: int) -> None:
        self.ran[thread] += 1
        other = self.chance.choice(list(self.ran))
        match self.chance.random():
            case x if x < 0.12:
                self.awake.add(other)
            case x if x < 0.4:
                self.packets.append(other)
        if self.chance.random() < 0.7:
            self.awake.discard(thread)

    # What is read of it.

    def newest_id(self) -> int:
        self.pass_by()
        return 7

    def packets_under_way(self) -> bool:
        self.pass_by()
        return bool(self.packets)

    def close(self) -> None:
        pass


class Thread:
    """A thread's two files."""

    def __init__(self, machine: Machine, tid: int) -> None:
        self.machine = machine
        self.tid = tid
        self.last = -1
        self.fresh = False
        self.napping_since = None

    def ran(self) -> bool:
        self.machine.pass_by()
        before, self.last = self.last, self.machine.ran[self.tid]
        return before != self.last

    def running(self) -> bool:
        self.machine.pass_by()
        return self.tid in self.machine.awake

    def close(self) -> None:
        pass


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch):
    def start(seed: int) -> tuple[Machine, Processes]:
        machine = Machine(seed)
        monkeypatch.setattr(procfs, "System", lambda: machine)
        monkeypatch.setattr(procfs, "thread_ids", PROCESSES.__getitem__)
        monkeypatch.setattr(procfs, "ThreadFiles", lambda _, tid: Thread(machine, tid))
        processes = Processes()
        for pid in PROCESSES:
            processes.watch(pid)
        return machine, processes

    return start


def test_nobody_is_awake_when_all_is_called_quiet(watching) -> None:
    seen: Counter[Verdict] = Counter()
    for seed in range(150):
        machine, processes = watching(seed)
        for _ in range(10):  # instants
            machine.awake.add(machine.chance.choice(list(machine.ran)))  # somebody whose timer is due
            acted = True
            for _ in range(1000):
                verdict, acted = processes.look(acted), False
                seen[verdict] += 1
                if verdict is Verdict.QUIET:
                    break
            assert (machine.awake, machine.packets) == (set(), []), f"seed {seed}"
            assert verdict is Verdict.QUIET, f"seed {seed}"
    assert min(seen[Verdict(one)] for one in Verdict) > 20  # of each there were some


def test_one_that_runs_between_the_readings_of_its_own_files_is_seen(watching) -> None:
    machine, processes = watching(0)
    machine.pass_by = lambda: None
    assert [processes.look(False) for _ in range(3)] == [Verdict.CHANGED, Verdict.QUIET, Verdict.QUIET]
    last = list(processes._groups[1002].processes[1002]._threads.values())[-1]
    reading = last.running

    def running() -> bool:
        """It runs before its state is read, and wakes one that was read before."""
        machine.ran[5] += 1
        machine.awake.add(1)
        return reading()

    last.running = running
    assert processes.look() is Verdict.CHANGED
    del last.running
    assert processes.look(False) is Verdict.RUNNING
