"""``AddPermission`` and ``RemovePermission``: statements of the queue's policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.sqs.errors import invalid_parameter
from sandbox.control.shims.sqs.queue import Queue
from sandbox.control.shims.sqs.queues import required
from sandbox.control.shims.sqs.state import State


class Permissions:
    """Operations on a queue's policy."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"AddPermission": self.add, "RemovePermission": self.remove}

    async def add(self, call: Call) -> None:
        """``AddPermission``."""
        queue, label = self._state.of(call), required(call, "Label")
        policy = _policy(queue)
        if any(statement.get("Sid") == label for statement in policy["Statement"]):
            raise invalid_parameter("Label", label, "Already exists.")
        for action in call.params.get("Actions") or ():
            if action != "*" and action not in call.operation.model.service_model.operation_names:
                reason = "Please refer to the appropriate WSDL for a list of valid actions. "
                raise invalid_parameter("ActionName", f"SQS:{action}", reason)
        accounts = [f"arn:aws:iam::{account}:root" for account in call.params.get("AWSAccountIds") or ()]
        actions = [f"SQS:{action}" for action in call.params.get("Actions") or ()]
        policy["Statement"].append(
            {
                "Sid": label,
                "Effect": "Allow",
                "Principal": {"AWS": _one_or_many(accounts)},
                "Action": _one_or_many(actions),
                "Resource": queue.arn,
            }
        )
        queue.attributes.set({"Policy": json.dumps(policy)})

    async def remove(self, call: Call) -> None:
        """``RemovePermission``."""
        queue, label = self._state.of(call), required(call, "Label")
        policy = _policy(queue)
        kept = [statement for statement in policy["Statement"] if statement.get("Sid") != label]
        if len(kept) == len(policy["Statement"]):
            raise invalid_parameter("Label", label, "can't find label.")
        queue.attributes.set({"Policy": json.dumps({**policy, "Statement": kept}) if kept else ""})


def _policy(queue: Queue) -> dict[str, Any]:
    text = queue.attributes.text("Policy")
    if text:
        found: dict[str, Any] = json.loads(text)
        return {"Statement": [], **found}
    return {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
