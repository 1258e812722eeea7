"""Event buses as data sources: what is put comes to the rules' targets."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

import sandbox.clock
from sandbox.app import open_sandbox
from sandbox.control.appsync import DataSource
from sandbox.services.appsync_sources import SourceError, eventbridge


def run(document: dict[str, Any]) -> Any:
    """(what the handler gets, the details that a queue behind a rule got)."""

    async def main(clock: Any) -> Any:
        async with open_sandbox(clock) as box:
            call = box.control.call
            bus = (await call("events", "CreateEventBus", Name="chat"))["EventBusArn"]
            url = (await call("sqs", "CreateQueue", QueueName="q"))["QueueUrl"]
            asked = await call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])
            arn = asked["Attributes"]["QueueArn"]
            allow = {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
            }
            policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]})
            await call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
            await call("events", "PutRule", Name="r", EventBusName="chat", EventPattern='{"source": ["app"]}')
            await call(
                "events", "PutTargets", Rule="r", EventBusName="chat", Targets=[{"Id": "q", "Arn": arn}]
            )
            source = DataSource(
                "bus", "AMAZON_EVENTBRIDGE", None, {"eventBridgeConfig": {"eventBusArn": bus}}
            )
            request: Any = SimpleNamespace(sandbox=box, id="r")
            try:
                result = await eventbridge.call(request, source, document)
            except SourceError as failure:
                return failure, []
            with clock.in_flight("test"):
                got = await call("sqs", "ReceiveMessage", QueueUrl=url)
            return result, [json.loads(one["Body"])["detail"] for one in got.get("Messages", ())]

    return sandbox.clock.run(main)


def test_events_come_to_their_targets() -> None:
    event = {"source": "app", "detailType": "asked", "detail": {"prompt": "Hi"}}
    result, details = run({"operation": "PutEvents", "events": [event]})
    assert result["FailedEntryCount"] == 0
    assert result["Entries"][0]["EventId"]
    assert details == [{"prompt": "Hi"}]


@pytest.mark.parametrize(
    "document",
    [{"operation": "Nope"}, {"operation": "PutEvents"}, {"operation": "PutEvents", "events": [{}]}],
)
def test_what_is_no_request(document: dict[str, Any]) -> None:
    failure, _ = run(document)
    assert failure.type == "MappingTemplate"
