"""Events that moto's services deliver: to queues they come through the bridge, to functions not yet.

moto would look a function up in its own Lambda, which knows none, and fail at the first event instead.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.message import Request, Response
from sandbox.control.moto_backend import MotoBackend
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.sqs.from_moto import Bridge

_FUNCTION, _QUEUE = ":lambda:", ":sqs:"


class Deliveries:
    """What is checked, and made ready, when a delivery is asked for."""

    def __init__(self, moto: MotoBackend, bridge: Bridge) -> None:
        self._moto = moto
        self._bridge = bridge

    def handlers(self) -> Mapping[str, Mapping[str, Handler]]:
        """By service and operation."""
        return {
            "sns": {"Subscribe": self._subscribe},
            "logs": {"PutSubscriptionFilter": self._subscription_filter},
            "events": {"PutTargets": self._targets},
        }

    async def check_notification(self, request: Request) -> None:
        """Refuse an S3 bucket's notifications to functions (S3's requests are many: the model does not read them)."""
        if request.method != "PUT" or request.query.partition("=")[0] != "notification":
            return
        if b"<CloudFunction>" in request.body or b"<LambdaFunctionArn>" in request.body:
            raise NotEmulatedError("S3 event notifications to Lambda functions")
        await self._prepare(request.body.decode("utf-8", "replace"))

    async def _prepare(self, text: str) -> None:
        """When a queue is named: moto's messages to queues come to ours from now on."""
        if _QUEUE in text:
            await self._moto.run(self._bridge.adopt())

    async def _subscribe(self, call: Call) -> Response:
        if call.params.get("Protocol") == "lambda":
            raise NotEmulatedError("SNS subscriptions of Lambda functions")
        await self._prepare(call.params.get("Endpoint") or "")
        return await call.moto()

    async def _subscription_filter(self, call: Call) -> Response:
        if _FUNCTION in call.params.get("destinationArn", ""):
            raise NotEmulatedError("CloudWatch Logs subscription filters that call Lambda functions")
        return await call.moto()

    async def _targets(self, call: Call) -> Response:
        arns = [target.get("Arn", "") for target in call.params.get("Targets", ())]
        if any(_FUNCTION in arn for arn in arns):
            raise NotEmulatedError("EventBridge rules that call Lambda functions")
        await self._prepare(" ".join(arns))
        return await call.moto()
