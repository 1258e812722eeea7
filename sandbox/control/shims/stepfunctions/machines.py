"""Operations on state machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.stepfunctions.definition import read
from sandbox.control.shims.stepfunctions.state import Machine, State
from sandbox.control.validation import validate

_KEPT = ("loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")


class Machines:
    """Create, describe, change, list, delete, tag."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateStateMachine": self.create,
            "DescribeStateMachine": self.describe,
            "UpdateStateMachine": self.update,
            "DeleteStateMachine": self.delete,
            "ListStateMachines": self.list,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.tags,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateStateMachine``: standard ones. The same again gives the same one."""
        validate(call.operation.model, call.params)
        given, state = call.params, self._state
        if given.get("type", "STANDARD") != "STANDARD":
            raise NotEmulatedError("express workflows of Step Functions")
        arn, definition = state.arn("stateMachine", given["name"]), read(given["definition"])
        found = state.machines.get(arn)
        if found is not None and (found.text, found.role) != (given["definition"], given["roleArn"]):
            raise AwsError(400, "StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
        if found is None:
            found = state.machines[arn] = Machine(
                arn,
                given["name"],
                given["roleArn"],
                given["definition"],
                definition,
                state.sandbox.clock.utcnow(),
                {name: given[name] for name in _KEPT if name in given},
                {tag["key"]: tag["value"] for tag in given.get("tags") or []},
            )
        return {"stateMachineArn": arn, "creationDate": found.created}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeStateMachine``."""
        found = self._state.machine(call.params["stateMachineArn"])
        return {
            **_listed(found),
            "status": "ACTIVE",
            "definition": found.text,
            "roleArn": found.role,
            **found.more,
        }

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateStateMachine``: executions that run keep the definition with which they began."""
        given, found = call.params, self._state.machine(call.params["stateMachineArn"])
        if "definition" in given:
            found.definition, found.text = read(given["definition"]), given["definition"]
        found.role = given.get("roleArn", found.role)
        found.more |= {name: given[name] for name in _KEPT if name in given}
        return {"updateDate": self._state.sandbox.clock.utcnow()}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteStateMachine``: no error when there is none. What runs runs on."""
        self._state.machines.pop(call.params["stateMachineArn"], None)
        return {}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListStateMachines``."""
        known = sorted(self._state.machines.values(), key=lambda machine: machine.created)
        shown, more = page(known, call.params.get("maxResults"), call.params.get("nextToken"), 100)
        return {"stateMachines": [_listed(machine) for machine in shown], "nextToken": more}

    def _tagged(self, call: Call) -> dict[str, str]:
        arn = call.params["resourceArn"]
        if arn not in self._state.machines:
            raise AwsError(400, "ResourceNotFound", f"Resource not found: '{arn}'")
        return self._state.machines[arn].tags

    async def tag(self, call: Call) -> Mapping[str, Any]:
        """``TagResource``."""
        self._tagged(call).update({tag["key"]: tag["value"] for tag in call.params["tags"]})
        return {}

    async def untag(self, call: Call) -> Mapping[str, Any]:
        """``UntagResource``."""
        tags = self._tagged(call)
        for key in call.params["tagKeys"]:
            tags.pop(key, None)
        return {}

    async def tags(self, call: Call) -> Mapping[str, Any]:
        """``ListTagsForResource``."""
        return {"tags": [{"key": key, "value": value} for key, value in self._tagged(call).items()]}


def _listed(machine: Machine) -> dict[str, Any]:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": machine.created,
    }
