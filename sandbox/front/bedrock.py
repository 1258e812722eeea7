"""Which requests are for Bedrock's runtime, which the mock model answers, and what their callers need.

Hosts: ``bedrock-runtime.<region>.amazonaws.com`` (facts 10.1, 10.2) and ``bedrock-mantle.<region>.api.aws``
(facts 10.8, 10.9). On the sandbox's own address it is the path, with a signature for ``bedrock``, or
``bedrock-mantle``, or an API key.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from sandbox.auth.principal import authorize
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Receive, Scope, Send
from sandbox.front.address import Resolved
from sandbox.front.errors import service_of

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Signed = Callable[[Application], Application]

HOST = re.compile(r"bedrock-runtime(-fips)?\.[a-z0-9-]+\.amazonaws\.com|bedrock-mantle\.[a-z0-9-]+\.api\.aws")
PATH = re.compile(
    r"/model/(?P<model>.+)/(?P<operation>converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)"
)
# On the sandbox's own address, of what is signed for Bedrock (its other paths are those of its control plane).
COMPATIBLE = re.compile(r"/(openai|anthropic)/v1/.+|/v1/(chat/completions|responses|messages|models).*")
# What the runtime has besides, by its paths in the service model.
NOT_EMULATED = (
    (re.compile(r"/model/.+/invoke-with-bidirectional-stream"), "InvokeModelWithBidirectionalStream"),
    (re.compile(r"/async-invoke(/.*)?"), "asynchronous invocations of Bedrock's models"),
    (re.compile(r"/guardrail/.+/apply"), "ApplyGuardrail"),
    (re.compile(r"/guardrail-checks/invoke"), "InvokeGuardrailChecks"),
)
# The action that each operation needs: facts 10.5.
ACTIONS = {
    "converse": "bedrock:InvokeModel",
    "invoke": "bedrock:InvokeModel",
    "converse-stream": "bedrock:InvokeModelWithResponseStream",
    "invoke-with-response-stream": "bedrock:InvokeModelWithResponseStream",
    "count-tokens": "bedrock:CountTokens",
}
MANTLE = "bedrock-mantle"
MANTLE_ACTION = (
    "bedrock-mantle:CreateInference"  # docs.aws.amazon.com, service-authorization, list_bedrock-mantle
)


def means_runtime(resolved: Resolved) -> bool:
    """Whether the request is for Bedrock's runtime."""
    address = resolved.address
    if HOST.fullmatch(address.host):
        return True
    service = _signed_for(resolved)
    if PATH.fullmatch(address.path) or any(pattern.fullmatch(address.path) for pattern, _ in NOT_EMULATED):
        return service == "bedrock" or has_key(resolved)
    return service in ("bedrock", MANTLE) and COMPATIBLE.fullmatch(address.path) is not None


def has_key(resolved: Resolved) -> bool:
    """Whether it carries an API key instead of a signature; any key will do."""
    headers = resolved.address.headers
    return headers.get("authorization", "").lower().startswith("bearer ") or "x-api-key" in headers


def runtime(model: Application, resolved: Resolved, region: str, signed: Signed) -> Application:
    """Who answers: the model, for callers who may invoke it by their IAM policies; a key lets everybody through.

    What is not emulated is refused before the request is read: a client that streams would go on for ever.
    """
    for pattern, what in NOT_EMULATED:
        if pattern.fullmatch(resolved.address.path):
            return _refused(what)
    guarded = permitted(model, region, mantle=_signed_for(resolved) == MANTLE)
    return guarded if has_key(resolved) else signed(guarded)


def permitted(model: Application, region: str, *, mantle: bool = False) -> Application:
    """The model, for callers who may invoke it. ``mantle``: at the endpoint of that name, with its own action."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        principal: Any = scope.get("aws.principal")
        match = PATH.fullmatch(scope["path"])
        if principal is not None and mantle:
            arn = f"arn:aws:bedrock-mantle:{region}:{principal.account}:project/default"
            _check(principal, MANTLE_ACTION, arn)
        elif principal is not None and match:
            model_id = unquote(match["model"])
            arn = f"arn:aws:bedrock:{region}::foundation-model/{model_id}"
            _check(principal, ACTIONS[match["operation"]], model_id if model_id.startswith("arn:") else arn)
        await model(scope, receive, send)

    return answer


def _refused(what: str) -> Application:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotEmulatedError(what)

    return answer


def _signed_for(resolved: Resolved) -> str | None:
    address = resolved.address
    headers = {name.encode("latin-1"): value.encode("latin-1") for name, value in address.headers.items()}
    return service_of(headers, address.query.encode("latin-1"))


def _check(principal: Any, action: str, arn: str) -> None:
    # Foundation models belong to no account: they are open to every one whose own policies allow it.
    shared = {"Effect": "Allow", "Principal": {"AWS": principal.account}, "Action": "*", "Resource": "*"}
    if principal.is_root or authorize(principal, action, arn, resource_policy=[shared]):
        return
    raise AwsError(
        403,
        "AccessDeniedException",
        f"User: {principal.arn} is not authorized to perform: {action} on resource: {arn} because no identity-based "
        f"policy allows the {action} action",
    )
