"""Access logs of a stage: one line of ``$context`` variables a request, into a log group (fact 1.33).

Source: API Gateway developer guide, "Set up CloudWatch logging for REST APIs" and "Variables for access logging"; a
variable without a value is ``-``. Durations are milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Control
from sandbox.services.api_rest.call import Call

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.-]*\w)")


class AccessLog:
    """Writes to CloudWatch Logs in the background. ``stream``: the log stream's name."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._made: set[str] = set()

    def write(self, call: Call, error: Mapping[str, str]) -> None:
        """Note a request that has been answered, when its stage wants that."""
        settings = call.api.access_log or {}
        if settings.get("destinationArn") and settings.get("format"):
            text = line(call, settings["format"], error)
            group = settings["destinationArn"].partition(":log-group:")[2].removesuffix(":*")
            groups = [group, f"{group}/Canary"] if call.api.is_canary else [group]
            event = {"timestamp": int(call.sandbox.clock.epoch() * 1000), "message": text}
            for one in groups:
                call.sandbox.spawn(self._put(call, one, event), f"access log of {call.request_id}")

    async def _put(self, call: Call, group: str, event: dict[str, Any]) -> None:
        control = call.sandbox.control
        where = {"logGroupName": group, "logStreamName": self._stream}
        try:
            if group not in self._made:
                self._made.add(group)
                if call.api.is_canary and group.endswith("/Canary"):
                    await _make_group(control, group)
                await control.call("logs", "CreateLogStream", **where)
            await control.call("logs", "PutLogEvents", **where, logEvents=[event])
        except AwsError as refusal:
            call.sandbox.timeline.record(
                "api_rest", "failed", call.request_id, type="ACCESS_LOG", reason=str(refusal)
            )


async def _make_group(control: Control, group: str) -> None:
    """A canary's own group is API Gateway's to make."""
    try:
        await control.call("logs", "CreateLogGroup", logGroupName=group)
    except AwsError as refusal:
        if refusal.code != "ResourceAlreadyExistsException":
            raise


def line(call: Call, form: str, error: Mapping[str, str]) -> str:
    """A format with its variables replaced."""
    values = _variables(call, error)

    def replace(match: re.Match[str]) -> str:
        value: Any = values
        for part in match[1].split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return "-" if value is None or isinstance(value, Mapping) else str(value)

    return _VARIABLE.sub(replace, form)


def _variables(call: Call, error: Mapping[str, str]) -> dict[str, Any]:
    marks = call.marks
    integration: dict[str, Any] = {
        "status": call.exchange.status if "called" in marks else None,
        "latency": _between(marks, "called", "answered"),
        "timeToAllHeaders": _between(marks, "called", "headers"),
        "timeToFirstContent": _between(marks, "called", "content"),
    }
    if call.routed:
        streams = call.integration.transfer_mode == "STREAM"
        integration["responseTransferMode"] = "STREAMED" if streams else "BUFFERED"
    return {
        **call.variables(),
        "error": dict(error),
        "integration": integration,
        "integrationLatency": integration["latency"],
        "integrationStatus": integration["status"],
        "responseLatency": round((call.sandbox.clock.now() - call.began) * 1000),
        "responseLength": call.exchange.sent,
        "status": call.exchange.status,
        "xrayTraceId": call.trace_id,
    }


def _between(marks: Mapping[str, float], begin: str, end: str) -> int | None:
    return round((marks[end] - marks[begin]) * 1000) if begin in marks and end in marks else None
