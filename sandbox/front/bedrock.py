"""Which requests are for Bedrock's runtime, which the mock model answers, and what their callers need.

Hosts: ``bedrock-runtime.<region>.amazonaws.com`` (facts 10.1, 10.2) and ``bedrock-mantle.<region>.api.aws``
(facts 10.8, 10.9). On the sandbox's own address it is the path, with a signature for ``bedrock`` or an API
key.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from sandbox.auth.principal import authorize
from sandbox.aws.errors import AwsError
from sandbox.context import Receive, Scope, Send
from sandbox.front.address import Resolved
from sandbox.front.errors import service_of

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HOST = re.compile(r"bedrock-runtime(-fips)?\.[a-z0-9-]+\.amazonaws\.com|bedrock-mantle\.[a-z0-9-]+\.api\.aws")
PATH = re.compile(
    r"/model/(?P<model>.+)/(?P<operation>converse|converse-stream|invoke|invoke-with-response-stream)"
)
# The action that each operation needs: facts 10.5.
ACTIONS = {
    "converse": "bedrock:InvokeModel",
    "invoke": "bedrock:InvokeModel",
    "converse-stream": "bedrock:InvokeModelWithResponseStream",
    "invoke-with-response-stream": "bedrock:InvokeModelWithResponseStream",
}


def means_runtime(resolved: Resolved) -> bool:
    """Whether the request is for Bedrock's runtime."""
    address = resolved.address
    if HOST.fullmatch(address.host):
        return True
    if not PATH.fullmatch(address.path):
        return False
    headers = {name.encode("latin-1"): value.encode("latin-1") for name, value in address.headers.items()}
    return service_of(headers, address.query.encode("latin-1")) == "bedrock" or has_key(resolved)


def has_key(resolved: Resolved) -> bool:
    """Whether it carries an API key instead of a signature; any key will do."""
    headers = resolved.address.headers
    return headers.get("authorization", "").lower().startswith("bearer ") or "x-api-key" in headers


def permitted(model: Application, region: str) -> Application:
    """The model, for callers who may invoke it by their IAM policies; requests with a key are let through."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        principal: Any = scope.get("aws.principal")
        match = PATH.fullmatch(scope["path"])
        if principal is not None and match:
            _check(principal, ACTIONS[match["operation"]], unquote(match["model"]), region)
        await model(scope, receive, send)

    return answer


def _check(principal: Any, action: str, model: str, region: str) -> None:
    arn = model if model.startswith("arn:") else f"arn:aws:bedrock:{region}::foundation-model/{model}"
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
