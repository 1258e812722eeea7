"""Who may call a Function URL: signature for ``AWS_IAM``, the function's resource policy for both (facts 4.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.auth import ANONYMOUS, Principal, SignedRequest, as_statements, authorize, verify
from sandbox.context import Sandbox
from sandbox.services.function_url import errors

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionUrl


async def check(
    sandbox: Sandbox, url: FunctionUrl, request: SignedRequest, region: str | None, source_ip: str
) -> Principal | None:
    """The caller (``None`` with ``AuthType`` NONE). Raises ``AwsError`` or ``Refusal``."""
    principal: Principal | None = None
    if url.auth_type == "AWS_IAM":
        lookup = sandbox.control.secret_for
        principal = await verify(request, "lambda", region, lookup, sandbox.clock)
    context = {
        "lambda:FunctionUrlAuthType": url.auth_type,
        "lambda:InvokedViaFunctionUrl": True,
        "aws:SourceIp": source_ip,
        "aws:CurrentTime": sandbox.clock.utcnow().isoformat(),
    }
    actions = ["lambda:InvokeFunctionUrl"]
    if sandbox.limits.value("function_url.public_policy.needs_invoke_function"):
        actions.append("lambda:InvokeFunction")
    arn = function_arn(sandbox, url)
    policy = as_statements(url.policy)
    for action in actions:
        if not authorize(principal or ANONYMOUS, action, arn, resource_policy=policy, context=context):
            raise errors.forbidden(sandbox.limits)
    return principal


def function_arn(sandbox: Sandbox, url: FunctionUrl) -> str:
    """The ARN of the function or alias behind the URL."""
    settings = sandbox.settings
    arn = f"arn:aws:lambda:{settings.region}:{settings.account}:function:{url.function}"
    return f"{arn}:{url.qualifier}" if url.qualifier else arn
