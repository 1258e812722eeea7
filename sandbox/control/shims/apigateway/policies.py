"""An API's resource policy.

Source: API Gateway developer guide, "Create and attach an API Gateway resource policy": the short form
``execute-api:/stage/METHOD/path`` of a resource is expanded to the whole ARN when the policy is saved.
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.control.shims.apigateway.store import Api, Document, bad_request

SHORT = "execute-api:/"
INVALID = "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."


def check(text: str) -> None:
    """Judge a policy. Raises ``BadRequestException`` for one that is no policy document."""
    if not text:
        return
    try:
        document = json.loads(text)
    except ValueError:
        raise bad_request(INVALID) from None
    if not isinstance(document, dict):
        raise bad_request(INVALID)
    statements = _statements(document)
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise bad_request(INVALID)
    for statement in statements:
        named = "Principal" in statement or "NotPrincipal" in statement
        if statement.get("Effect") not in ("Allow", "Deny") or not named:
            raise bad_request(INVALID)


def expand(text: str, region: str, account: str, api_id: str) -> str:
    """The policy with whole ARNs for resources in their short form."""
    if not text or SHORT not in text:
        return text
    whole = f"arn:aws:execute-api:{region}:{account}:{api_id}/"
    document = json.loads(text)
    for statement in _statements(document):
        for member in ("Resource", "NotResource"):
            if member in statement:
                given = statement[member]
                values = given if isinstance(given, list) else [given]
                made = [whole + v.removeprefix(SHORT) if v.startswith(SHORT) else v for v in values]
                statement[member] = made if isinstance(given, list) else made[0]
    return json.dumps(document)


def _statements(document: Document) -> list[Any]:
    given = document.get("Statement")
    return given if isinstance(given, list) else [given] if given else []


def resource_policy(api: Api) -> Document | None:
    """The policy as JSON; ``None`` when the API has none."""
    text = api.info.get("policy")
    parsed: Document | None = json.loads(text) if text else None
    return parsed
