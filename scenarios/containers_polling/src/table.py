"""The state of jobs in a DynamoDB table, which all tasks see."""

import time

import boto3


class Table:
    """In DynamoDB, written once a second: a write for each token would cost more than the token."""

    EVERY_S = 1.0

    def __init__(self, name: str) -> None:
        self._table = boto3.resource("dynamodb").Table(name)
        self._saved: dict[str, float] = {}

    def save(self, job: str, text: str, done: bool) -> None:
        """Write it."""
        self._saved[job] = time.monotonic()
        self._table.put_item(Item={"job": job, "text": text, "done": done})

    def grown(self, job: str, text: str) -> None:
        """Write what there is so far, if it is time."""
        if time.monotonic() - self._saved[job] >= self.EVERY_S:
            self.save(job, text, False)

    def find(self, job: str) -> tuple[str, bool] | None:
        """Text and whether that is all; ``None`` for an unknown job."""
        item = self._table.get_item(Key={"job": job}, ConsistentRead=True).get("Item")
        return (item["text"], item["done"]) if item else None
