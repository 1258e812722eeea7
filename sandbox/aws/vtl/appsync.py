"""AppSync's mapping templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.appsync_js import Outcome
from sandbox.aws.errors import NotEmulatedError
from sandbox.aws.ids import IdSource
from sandbox.clock import Clock


def run(
    text: str, context: Mapping[str, Any], ids: IdSource, clock: Clock, *, phase: str, auth_type: str
) -> Outcome:
    """What a template gives for a context."""
    raise NotEmulatedError("mapping templates of AppSync")
