"""The request to an integration that is no proxy: template, passthrough, parameters, overrides.

Source: API Gateway developer guide, "Method request behavior for payloads without mapping templates for REST APIs"
and "Content type conversions in API Gateway". A request without a content type counts as ``application/json``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.services.api_rest import media
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import error, internal
from sandbox.services.api_rest.mapping import mapped
from sandbox.services.api_rest.templates import rendered

JSON = "application/json"


@dataclass(slots=True)
class Outgoing:
    """What goes to an integration. ``headers``: lower-case name -> (name, value)."""

    body: bytes
    content_type: str
    headers: dict[str, tuple[str, str]] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        pair = self.headers.get(name)
        return pair[1] if pair else None


def media_type(call: Call) -> str:
    """The request's media type, without parameters."""
    return (call.header("content-type") or JSON).partition(";")[0].strip().lower()


def template_for(call: Call) -> str | None:
    """The template for the request's media type. Raises the 415 when there is none and nothing may pass."""
    templates = {name.lower(): text for name, text in call.integration.request_templates.items()}
    kind = media_type(call)
    if kind in templates:
        return templates[kind]
    passes = call.integration.passthrough == "WHEN_NO_MATCH" or (
        call.integration.passthrough == "WHEN_NO_TEMPLATES" and not templates
    )
    if not passes:
        reason = f"no template for {kind}, and passthrough is {call.integration.passthrough}"
        raise error("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type", reason=reason)
    return None


def build(call: Call) -> Outgoing:
    """The request to the integration. Raises ``GatewayError``."""
    limits, types = call.sandbox.limits, call.api.binary_media_types
    template = template_for(call)
    try:
        body = media.to_backend(
            call.body, call.header("content-type"), call.integration.content_handling, types
        )
    except ValueError as wrong:
        reason = f"the body is no base64: {wrong}"
        raise internal(limits, "API_CONFIGURATION_ERROR", 500, reason) from wrong
    if template is not None:
        body = rendered(call, template, body).encode()
    made = Outgoing(body, media_type(call))
    for name, value in mapped(call, "header").items():
        made.headers[name.lower()] = (name, value)
    made.path = mapped(call, "path")
    made.query = mapped(call, "querystring")
    override = call.overrides["requestOverride"]
    for name, value in override["header"].items():
        made.headers[name.lower()] = (name, str(value))
    made.path |= {name: str(value) for name, value in override["path"].items()}
    made.query |= {name: str(value) for name, value in override["querystring"].items()}
    return made
