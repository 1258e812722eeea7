"""Event buses as data sources: ``PutEvents``.

Source: AppSync developer guide, "JavaScript resolver function reference for EventBridge".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ParamValidationError

from sandbox.aws.errors import AwsError
from sandbox.services.appsync_sources.errors import SourceError

if TYPE_CHECKING:
    from sandbox.control.appsync import DataSource
    from sandbox.services.appsync_sources.asking import Asking

_MEMBERS = {"source": "Source", "detailType": "DetailType", "resources": "Resources", "time": "Time"}


async def call(request: Asking, source: DataSource, document: Mapping[str, Any]) -> Any:
    """``{"Entries", "FailedEntryCount"}``. Raises :class:`SourceError`."""
    if document.get("operation") != "PutEvents":
        raise SourceError(f"Unsupported operation '{document.get('operation')}'.", "MappingTemplate")
    bus = (source.config.get("eventBridgeConfig") or {}).get("eventBusArn")
    try:
        entries = [_entry(event, bus) for event in document["events"]]
        answer = await request.sandbox.control.call("events", "PutEvents", Entries=entries)
    except (KeyError, TypeError, AttributeError, ParamValidationError) as wrong:
        raise SourceError(f"The events have another form: {wrong}", "MappingTemplate") from wrong
    except AwsError as refusal:
        raise SourceError(refusal.message, f"EventBridge:{refusal.code}") from refusal
    return {"Entries": answer.get("Entries", []), "FailedEntryCount": answer.get("FailedEntryCount", 0)}


def _entry(event: Mapping[str, Any], bus: Any) -> dict[str, Any]:
    made = {name: event[key] for key, name in _MEMBERS.items() if event.get(key) is not None}
    return {**made, "Detail": json.dumps(event["detail"]), "EventBusName": bus}
