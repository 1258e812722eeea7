"""The API's resource policy, and the words of a refusal.

Source: API Gateway developer guide, "How API Gateway resource policies affect authorization workflow"; the sentences
were seen in public reports of 2025 and 2026 (``... because no resource-based policy allows the execute-api:Invoke
action``), the account masked but for its last four digits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from sandbox.auth import ANONYMOUS, Principal, authorize
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import GatewayError, error

ACTION = "execute-api:Invoke"
Verdict = Literal["allow", "deny", "nothing"]


def statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A policy document's statements."""
    given = document.get("Statement")
    return list(given) if isinstance(given, list) else [given] if given else []


def context_of(call: Call) -> dict[str, Any]:
    """Condition keys of a request."""
    now = call.sandbox.clock.utcnow()
    return {
        "aws:SourceIp": call.source_ip,
        "aws:CurrentTime": now.isoformat(),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:SecureTransport": "true",
        "aws:UserAgent": call.header("user-agent") or "",
        "aws:Referer": call.header("referer") or "",
    }


def judge_identity(call: Call, principal: Principal, document: Mapping[str, Any]) -> Verdict:
    """What a policy without principals says of the call."""
    given = replace(principal, policies=(document,))
    if _allowed(call, given, ()):
        return "allow"
    return "deny" if _denies(call, statements(document), identity=True) else "nothing"


def judge_resource(call: Call, principal: Principal) -> Verdict:
    """What the API's resource policy says of the call; without one: nothing."""
    given = statements(call.api.policy or {})
    bare = replace(principal, policies=(), is_root=False)
    if given and _allowed(call, bare, given):
        return "allow"
    denies = [statement for statement in given if statement.get("Effect") == "Deny"]
    opposite = [{**statement, "Effect": "Allow"} for statement in denies]
    return "deny" if opposite and _allowed(call, bare, opposite) else "nothing"


def _denies(call: Call, given: list[Mapping[str, Any]], *, identity: bool) -> bool:
    """Whether a deny applies: asked by turning each into an allow."""
    opposite = [{**s, "Effect": "Allow"} for s in given if s.get("Effect") == "Deny"]
    if not opposite:
        return False
    principal = Principal(arn="x", account=call.sandbox.settings.account, policies=({"Statement": opposite},))
    return _allowed(call, principal, ())


def _allowed(call: Call, principal: Principal, resource_policy: Any) -> bool:
    return authorize(
        principal, ACTION, call.arn(call.path), resource_policy=resource_policy, context=context_of(call)
    )


def require(call: Call, verdict: Verdict, principal: Principal = ANONYMOUS) -> None:
    """Raise the refusal for anything but an allow."""
    if verdict != "allow":
        why = (
            "with an explicit deny in a resource-based policy"
            if verdict == "deny"
            else f"because no resource-based policy allows the {ACTION} action"
        )
        raise user_refusal(call, principal, why)


def user_refusal(call: Call, principal: Principal, why: str) -> GatewayError:
    """``User: ... is not authorized to perform: execute-api:Invoke on resource: ...``."""
    account = call.sandbox.settings.account
    resource = call.arn(call.path).replace(f":{account}:", f":********{account[-4:]}:")
    user = principal.arn or "anonymous"
    return refusal(call, f"User: {user} is not authorized to perform: {ACTION} on resource: {resource} {why}")


def refusal(call: Call, text: str) -> GatewayError:
    """An ``ACCESS_DENIED`` whose body spells ``Message`` with a capital letter (seen in many public reports)."""
    failure = error("ACCESS_DENIED", text)
    failure.body = json.dumps({"Message": text}, separators=(",", ":")).encode()
    return failure
