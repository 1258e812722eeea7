"""Operations on several items, also of several tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.services.appsync_sources.dynamodb_call import Table, condition, expressions, projection
from sandbox.services.appsync_sources.dynamodb_values import attributes, item
from sandbox.services.appsync_sources.errors import SourceError

Document = Mapping[str, Any]


async def get(table: Table, document: Document) -> Any:
    """``BatchGetItem``: the items in the order of their keys, ``null`` for those that are not there."""
    wanted = {}
    for name, one in document["tables"].items():
        keys = [attributes(key) for key in one["keys"]]
        wanted[name] = {"Keys": keys, **projection(one.get("projection"))}
        if one.get("consistentRead") is not None:
            wanted[name]["ConsistentRead"] = one["consistentRead"]
    answer = await table.api("BatchGetItem", RequestItems=wanted)
    found = answer.get("Responses", {})
    left = answer.get("UnprocessedKeys", {})
    return {
        "data": {
            name: [_with(found.get(name, ()), key) for key in one["Keys"]] for name, one in wanted.items()
        },
        "unprocessedKeys": {
            name: [item(key) for key in left.get(name, {}).get("Keys", ())] for name in wanted
        },
    }


def _with(items: Any, key: Mapping[str, Any]) -> Any:
    return next(
        (item(one) for one in items if all(one.get(name) == value for name, value in key.items())), None
    )


async def put(table: Table, document: Document) -> Any:
    """``BatchPutItem``."""
    items = {name: [attributes(one) for one in given] for name, given in document["tables"].items()}
    requests = {name: [{"PutRequest": {"Item": one}} for one in given] for name, given in items.items()}
    left = (await table.api("BatchWriteItem", RequestItems=requests)).get("UnprocessedItems", {})
    return {
        "data": {name: [item(one) for one in given] for name, given in items.items()},
        "unprocessedItems": {
            name: [item(one["PutRequest"]["Item"]) for one in left.get(name, ())] for name in items
        },
    }


async def delete(table: Table, document: Document) -> Any:
    """``BatchDeleteItem``."""
    keys = {name: [attributes(one) for one in given] for name, given in document["tables"].items()}
    requests = {name: [{"DeleteRequest": {"Key": one}} for one in given] for name, given in keys.items()}
    left = (await table.api("BatchWriteItem", RequestItems=requests)).get("UnprocessedItems", {})
    return {
        "data": {name: [item(one) for one in given] for name, given in keys.items()},
        "unprocessedKeys": {
            name: [item(one["DeleteRequest"]["Key"]) for one in left.get(name, ())] for name in keys
        },
    }


async def transact_get(table: Table, document: Document) -> Any:
    """``TransactGetItems``."""
    asked = [
        {
            "Get": {
                "TableName": one["table"],
                "Key": attributes(one["key"]),
                **projection(one.get("projection")),
            }
        }
        for one in document["transactItems"]
    ]
    answer = await table.api("TransactGetItems", TransactItems=asked)
    return {
        "items": [item(one.get("Item")) for one in answer.get("Responses", ())],
        "cancellationReasons": None,
    }


async def transact_write(table: Table, document: Document) -> Any:
    """``TransactWriteItems``: the keys of what was written."""
    asked = [_write(one) for one in document["transactItems"]]
    await table.api("TransactWriteItems", TransactItems=asked)
    keys = [item(attributes(one["key"])) for one in document["transactItems"]]
    return {"keys": keys, "cancellationReasons": None}


def _write(one: Document) -> dict[str, Any]:
    operation, key = one["operation"], attributes(one["key"])
    params: dict[str, Any] = {"TableName": one["table"], "Key": key}
    if operation == "PutItem":
        whole = {**attributes(one.get("attributeValues") or {}), **key}
        params = {"TableName": one["table"], "Item": whole}
    elif operation == "UpdateItem":
        params |= expressions(one["update"], "UpdateExpression")
    elif operation not in ("DeleteItem", "ConditionCheck"):
        raise SourceError(f"Unsupported operation '{operation}'.", "MappingTemplate")
    for name, value in condition(one.get("condition")).items():
        params[name] = {**params[name], **value} if isinstance(value, dict) and name in params else value
    member = operation.removesuffix("Item")
    return {member: params}
