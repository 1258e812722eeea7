"""Who may call a method: ``NONE``, or ``AWS_IAM`` by SigV4 and identity policies."""

from __future__ import annotations

import json

from sandbox.auth import authorize, verify
from sandbox.auth.parsing import parse
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import GatewayError, error, of_limit

_TYPES = {
    "InvalidSignatureException": "INVALID_SIGNATURE",
    "ExpiredTokenException": "EXPIRED_TOKEN",
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
}


async def check(call: Call) -> None:
    """Set the call's principal. Raises ``GatewayError``; an authorizer is not emulated."""
    if call.method.api_key_required:
        raise NotEmulatedError("API keys and usage plans of API Gateway REST APIs")
    if call.method.authorization == "NONE":
        return
    if call.method.authorization != "AWS_IAM":
        raise NotEmulatedError(f"{call.method.authorization} authorizers of API Gateway REST APIs")
    sandbox = call.sandbox
    try:
        principal = await verify(
            call.signed, "execute-api", call.region, sandbox.control.secret_for, sandbox.clock
        )
    except NotEmulatedError:
        raise
    except AwsError as refusal:
        raise signature_error(call, refusal) from refusal
    context = {"aws:SourceIp": call.source_ip, "aws:CurrentTime": sandbox.clock.utcnow().isoformat()}
    if not authorize(principal, "execute-api:Invoke", call.arn(), context=context):
        raise _denied(call, principal.arn)
    call.principal = principal


def signature_error(call: Call, refusal: AwsError) -> GatewayError:
    """A refused signature as a gateway response."""
    if refusal.code == "MissingAuthenticationTokenException":
        return of_limit(call.sandbox.limits, "MISSING_AUTHENTICATION_TOKEN", "missing_token")
    type_ = _TYPES.get(refusal.code, "DEFAULT_4XX")
    return error(type_, refusal.message, status=refusal.status, error_type=refusal.code)


def unknown_route(call: Call) -> GatewayError:
    """No such path or method: AWS wants a signature then, and judges an ``Authorization`` header as one.

    Seen in access logs (github.com/DataBiosphere/azul, issue 7470): a bearer token sent to an unknown path is
    answered with ``Invalid key=value pair``.
    """
    try:
        parse(call.signed, "rest-json")
    except AwsError as refusal:
        return signature_error(call, refusal)
    return of_limit(call.sandbox.limits, "MISSING_AUTHENTICATION_TOKEN", "missing_token")


def _denied(call: Call, arn: str) -> GatewayError:
    # The account is masked but for its last four digits, and "Message" has a capital letter (public reports, e.g.
    # github.com/ASFHyP3/hyp3, issue 2283).
    account = call.sandbox.settings.account
    resource = call.arn().replace(f":{account}:", f":********{account[-4:]}:")
    text = f"User: {arn} is not authorized to perform: execute-api:Invoke on resource: {resource}"
    failure = error("ACCESS_DENIED", text)
    failure.body = json.dumps({"Message": text}, separators=(",", ":")).encode()
    return failure
