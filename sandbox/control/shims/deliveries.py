"""Events that other services would deliver to Lambda functions: not there yet, so they cannot be asked for.

moto would look the function up in its own Lambda, which knows none, and fail at the first event instead.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.message import Request, Response
from sandbox.control.shims.call import Call, Handler

_FUNCTION = ":lambda:"


def handlers() -> Mapping[str, Mapping[str, Handler]]:
    """By service and operation."""
    return {
        "sns": {"Subscribe": _subscribe},
        "logs": {"PutSubscriptionFilter": _subscription_filter},
        "events": {"PutTargets": _targets},
    }


def check_notification(request: Request) -> None:
    """Refuse an S3 bucket's notifications to functions. S3's requests are not read by the model: they are many."""
    wanted = request.method == "PUT" and request.query.partition("=")[0] == "notification"
    if wanted and (b"<CloudFunction>" in request.body or b"<LambdaFunctionArn>" in request.body):
        raise NotEmulatedError("S3 event notifications to Lambda functions")


async def _subscribe(call: Call) -> Response:
    if call.params.get("Protocol") == "lambda":
        raise NotEmulatedError("SNS subscriptions of Lambda functions")
    return await call.moto()


async def _subscription_filter(call: Call) -> Response:
    if _FUNCTION in call.params.get("destinationArn", ""):
        raise NotEmulatedError("CloudWatch Logs subscription filters that call Lambda functions")
    return await call.moto()


async def _targets(call: Call) -> Response:
    if any(_FUNCTION in target.get("Arn", "") for target in call.params.get("Targets", ())):
        raise NotEmulatedError("EventBridge rules that call Lambda functions")
    return await call.moto()
