"""``Query`` and ``Scan``. ``nextToken`` is opaque to clients; here it is the last key, in base64."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from sandbox.services.appsync_sources.dynamodb_call import Table, expressions, projection
from sandbox.services.appsync_sources.dynamodb_values import item

Document = Mapping[str, Any]


async def query(table: Table, document: Document) -> Any:
    """Items of one partition key."""
    params = _shared(document)
    params["ScanIndexForward"] = document.get("scanIndexForward")
    _add(params, expressions(document["query"], "KeyConditionExpression"))
    return _page(await table.call("Query", **params))


async def scan(table: Table, document: Document) -> Any:
    """Items of the whole table, or of a segment of it."""
    params = _shared(document)
    params["TotalSegments"], params["Segment"] = document.get("totalSegments"), document.get("segment")
    return _page(await table.call("Scan", **params))


def _shared(document: Document) -> dict[str, Any]:
    token = document.get("nextToken")
    params: dict[str, Any] = {
        "IndexName": document.get("index"),
        "Limit": document.get("limit"),
        "ConsistentRead": document.get("consistentRead"),
        "Select": document.get("select"),
        "ExclusiveStartKey": json.loads(base64.b64decode(token)) if token else None,
    }
    filter_ = document.get("filter")
    if filter_ and filter_.get("expression"):
        _add(params, expressions(filter_, "FilterExpression"))
    _add(params, projection(document.get("projection")))
    return params


def _add(params: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Names and values of several expressions go together."""
    for name, value in more.items():
        params[name] = {**params[name], **value} if isinstance(value, dict) and params.get(name) else value


def _page(answer: Mapping[str, Any]) -> dict[str, Any]:
    last = answer.get("LastEvaluatedKey")
    return {
        "items": [item(one) for one in answer.get("Items", ())],
        "nextToken": base64.b64encode(json.dumps(last).encode()).decode() if last else None,
        "scannedCount": answer.get("ScannedCount", 0),
    }
