"""API keys and usage plans: ``x-api-key``, or the key that a Lambda authorizer names.

Source: API Gateway developer guide, "Usage plans and API keys for REST APIs". The bodies are of common reports; those
of 429 are UNSOURCED (fact 1.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import GatewayError, error, of_limit
from sandbox.services.api_rest.throttling import Throttling

if TYPE_CHECKING:
    from sandbox.control.resources import UsagePlan


async def check(call: Call, throttling: Throttling) -> None:
    """A method that needs a key: the key, the plan's throttle and its quota. Raises ``GatewayError``."""
    if not call.method.api_key_required:
        return
    value = call.usage_key if call.api.api_key_source == "AUTHORIZER" else call.header("x-api-key")
    resources = call.sandbox.control.resources
    key = await resources.api_key(value) if value else None
    if key is None or not key.enabled:
        raise _forbidden(
            "the key is disabled" if key else "there is no such key" if value else "there is no key"
        )
    plans = await resources.usage_plans(call.api_id, call.stage)
    plan = next((plan for plan in plans if key.id in plan.key_ids), None)
    if plan is None:
        raise _forbidden(f"the key {key.id} is in no usage plan of the stage {call.stage}")
    call.api_key = key
    throttling.take(call, _limits(call, plan, key.id))
    if not await resources.use_quota(plan.id, key.id):
        reason = f"the quota of the usage plan {plan.id} is used up"
        raise of_limit(call.sandbox.limits, "QUOTA_EXCEEDED", "quota_exceeded", reason)


def _limits(call: Call, plan: UsagePlan, key_id: str) -> list[tuple[tuple[str, ...], float, float]]:
    """The plan's limit for the method when it has one, else its own."""
    found = plan.method_throttle.get(f"{call.resource.path}/{call.method.http_method}")
    if found is not None:
        name = ("plan", plan.id, key_id, call.stage, call.resource.path, call.method.http_method)
        return [(name, *found)]
    if plan.rate is None or plan.burst is None:
        return []
    return [(("plan", plan.id, key_id), float(plan.rate), float(plan.burst))]


def _forbidden(reason: str) -> GatewayError:
    return error("INVALID_API_KEY", "Forbidden", reason=reason)
