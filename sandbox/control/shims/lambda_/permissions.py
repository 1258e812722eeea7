"""Resource policies of functions, aliases, versions and layers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_.names import LATEST
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import (
    Policy,
    conflict,
    invalid,
    missing,
    require_revision,
)

NO_POLICY = "No policy is associated with the given resource."
URL_ACTION = "lambda:InvokeFunctionUrl"


def statement(params: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """The IAM statement of an ``AddPermission`` or ``AddLayerVersionPermission`` request."""
    made: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": resource,
    }
    condition: dict[str, dict[str, Any]] = {}
    if params.get("PrincipalOrgID") or params.get("OrganizationId"):
        organization = params.get("PrincipalOrgID") or params["OrganizationId"]
        condition.setdefault("StringEquals", {})["aws:PrincipalOrgID"] = organization
    if params.get("SourceAccount"):
        condition.setdefault("StringEquals", {})["AWS:SourceAccount"] = params["SourceAccount"]
    if params.get("EventSourceToken"):
        condition.setdefault("StringEquals", {})["lambda:EventSourceToken"] = params["EventSourceToken"]
    if params.get("FunctionUrlAuthType"):
        condition.setdefault("StringEquals", {})["lambda:FunctionUrlAuthType"] = params["FunctionUrlAuthType"]
    if params.get("InvokedViaFunctionUrl") is not None:
        via = str(params["InvokedViaFunctionUrl"]).lower()
        condition.setdefault("Bool", {})["lambda:InvokedViaFunctionUrl"] = via
    if params.get("SourceArn"):
        condition.setdefault("ArnLike", {})["AWS:SourceArn"] = params["SourceArn"]
    if condition:
        made["Condition"] = condition
    return made


def _principal(text: str) -> Any:
    if text == "*":
        return "*"
    if text.isdigit() and len(text) == 12:
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if text.startswith("arn:"):
        return {"AWS": text}
    return {"Service": text}


def add(policy: Policy, made: dict[str, Any], given_revision: str | None, new_revision: str) -> str:
    """Add a statement; its text, as the API answers."""
    require_revision(given_revision, policy.revision, "GetPolicy")
    sid = made["Sid"]
    if sid in policy.statements:
        raise conflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the "
            "existing statement."
        )
    policy.statements[sid] = made
    policy.revision = new_revision
    return json.dumps(made, separators=(",", ":"))


def shown(
    policy: Policy | None, absent: str = "The resource you requested does not exist."
) -> dict[str, Any]:
    """``GetPolicy``'s answer."""
    if policy is None or not policy.statements:
        raise missing(absent)
    document = {"Version": "2012-10-17", "Id": "default", "Statement": list(policy.statements.values())}
    return {"Policy": json.dumps(document, separators=(",", ":")), "RevisionId": policy.revision}


def remove(policy: Policy | None, sid: str, given_revision: str | None, new_revision: str) -> None:
    """Remove a statement by its Sid."""
    if policy is None or not policy.statements:
        raise missing(NO_POLICY)
    if sid not in policy.statements:
        raise missing(f"Statement {sid} is not found in resource policy.")
    require_revision(given_revision, policy.revision, "GetPolicy")
    del policy.statements[sid]
    policy.revision = new_revision


class Permissions:
    """Operations on the policies of functions, by qualifier."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"AddPermission": self.add, "GetPolicy": self.get, "RemovePermission": self.remove}

    async def add(self, call: Call) -> Mapping[str, Any]:
        """``AddPermission``."""
        region, name = checked(self._state, call)
        function, params = region.function(name), call.params
        region.version(name)
        if name.qualifier == LATEST:
            raise invalid("We currently do not support adding policies for $LATEST.")
        if params.get("FunctionUrlAuthType") and params["Action"] != URL_ACTION:
            raise invalid(f"FunctionUrlAuthType is only supported for {URL_ACTION} action")
        key = name.qualifier or ""
        policy = function.policies.get(key) or Policy({}, self._state.revision())
        made = statement(params, region.arns.function(function.name, name.qualifier))
        text = add(policy, made, params.get("RevisionId"), self._state.revision())
        function.policies[key] = policy
        return {"Statement": text}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetPolicy``."""
        region, name = checked(self._state, call)
        return shown(region.function(name).policies.get(name.qualifier or ""))

    async def remove(self, call: Call) -> Response:
        """``RemovePermission``."""
        region, name = checked(self._state, call)
        policy = region.function(name).policies.get(name.qualifier or "")
        remove(policy, call.params["StatementId"], call.params.get("RevisionId"), self._state.revision())
        return Response(204)
