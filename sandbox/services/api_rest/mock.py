"""``MOCK``: an answer by configuration alone, as CORS preflights have it.

Source: API Gateway developer guide, "Mock integrations". The request template gives a status code, that selects an
integration response, which gives headers and a body. Templates are static here; one that computes is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.api_rest.call import Answer, Call, Pairs
from sandbox.services.api_rest.gateway_response import internal, static

_STATUS = re.compile(r"""["']?statusCode["']?\s*:\s*["']?(\d{3})["']?""")
_COMPUTES = re.compile(r"#\w|\$[!{]?[A-Za-z]")


async def integrate(call: Call) -> Answer:
    """The mock's answer. Raises ``GatewayError``, ``NotEmulatedError`` for a template that computes."""
    template = _request_template(call)
    found = _STATUS.search(template or "")
    if found is None:
        raise internal(
            call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, "the template gives no statusCode"
        )
    response = select(call, found[1])
    headers: Pairs = []
    for target, value in (response.get("responseParameters") or {}).items():
        if target.startswith("method.response.header."):
            headers.append((target.removeprefix("method.response.header."), _static(target, str(value))))
    kind, body = _body(call, response.get("responseTemplates") or {})
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", kind))
    return Answer(int(response["statusCode"]), headers, body.encode())


def _request_template(call: Call) -> str | None:
    """By the request's content type; ``application/json`` when it has none."""
    templates = call.integration.request_templates
    kind = (call.header("content-type") or "application/json").partition(";")[0].strip()
    template = templates.get(kind) or templates.get("application/json")
    if template is not None:
        _refuse_computing(template)
    return template


def select(call: Call, value: str) -> Mapping[str, Any]:
    """The integration response whose pattern matches, else the one without a pattern."""
    responses = list(call.integration.responses.values())
    for response in responses:
        pattern = response.get("selectionPattern")
        if pattern and re.fullmatch(pattern, value):
            return response
    for response in responses:
        if not response.get("selectionPattern"):
            return response
    reason = f"no integration response for {value} and no default"
    raise internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, reason)


def _static(target: str, value: str) -> str:
    if not value.startswith("'"):
        raise NotEmulatedError(f"the API Gateway response parameter {target}: {value}")
    return static(value)


def _body(call: Call, templates: Mapping[str, str | None]) -> tuple[str, str]:
    """By the request's ``Accept``, ``application/json`` first among equals."""
    accept = (call.header("accept") or "").split(",")[0].strip()
    for kind in (accept, "application/json", *templates):
        if kind in templates:
            template = templates[kind] or ""
            _refuse_computing(template)
            return kind, template
    return "application/json", ""


def _refuse_computing(template: str) -> None:
    if _COMPUTES.search(template):
        raise NotEmulatedError(
            f"the mapping template language of API Gateway (VTL): {template.strip()[:80]!r}"
        )
