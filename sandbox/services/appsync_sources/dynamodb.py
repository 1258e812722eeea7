"""DynamoDB tables as data sources.

Source: AppSync developer guide, "Resolver function reference for DynamoDB". Not emulated: ``Sync`` and versioned
tables (conflict detection), credentials of the caller.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.appsync_sources import dynamodb_batch as batch
from sandbox.services.appsync_sources import dynamodb_query as query
from sandbox.services.appsync_sources.dynamodb_call import Table, condition, expressions, projection
from sandbox.services.appsync_sources.dynamodb_values import attributes, item
from sandbox.services.appsync_sources.errors import SourceError

if TYPE_CHECKING:
    from sandbox.control.appsync import DataSource
    from sandbox.services.appsync_sources.asking import Asking

Document = Mapping[str, Any]
_FAILED = "ConditionalCheckFailedException"


async def call(request: Asking, source: DataSource, document: Document) -> Any:
    """What the table gives. Raises :class:`SourceError`."""
    config = source.config.get("dynamodbConfig") or {}
    operation = str(document.get("operation"))
    if config.get("versioned") or operation == "Sync":
        raise NotEmulatedError("versioned DynamoDB data sources of AppSync")
    run = _OPERATIONS.get(operation)
    if run is None:
        raise SourceError(f"Unsupported operation '{operation}'.", "MappingTemplate")
    table = Table(request, str(config.get("tableName", "")))
    try:
        return await run(table, document)
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise SourceError(
            f"The {operation} request to {source.name} has another form: {wrong}", "MappingTemplate"
        ) from wrong


async def _get(table: Table, document: Document) -> Any:
    answer = await table.call(
        "GetItem",
        Key=attributes(document["key"]),
        ConsistentRead=document.get("consistentRead"),
        **projection(document.get("projection")),
    )
    return item(answer.get("Item"))


async def _put(table: Table, document: Document) -> Any:
    key = attributes(document["key"])
    whole = {**attributes(document.get("attributeValues") or {}), **key}
    wanted = item(whole)
    await _conditional(table, document, key, wanted, "PutItem", Item=whole)
    return wanted


async def _update(table: Table, document: Document) -> Any:
    key = attributes(document["key"])
    update = expressions(document["update"], "UpdateExpression")
    answer = await _conditional(
        table, document, key, _NEVER, "UpdateItem", Key=key, ReturnValues="ALL_NEW", **update
    )
    return item(answer.get("Attributes")) if isinstance(answer, Mapping) else answer


async def _delete(table: Table, document: Document) -> Any:
    key = attributes(document["key"])
    answer = await _conditional(table, document, key, None, "DeleteItem", Key=key, ReturnValues="ALL_OLD")
    return item(answer.get("Attributes"))


_NEVER = {"\0": "no item is like this"}


async def _conditional(
    table: Table, document: Document, key: Mapping[str, Any], wanted: Any, operation: str, **params: Any
) -> Mapping[str, Any]:
    """A write under a condition. When it fails and the table has what was wanted all the same, that is no error;
    otherwise the item that is there comes with the error ("Transaction condition expressions" and "Handling a
    condition check failure" of the guide)."""
    given = document.get("condition")
    try:
        return await table.call(operation, **_merged(params, condition(given)))
    except SourceError as failure:
        if given is None or failure.type != f"DynamoDB:{_FAILED}":
            raise
        if (given.get("conditionalCheckFailedHandler") or {}).get("strategy") == "Custom":
            raise NotEmulatedError(
                "functions that handle failed conditions of AppSync's DynamoDB resolvers"
            ) from failure
        answer = await table.call("GetItem", Key=key, ConsistentRead=True)
        there = item(answer.get("Item"))
        ignored = set(given.get("equalsIgnore") or ())
        if _without(there, ignored) == _without(wanted, ignored):
            return {}
        raise SourceError(failure.message, failure.type, there) from failure


def _merged(params: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Names and values of an update's expression and of its condition together."""
    merged = dict(params)
    for name, value in more.items():
        merged[name] = {**merged[name], **value} if isinstance(value, dict) and name in merged else value
    return merged


def _without(value: Any, names: set[str]) -> Any:
    return None if value is None else {name: inner for name, inner in value.items() if name not in names}


_OPERATIONS: Mapping[str, Callable[[Table, Document], Awaitable[Any]]] = {
    "GetItem": _get,
    "PutItem": _put,
    "UpdateItem": _update,
    "DeleteItem": _delete,
    "Query": query.query,
    "Scan": query.scan,
    "BatchGetItem": batch.get,
    "BatchPutItem": batch.put,
    "BatchDeleteItem": batch.delete,
    "TransactGetItems": batch.transact_get,
    "TransactWriteItems": batch.transact_write,
}
