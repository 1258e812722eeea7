"""A standard queue at its worst: messages twice and out of order, by the sandbox's anomalies and its seed."""

from __future__ import annotations

from random import Random

from sandbox.anomalies import Anomalies

SERVICE = "sqs"


class Seeded:
    """What may happen in one queue; nothing unless the rules that hold now say so."""

    def __init__(self, anomalies: Anomalies, queue: str) -> None:
        self._anomalies = anomalies
        self._random = Random(f"{anomalies.seed}/{SERVICE}/{queue}")

    def position(self, ready: int) -> int:
        """Which of the ready messages comes next: the oldest, or for a share of them any other."""
        rules = self._anomalies.rules
        if ready < 2 or not rules.on(SERVICE) or self._random.random() >= rules.reordered:
            return 0
        return self._random.randrange(1, ready)

    def again(self) -> bool:
        """Whether a message that is delivered now stays visible: another receive gets it too."""
        rules = self._anomalies.rules
        return rules.on(SERVICE) and self._random.random() < rules.duplicates
