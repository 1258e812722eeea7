"""The answer of an integration that is no proxy, made into the method's: selection, parameters, template.

Source: API Gateway developer guide, "Set up an integration response in API Gateway"; the pattern has to match the
whole of the status, or of a Lambda function's error message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.services.api_rest import media
from sandbox.services.api_rest.call import Answer, Call, Pairs
from sandbox.services.api_rest.gateway_response import GatewayError, internal
from sandbox.services.api_rest.mapping import source
from sandbox.services.api_rest.templates import rendered

JSON = "application/json"


def translate(call: Call, answer: Answer, selected_by: str) -> Answer:
    """The method's answer. ``selected_by``: what the patterns are matched with. Raises ``GatewayError``."""
    response = select(call, selected_by)
    headers = _mapped_headers(call, response, answer)
    kind, template = _template(call, response.get("responseTemplates") or {})
    body = _converted(call, response, answer)
    if template:
        body = rendered(call, template, body).encode()
    override = call.overrides["responseOverride"]
    for name, value in override["header"].items():
        headers = [pair for pair in headers if pair[0].lower() != name.lower()]
        headers.append((name, str(value)))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", kind))
    return Answer(_status(override.get("status"), int(response["statusCode"])), headers, body)


def _status(override: Any, own: int) -> int:
    """An override that is no status is passed over (recorded against AWS by localstack's validated tests)."""
    return override if type(override) is int and 100 <= override < 600 else own


def select(call: Call, value: str) -> Mapping[str, Any]:
    """The integration response whose pattern matches, else the one without a pattern."""
    responses = list(call.integration.responses.values())
    for response in responses:
        pattern = response.get("selectionPattern")
        if pattern and _matches(call, pattern, value):
            return response
    for response in responses:
        if not response.get("selectionPattern"):
            return response
    raise _misconfigured(call, f"no integration response for {value!r} and no default")


def _matches(call: Call, pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error as wrong:
        raise _misconfigured(call, f"the selection pattern {pattern!r} is wrong: {wrong}") from wrong


def _misconfigured(call: Call, reason: str) -> GatewayError:
    return internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, reason)


def _mapped_headers(call: Call, response: Mapping[str, Any], answer: Answer) -> Pairs:
    prefix = "method.response.header."
    pairs: Pairs = []
    for target, expression in (response.get("responseParameters") or {}).items():
        if target.startswith(prefix):
            name = target.removeprefix(prefix)
            pairs += [(name, value) for value in source(call, str(expression), answer)]
    return pairs


def _template(call: Call, templates: Mapping[str, str | None]) -> tuple[str, str]:
    """By the request's ``Accept``, then ``application/json``, then the first."""
    accept = (call.header("accept") or "").split(",")[0].partition(";")[0].strip()
    for kind in (accept, JSON, *templates):
        if kind in templates:
            return kind, templates[kind] or ""
    return JSON, ""


def _converted(call: Call, response: Mapping[str, Any], answer: Answer) -> bytes:
    kind = next((value for name, value in answer.headers if name.lower() == "content-type"), None)
    handling, types = response.get("contentHandling"), call.api.binary_media_types
    try:
        return media.to_client(answer.body, kind, call.header("accept"), handling, types)
    except ValueError as wrong:
        raise _misconfigured(call, f"the integration's body is no base64: {wrong}") from wrong
