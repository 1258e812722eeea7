"""API keys of WebSocket APIs: a ``$connect`` route that needs one, by the API key selection expression.

Sources: API Gateway developer guide, "WebSocket selection expressions" (the key is in ``x-api-key``, or an authorizer
names it in ``usageIdentifierKey``) and "Usage plans and API keys"; AWS CDK, ``WebSocketApiKeySelectionExpression``.
That a connection counts once against its plan, and messages do not, is UNSOURCED, as are the bodies of refusals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.auth import SignedRequest
from sandbox.services.api_websocket import selection
from sandbox.services.api_websocket.call import Call
from sandbox.services.api_websocket.errors import Refusal, forbidden
from sandbox.services.api_websocket.throttle import Buckets

if TYPE_CHECKING:
    from sandbox.control.resources import UsagePlan


async def check(call: Call, signed: SignedRequest, buckets: Buckets) -> None:
    """The key, its plan's throttle and its quota. Raises :class:`Refusal`."""
    header = {"x-api-key": signed.header("x-api-key") or ""}
    known = {"request": {"header": header}, "context": call.context()}
    value = selection.evaluate(call.api.api_key_selection, known)
    resources = call.sandbox.control.resources
    key = await resources.api_key(value) if value else None
    if key is None or not key.enabled:
        why = "is disabled" if key else "does not exist" if value else "is missing"
        raise forbidden(f"the API key {why}")
    plans = await resources.usage_plans(call.api.id, call.connection.stage)
    plan = next((plan for plan in plans if key.id in plan.key_ids), None)
    if plan is None:
        raise forbidden(f"the key {key.id} is in no usage plan of the stage {call.connection.stage}")
    _throttle(plan, key.id, buckets)
    if not await resources.use_quota(plan.id, key.id):
        raise Refusal(429, "Limit Exceeded", "LimitExceededException", f"the quota of {plan.id} is used up")


def _throttle(plan: UsagePlan, key_id: str, buckets: Buckets) -> None:
    if plan.rate is None or plan.burst is None:
        return
    if not buckets.take(("plan", plan.id, key_id), float(plan.rate), float(plan.burst)):
        reason = f"the usage plan {plan.id}: {plan.rate} requests a second"
        raise Refusal(429, "Too Many Requests", "TooManyRequestsException", reason)
