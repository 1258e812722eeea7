"""DynamoDB as a data source, on the control plane's own tables."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest

import sandbox.clock
from sandbox.app import open_sandbox
from sandbox.control.appsync import DataSource
from sandbox.services.appsync_sources import dynamodb
from sandbox.services.appsync_sources.errors import SourceError

SOURCE = DataSource("table", "AMAZON_DYNAMODB", None, {"dynamodbConfig": {"tableName": "messages"}})
ATTRIBUTES = [{"AttributeName": "room", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}]
KEYS = [{"AttributeName": "room", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}]


def key(room: str = "a", n: float = 1) -> dict[str, Any]:
    return {"room": {"S": room}, "n": {"N": n}}


def put(room: str = "a", n: int = 1, **values: str) -> dict[str, Any]:
    typed = {name: {"S": value} for name, value in values.items()}
    return {"operation": "PutItem", "key": key(room, n), "attributeValues": typed}


def run(*documents: dict[str, Any]) -> list[Any]:
    """What a table answers, one document after the other; errors are among the answers."""

    async def main(clock: Any) -> Any:
        async with open_sandbox(clock) as box:
            table = {"TableName": "messages", "BillingMode": "PAY_PER_REQUEST"}
            await box.control.call(
                "dynamodb", "CreateTable", **table, AttributeDefinitions=ATTRIBUTES, KeySchema=KEYS
            )
            request: Any = SimpleNamespace(sandbox=box, id="r")
            answers: list[Any] = []
            for document in documents:
                try:
                    answers.append(await dynamodb.call(request, SOURCE, document))
                except SourceError as failure:
                    answers.append(failure)
            return answers

    answers: list[Any] = sandbox.clock.run(main)
    return answers


def test_an_item_is_written_read_changed_and_deleted() -> None:
    update = {
        "operation": "UpdateItem",
        "key": key(),
        "update": {
            "expression": "SET #t = :t ADD seen :one",
            "expressionNames": {"#t": "text"},
            "expressionValues": {":t": {"S": "new"}, ":one": {"N": 1}},
        },
    }
    get = {"operation": "GetItem", "key": key(), "consistentRead": True}
    some = {**get, "projection": {"expression": "#t", "expressionNames": {"#t": "text"}}}
    delete = {"operation": "DeleteItem", "key": key()}
    answers = run(put(text="old"), get, update, some, delete, get, delete)
    assert answers == [
        {"text": "old", "room": "a", "n": 1},
        {"text": "old", "room": "a", "n": 1},
        {"text": "new", "room": "a", "n": 1, "seen": 1},
        {"text": "new"},
        {"text": "new", "room": "a", "n": 1, "seen": 1},
        None,
        None,
    ]


def test_values_of_every_type() -> None:
    values = {
        "b": {"B": "aGk="},
        "bs": {"BS": ["aGk="]},
        "ss": {"SS": ["x"]},
        "ns": {"NS": [1, 2.5]},
        "m": {"M": {"l": {"L": [{"NULL": None}, {"BOOL": True}, {"N": 1.5}]}}},
    }
    _, item = run(
        {"operation": "PutItem", "key": key(), "attributeValues": values},
        {"operation": "GetItem", "key": key()},
    )
    assert item == {
        "room": "a",
        "n": 1,
        "b": "aGk=",
        "bs": ["aGk="],
        "ss": ["x"],
        "ns": [1, 2.5],
        "m": {"l": [None, True, 1.5]},
    }


def test_queries_go_on_by_token() -> None:
    ask = {
        "operation": "Query",
        "query": {"expression": "room = :r", "expressionValues": {":r": {"S": "a"}}},
        "limit": 2,
        "scanIndexForward": False,
    }

    async def main(clock: Any) -> Any:
        async with open_sandbox(clock) as box:
            table = {"TableName": "messages", "BillingMode": "PAY_PER_REQUEST"}
            await box.control.call(
                "dynamodb", "CreateTable", **table, AttributeDefinitions=ATTRIBUTES, KeySchema=KEYS
            )
            request: Any = SimpleNamespace(sandbox=box, id="r")
            call = functools.partial(dynamodb.call, request, SOURCE)
            for n in (1, 2, 3):
                await call(put(n=n, text=str(n)))
            await call(put(room="b"))
            first = await call(ask)
            second = await call({**ask, "nextToken": first["nextToken"]})
            filtered = await call(
                {
                    "operation": "Scan",
                    "filter": {"expression": "n > :n", "expressionValues": {":n": {"N": 1}}},
                }
            )
            return first, second, filtered

    first, second, filtered = sandbox.clock.run(main)
    assert [item["n"] for item in first["items"]] == [3, 2]
    assert ([item["n"] for item in second["items"]], second["nextToken"]) == ([1], None)
    assert ([item["n"] for item in filtered["items"]], filtered["scannedCount"]) == ([2, 3], 4)


NEW = {"expression": "attribute_not_exists(room)"}


@pytest.mark.parametrize(
    ("document", "fails"),
    [
        (put(text="other"), True),
        (put(text="there"), False),  # it is as it was to be
        ({"operation": "DeleteItem", "key": key()}, True),
        (
            {
                "operation": "DeleteItem",
                "key": key(n=2),
                "condition": {"expression": "attribute_exists(room)"},
            },
            False,
        ),
        ({"operation": "UpdateItem", "key": key(), "update": {"expression": "REMOVE x"}}, True),
    ],
)
def test_a_condition_that_does_not_hold(document: dict[str, Any], fails: bool) -> None:
    _, answer = run(put(text="there"), {"condition": NEW, **document})
    if not fails:
        assert not isinstance(answer, Exception)
        return
    assert answer.type == "DynamoDB:ConditionalCheckFailedException"
    assert answer.message.startswith(
        "The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: "
    )
    assert answer.data == {"room": "a", "n": 1, "text": "there"}


def test_batches() -> None:
    items = [{**key(n=n), "text": {"S": str(n)}} for n in (1, 2)]
    answers = run(
        {"operation": "BatchPutItem", "tables": {"messages": items}},
        {
            "operation": "BatchGetItem",
            "tables": {"messages": {"keys": [key(n=9), key(n=2)], "consistentRead": True}},
        },
        {"operation": "BatchDeleteItem", "tables": {"messages": [key(n=1)]}},
        {"operation": "GetItem", "key": key(n=1)},
    )
    assert answers == [
        {
            "data": {"messages": [{"room": "a", "n": n, "text": str(n)} for n in (1, 2)]},
            "unprocessedItems": {"messages": []},
        },
        {
            "data": {"messages": [None, {"room": "a", "n": 2, "text": "2"}]},
            "unprocessedKeys": {"messages": []},
        },
        {"data": {"messages": [{"room": "a", "n": 1}]}, "unprocessedKeys": {"messages": []}},
        None,
    ]


def test_transactions() -> None:
    first = {"table": "messages", **put(n=1, text="x")}
    check = {"table": "messages", "operation": "ConditionCheck", "key": key(n=5), "condition": NEW}
    again = {**first, "condition": NEW}
    answers = run(
        {"operation": "TransactWriteItems", "transactItems": [first, check]},
        {"operation": "TransactGetItems", "transactItems": [{"table": "messages", "key": key(n=1)}]},
        {"operation": "TransactWriteItems", "transactItems": [again]},
    )
    assert answers[0] == {"keys": [{"room": "a", "n": 1}, {"room": "a", "n": 5}], "cancellationReasons": None}
    assert answers[1] == {"items": [{"room": "a", "n": 1, "text": "x"}], "cancellationReasons": None}
    assert answers[2].type == "DynamoDB:TransactionCanceledException"


@pytest.mark.parametrize(
    ("document", "kind", "message"),
    [
        ({"operation": "Nope"}, "MappingTemplate", "Unsupported operation 'Nope'."),
        ({"operation": "GetItem"}, "MappingTemplate", "The GetItem request to table has another form"),
        ({"operation": "GetItem", "key": {"room": "a"}}, "MappingTemplate", "The GetItem request to table"),
        (
            {"operation": "GetItem", "key": {"room": {"S": 5}}},
            "MappingTemplate",
            "The GetItem request to table",
        ),
        ({"operation": "GetItem", "key": {"room": {"S": "a"}}}, "DynamoDB:ValidationException", ""),
    ],
)
def test_requests_that_cannot_be_made(document: dict[str, Any], kind: str, message: str) -> None:
    (answer,) = run(document)
    assert answer.type == kind
    assert answer.message.startswith(message)
