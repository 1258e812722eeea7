"""What a route does: its integration within its time, and what the client gets of it (facts 3.1, 3.12, 3.14)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.services.api_websocket import aws_actions, functions, selection, templates
from sandbox.services.api_websocket.call import Call, Outcome
from sandbox.services.api_websocket.endpoints import Endpoints
from sandbox.services.api_websocket.errors import IntegrationError


class Integrations:
    """Runs integrations."""

    def __init__(self) -> None:
        self._endpoints = Endpoints()
        self._kinds: dict[str, Callable[[Call], Awaitable[Outcome]]] = {
            "AWS_PROXY": functions.proxy,
            "AWS": aws_actions.integrate,
            "HTTP": self._endpoints.integrate,
            "HTTP_PROXY": self._endpoints.integrate,
            "MOCK": _mock,
        }

    async def close(self) -> None:
        """Close what is kept open."""
        await self._endpoints.close()

    async def run(self, call: Call) -> Outcome:
        """The integration's answer. Raises :class:`IntegrationError` at the instant when its time is over; a function
        runs on."""
        integration = call.integration
        if integration is None:
            raise IntegrationError(f"the route {call.route_key} has no integration")
        work = self._kinds[integration.type](call)
        what = f"{integration.type} of {call.connection.api_id} for {call.request_id}"
        task = call.sandbox.spawn(work, what)
        done, _ = await asyncio.wait({task}, timeout=integration.timeout_ms / 1000)
        if done:
            outcome: Outcome = task.result()
            return outcome
        if integration.type in ("AWS_PROXY", "AWS"):
            task.add_done_callback(_result_is_not_wanted)
        else:
            task.cancel()
        seconds = integration.timeout_ms / 1000
        raise IntegrationError(f"no answer within {seconds:g} s", frame="timeout", status=504)


def reply(call: Call, outcome: Outcome) -> str | None:
    """What a message's sender gets of the answer: nothing without a route response.

    A proxy integration's body goes as it is; of the others the integration response that fits the status may have a
    template.
    """
    route, integration = call.route, call.integration
    if route is None or integration is None or not route.responses or outcome.body is None:
        return None
    if integration.type in ("AWS_PROXY", "HTTP_PROXY"):
        return outcome.body
    response = _response(integration.responses, outcome.status)
    if response is None:
        return outcome.body
    kept = response.get("responseTemplates") or response.get("ResponseTemplates") or {}
    expression = response.get("templateSelectionExpression") or response.get("TemplateSelectionExpression")
    template = templates.chosen(kept, expression, call, outcome.body)
    return outcome.body if template is None else templates.render(template, call, outcome.body)


def _response(responses: Any, status: int) -> Any:
    """The integration response whose key, ``/regular expression/``, fits the status; ``$default`` stands in."""
    for key, response in responses.items():
        if len(key) > 1 and key[0] == key[-1] == "/" and re.fullmatch(key[1:-1], str(status)):
            return response
    return responses.get(selection.DEFAULT)


async def _mock(call: Call) -> Outcome:
    """``MOCK``: the request template says the status, ``{"statusCode": 200}``."""
    integration = call.integration
    assert integration is not None
    body = call.body or ""
    template = templates.chosen(integration.request_templates, integration.template_selection, call, body)
    if template is None:
        return Outcome(200, "")
    value = selection.parsed(templates.render(template, call, body))
    status = value.get("statusCode") if isinstance(value, dict) else None
    if not isinstance(status, int):
        raise IntegrationError("a MOCK integration's template must give a statusCode")
    return Outcome(status, "")


def _result_is_not_wanted(task: asyncio.Task[Any]) -> None:
    """Take the late result so that an error in it is not reported as never looked at."""
    if not task.cancelled():
        task.exception()
