"""Service Quotas: the quotas that change what the sandbox does. A request for an increase is granted at once.

Quota codes: ``L-E5AE38E3`` as linked from the API Gateway Developer Guide's "Quotas for configuring and running a
REST API"; ``L-B99A9384`` as linked from the Lambda Developer Guide's "Lambda quotas".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.shims.call import Call, Handler
from sandbox.limits.errors import OverrideError


@dataclass(frozen=True, slots=True)
class _Quota:
    service: str
    service_name: str
    code: str
    name: str
    unit: str
    limit: str  # name of the row in the limits
    factor: int = 1  # of the row's unit in the quota's unit


INTEGRATION_TIMEOUT = _Quota(
    "apigateway",
    "Amazon API Gateway",
    "L-E5AE38E3",
    "Maximum integration timeout in milliseconds",
    "Milliseconds",
    "api_rest.integration_timeout.max_without_quota",
    1000,
)
CONCURRENCY = _Quota(
    "lambda", "AWS Lambda", "L-B99A9384", "Concurrent executions", "None", "lambda.concurrency.account"
)
QUOTAS = (INTEGRATION_TIMEOUT, CONCURRENCY)


class Quotas:
    """The account's quotas and the operations on them. A raised quota is an override of the sandbox's limits."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._before: dict[str, Any] = {}  # what the overrides were that a request replaced
        self._requests: list[dict[str, Any]] = []

    def reset(self) -> None:
        """Back to what held when the sandbox was started."""
        overrides = self._sandbox.limits.overrides
        for name, value in self._before.items():
            if value is None:
                overrides.pop(name, None)
            else:
                overrides[name] = value
        self._before.clear()
        self._requests.clear()

    def integration_timeout_ms(self) -> int:
        """The longest integration timeout of a Regional or private REST API."""
        return round(self._value(INTEGRATION_TIMEOUT))

    def concurrency(self) -> int:
        """Lambda's concurrent executions."""
        return round(self._value(CONCURRENCY))

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "GetServiceQuota": self.get,
            "GetAWSDefaultServiceQuota": self.default,
            "ListServiceQuotas": self.list,
            "RequestServiceQuotaIncrease": self.request,
            "GetRequestedServiceQuotaChange": self.requested,
            "ListRequestedServiceQuotaChangeHistory": self.history,
        }

    def _default(self, quota: _Quota) -> float:
        held = self._sandbox.limits.row(quota.limit).held(self._sandbox.limits.as_of)
        return float(held.value * quota.factor) if held else 0.0

    def _value(self, quota: _Quota) -> float:
        return float(self._sandbox.limits.value(quota.limit) * quota.factor)

    def _find(self, call: Call) -> _Quota:
        for quota in QUOTAS:
            if (quota.service, quota.code) == (call.params.get("ServiceCode"), call.params.get("QuotaCode")):
                return quota
        raise AwsError(
            404,
            "NoSuchResourceException",
            f"The sandbox knows no quota {call.params.get('QuotaCode')} of {call.params.get('ServiceCode')}; it has "
            + ", ".join(f"{quota.service} {quota.code} ({quota.name})" for quota in QUOTAS),
        )

    def _adjustable(self, quota: _Quota) -> bool:
        row, as_of = self._sandbox.limits.row(quota.limit), self._sandbox.limits.as_of
        return bool(row.adjustable) and (row.adjustable_since is None or row.adjustable_since <= as_of)

    def _shown(self, call: Call, quota: _Quota, value: float) -> dict[str, Any]:
        account = self._sandbox.settings.account
        return {
            "ServiceCode": quota.service,
            "ServiceName": quota.service_name,
            "QuotaArn": f"arn:aws:servicequotas:{call.target.region}:{account}:{quota.service}/{quota.code}",
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Value": value,
            "Unit": quota.unit,
            "Adjustable": self._adjustable(quota),
            "GlobalQuota": False,
            "QuotaAppliedAtLevel": "ACCOUNT",
        }

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetServiceQuota``: the value that holds now."""
        quota = self._find(call)
        return {"Quota": self._shown(call, quota, self._value(quota))}

    async def default(self, call: Call) -> Mapping[str, Any]:
        """``GetAWSDefaultServiceQuota``."""
        quota = self._find(call)
        return {"Quota": self._shown(call, quota, self._default(quota))}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListServiceQuotas``."""
        quotas = [quota for quota in QUOTAS if quota.service == call.params["ServiceCode"]]
        return {"Quotas": [self._shown(call, quota, self._value(quota)) for quota in quotas]}

    async def request(self, call: Call) -> Mapping[str, Any]:
        """``RequestServiceQuotaIncrease``: AWS takes its time, the sandbox grants it at once."""
        quota, wanted = self._find(call), float(call.params["DesiredValue"])
        if wanted <= self._value(quota):
            message = (
                f"The desired value {wanted:g} must be greater than the current one, {self._value(quota):g}."
            )
            raise AwsError(400, "IllegalArgumentException", message)
        limits = self._sandbox.limits
        before = limits.overrides.get(quota.limit)
        try:
            limits.override(quota.limit, _plain(wanted / quota.factor))
        except OverrideError as error:
            message = f"The quota {quota.code} ({quota.name}) cannot have the value {wanted:g}: {error}"
            raise AwsError(400, "IllegalArgumentException", message) from error
        self._before.setdefault(quota.limit, before)
        now = self._sandbox.clock.utcnow()
        shown = self._shown(call, quota, wanted)
        made = {
            "Id": self._sandbox.ids.hex(32),
            "Status": "APPROVED",
            "DesiredValue": wanted,
            "Created": now,
            "LastUpdated": now,
            "QuotaRequestedAtLevel": "ACCOUNT",
            **{key: shown[key] for key in shown if key not in ("Value", "Adjustable", "QuotaAppliedAtLevel")},
        }
        self._requests.append(made)
        return {"RequestedQuota": made}

    async def requested(self, call: Call) -> Mapping[str, Any]:
        """``GetRequestedServiceQuotaChange``."""
        for made in self._requests:
            if made["Id"] == call.params["RequestId"]:
                return {"RequestedQuota": made}
        raise AwsError(404, "NoSuchResourceException", f"There is no request {call.params['RequestId']}.")

    async def history(self, call: Call) -> Mapping[str, Any]:
        """``ListRequestedServiceQuotaChangeHistory``."""
        wanted = call.params.get("ServiceCode")
        return {"RequestedQuotas": [made for made in self._requests if wanted in (None, made["ServiceCode"])]}


def _plain(value: float) -> float:
    """Whole numbers as ``int``, as the limits have them."""
    return int(value) if value == int(value) else value
