"""What identifies a caller for an authorizer: ``method.request.header.X``, ``.querystring.X``, ``context.X`` and
``stageVariables.X``, separated by commas. Path parameters are none (developer guide, Lambda authorizer input)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.mapping import source

DEFAULT = "method.request.header.Authorization"


def values(call: Call, authorizer: Mapping[str, Any]) -> list[str | None]:
    """The values of an authorizer's identity sources; ``None`` for one that is missing or empty."""
    expressions = [
        part.strip() for part in (authorizer.get("identitySource") or "").split(",") if part.strip()
    ]
    return [",".join(source(call, expression)) or None for expression in expressions]


def token(call: Call, authorizer: Mapping[str, Any]) -> str:
    """The single token of a TOKEN or Cognito authorizer, an empty text when there is none."""
    found = values(call, {"identitySource": authorizer.get("identitySource") or DEFAULT})
    return found[0] or "" if found else ""
