"""A queue's attributes: defaults, what values they take, and redrive policies.

Bounds: botocore's model of CreateQueue. Texts: as AWS answered LocalStack's recorded tests where those have them; the
reasons of a refused redrive are as users quote them (terraform-provider-aws issues); the others are UNSOURCED.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aws import json_text
from sandbox.control.shims.sqs.errors import (
    SqsError,
    invalid_attribute,
    invalid_parameter,
    invalid_value,
    unknown_attribute,
)

Limit = Any  # Callable[[str], int] of ``sandbox.limits``

_FIFO_ONLY = ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
_BOOLEANS = ("FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled")
_CHOICES = {
    "DeduplicationScope": ("messageGroup", "queue"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
_DOCUMENTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")
_TWO_KINDS_OF_ENCRYPTION = (
    "You can use one type of server-side encryption (SSE) at one time. "
    "You can either enable KMS SSE or SQS SSE."
)


@dataclass(frozen=True, slots=True)
class Redrive:
    """A redrive policy: where messages go that were received ``max_receive_count`` times."""

    target: str
    max_receive_count: int


class Attributes:
    """The attributes of one queue that can be set, as texts."""

    def __init__(self, given: Mapping[str, str], limit: Limit) -> None:
        self._limit = limit
        self.fifo = str(given.get("FifoQueue", "false")).lower() == "true"
        self._values: dict[str, str] = {}
        self._redrive: Redrive | None = None
        self.set(self.defaults() | dict(given), new=True)

    def defaults(self) -> dict[str, str]:
        """What a new queue has."""
        common = {
            "DelaySeconds": "0",
            "MaximumMessageSize": str(self._limit("sqs.message")),
            "MessageRetentionPeriod": str(self._limit("sqs.retention.default")),
            "ReceiveMessageWaitTimeSeconds": str(self._limit("sqs.wait.default")),
            "SqsManagedSseEnabled": "true",
            "VisibilityTimeout": str(self._limit("sqs.visibility.default")),
        }
        fifo = {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "false",
            "DeduplicationScope": "queue",
            "FifoThroughputLimit": "perQueue",
        }
        return common | (fifo if self.fifo else {})

    def text(self, name: str) -> str:
        """A value; ``""`` when it is not set."""
        return self._values.get(name, "")

    def number(self, name: str) -> int:
        """A value that is a number."""
        return int(self._values[name])

    @property
    def content_based(self) -> bool:
        """Whether a message's body stands for its de-duplication id."""
        return self.text("ContentBasedDeduplication") == "true"

    @property
    def redrive(self) -> Redrive | None:
        """The redrive policy."""
        return self._redrive

    def shown(self) -> dict[str, str]:
        """All of them."""
        return dict(self._values)

    def different(self, given: Mapping[str, str]) -> str | None:
        """The first attribute that has another value than ``given`` says."""
        return next((k for k, v in given.items() if v != "" and self._values.get(k) != v), None)

    def set(self, given: Mapping[str, str], *, new: bool = False) -> None:
        """Change attributes, all or none. Raises ``SqsError``."""
        for name, value in given.items():
            self._check(name, value)
        values = {**self._values, **_with_encryption(given, new)}
        if values.get("FifoThroughputLimit") == "perMessageGroupId" and (
            values.get("DeduplicationScope") != "messageGroup"
        ):  # the rule: SQS Developer Guide, high throughput for FIFO queues; the text is UNSOURCED
            raise invalid_attribute("FifoThroughputLimit", "DeduplicationScope must be messageGroup.")
        self._values = {name: value for name, value in values.items() if value != ""}
        policy = self._values.get("RedrivePolicy")
        self._redrive = redrive_of(policy) if policy else None

    def _check(self, name: str, value: str) -> None:
        if name in _FIFO_ONLY and not self.fifo:  # CreateQueue with "false" too
            raise unknown_attribute(name)
        if name == "FifoQueue" and value.lower() != "true":
            raise invalid_attribute(name, "Modifying queue type is not supported.")
        bounds = self._bounds(name)
        if bounds is not None:
            good = value.isascii() and value.isdecimal() and bounds[0] <= int(value) <= bounds[1]
        elif name in _BOOLEANS:
            good = value.lower() in ("true", "false")
        elif name in _CHOICES:
            good = value in _CHOICES[name]
        elif name in _DOCUMENTS:
            good = not value or _is_good_document(name, value)
        elif name == "KmsMasterKeyId":
            good = True
        else:
            raise unknown_attribute(name)
        if not good:
            raise invalid_attribute(name)

    def _bounds(self, name: str) -> tuple[int, int] | None:
        limit = self._limit
        return {
            "DelaySeconds": lambda: (0, limit("sqs.delay.max")),
            "MaximumMessageSize": lambda: (limit("sqs.message.min"), limit("sqs.message")),
            "MessageRetentionPeriod": lambda: (60, 1_209_600),
            "ReceiveMessageWaitTimeSeconds": lambda: (0, limit("sqs.wait.max")),
            "VisibilityTimeout": lambda: (0, limit("sqs.visibility.max")),
            "KmsDataKeyReusePeriodSeconds": lambda: (60, 86_400),
        }.get(name, lambda: None)()


def _with_encryption(given: Mapping[str, str], new: bool) -> dict[str, str]:
    """KMS and SQS encryption exclude each other."""
    values = {name: value.lower() if name in _BOOLEANS else value for name, value in given.items()}
    if values.get("KmsMasterKeyId"):
        if values.get("SqsManagedSseEnabled") == "true" and not new:
            raise SqsError("InvalidAttributeName", _TWO_KINDS_OF_ENCRYPTION, "InvalidAttributeName")
        values["SqsManagedSseEnabled"] = "false"
    elif values.get("SqsManagedSseEnabled") == "true" and not new:
        values["KmsMasterKeyId"] = ""
    return values


def _is_good_document(name: str, value: str) -> bool:
    try:
        document = json_text.loads(value)
    except ValueError:
        return False
    if not isinstance(document, dict):
        return False
    if name == "RedrivePolicy":
        redrive_of(value)
    if name == "RedriveAllowPolicy":
        allowed_sources(value)
    return True


def redrive_of(policy: str) -> Redrive:
    """A redrive policy's members. Raises ``SqsError``."""

    def refused(reason: str) -> SqsError:
        return invalid_parameter("RedrivePolicy", policy, reason)

    document = json.loads(policy)
    target = document.get("deadLetterTargetArn")
    most = document.get("maxReceiveCount")
    for name, value in (("deadLetterTargetArn", target), ("maxReceiveCount", most)):
        if value is None:
            raise refused(f"Redrive policy does not contain mandatory attribute: {name}.")
    if not (isinstance(target, str) and target.startswith("arn:") and target.count(":") == 5):
        raise refused("Invalid value for deadLetterTargetArn.")
    if isinstance(most, bool) or not str(most).isdecimal() or not 1 <= int(most) <= 1000:
        text = f"Invalid value for maxReceiveCount: {most}, valid values are from 1 to 1000 both inclusive."
        raise refused(text)
    return Redrive(target, int(most))


def allowed_sources(policy: str) -> Iterable[str] | None:
    """ARNs of the queues whose dead letters may come here; ``None``: of all. Raises ``SqsError``."""
    document = json.loads(policy)
    permission, arns = document.get("redrivePermission"), document.get("sourceQueueArns")
    named = isinstance(arns, list) and 1 <= len(arns) <= 10
    if permission not in ("allowAll", "denyAll", "byQueue") or (permission == "byQueue") != named:
        raise invalid_value(f"Value {policy} for parameter RedriveAllowPolicy is invalid.")
    if permission == "allowAll":
        return None
    return arns if permission == "byQueue" else ()
