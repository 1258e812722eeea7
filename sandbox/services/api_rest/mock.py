"""``MOCK``: an answer by configuration alone, as CORS preflights have it.

Source: API Gateway developer guide, "Mock integrations". The request template gives a JSON object with
``statusCode``; that selects an integration response, which gives headers and a body.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.gateway_response import internal
from sandbox.services.api_rest.integration_request import template_for
from sandbox.services.api_rest.integration_response import translate
from sandbox.services.api_rest.templates import rendered

# Names need no quotes: SAM writes {statusCode:200}.
_BARE_NAME = re.compile(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)")


async def integrate(call: Call) -> Answer:
    """The mock's answer. Raises ``GatewayError``."""
    template = template_for(call)
    text = call.body.decode("utf-8", "replace") if template is None else rendered(call, template, call.body)
    status = _status(text)
    if status is None:
        reason = f"the template gives no statusCode: {text.strip()[:80]!r}"
        raise internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, reason)
    return translate(call, Answer(status, [], b""), str(status))


def _status(text: str) -> int | None:
    for candidate in (text, _BARE_NAME.sub(r'\1"\2"\3', text)):
        try:
            value: Any = json.loads(candidate)
        except ValueError:
            continue
        given = value.get("statusCode") if isinstance(value, dict) else None
        return int(str(given)) if re.fullmatch(r"[1-5]\d\d", str(given)) else None
    return None
