"""The state of jobs in this task's memory, which no other task sees."""


class Memory:
    """As long as this task lives."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[str, bool]] = {}

    def save(self, job: str, text: str, done: bool) -> None:
        """Keep it."""
        self._jobs[job] = (text, done)

    def grown(self, job: str, text: str) -> None:
        """Keep what there is so far."""
        self.save(job, text, False)

    def find(self, job: str) -> tuple[str, bool] | None:
        """Text and whether that is all; ``None`` for an unknown job."""
        return self._jobs.get(job)
