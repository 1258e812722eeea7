"""Pollers on virtual time, with a control plane and functions that are plain coroutines: exact instants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.clock import Clock, run
from sandbox.context import Invocation, InvocationResult, Sandbox
from sandbox.services.event_sources import EventSourceService
from tests.control.helpers import ROLE, make_sandbox, zip_of

ARN = "arn:aws:sqs:us-east-1:000000000000:"
Handler = Callable[[list[dict[str, Any]]], Awaitable[Any]]


@dataclass
class Functions:
    """Stands for Lambda: runs a coroutine, and keeps what each invocation was given and when."""

    sandbox: Sandbox
    handler: Handler
    calls: list[tuple[float, list[str]]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        event = json.loads(invocation.payload)
        self.events.append(event)
        self.calls.append((self.sandbox.clock.now(), [record["body"] for record in event["Records"]]))
        answer = await self.handler(event["Records"])
        if isinstance(answer, Exception):
            return InvocationResult(200, b'{"errorMessage":"no"}', "Unhandled", "$LATEST", "id")
        return InvocationResult(200, json.dumps(answer).encode(), None, "$LATEST", "id")


@dataclass
class World:
    sandbox: Sandbox
    functions: Functions

    async def aws(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return await self.sandbox.control.call(service, operation, **params)

    async def queue(self, name: str = "jobs", **attributes: str) -> str:
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        made = await self.aws("sqs", "CreateQueue", QueueName=name, Attributes=attributes)
        return str(made["QueueUrl"])

    async def map(self, name: str = "jobs", **params: Any) -> str:
        made = await self.aws(
            "lambda", "CreateEventSourceMapping", FunctionName="work", EventSourceArn=ARN + name, **params
        )
        return str(made["UUID"])

    async def send(self, url: str, *bodies: str, **params: Any) -> None:
        for body in bodies:
            await self.aws("sqs", "SendMessage", QueueUrl=url, MessageBody=body, **params)

    async def left(self, url: str) -> tuple[int, int]:
        """Messages that are ready, and in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        shown = await self.aws("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=names)
        ready, in_flight = (int(shown["Attributes"][name]) for name in names)
        return ready, in_flight

    async def quiet(self) -> int:
        """The second in which nothing is in flight any more."""
        while set(self.sandbox.clock.in_flight_names()) - {"test"}:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
        return round(self.sandbox.clock.now())


async def done(records: list[dict[str, Any]]) -> None:
    return None


def play(
    body: Callable[[World], Awaitable[None]], handler: Handler = done, as_of: date | None = None
) -> None:
    async def main(clock: Clock) -> None:
        sandbox = make_sandbox(clock, as_of)
        functions: Any = Functions(sandbox, handler)
        sandbox.lambda_ = functions
        service = EventSourceService(sandbox)
        with clock.in_flight("test"):
            await sandbox.control.call(
                "lambda",
                "CreateFunction",
                FunctionName="work",
                Runtime="python3.13",
                Handler="index.handler",
                Role=ROLE,
                Timeout=10,
                Code={"ZipFile": zip_of(index_py="")},
            )
            await service.start()
            try:
                await body(World(sandbox, functions))
            finally:
                await service.stop()

    run(main)


def test_a_message_is_given_at_its_instant_and_deleted() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.map()
        await asyncio.sleep(100)
        await world.send(url, "now")
        await world.send(url, "later", DelaySeconds=7)
        assert await world.quiet() == 107
        assert world.functions.calls == [(100, ["now"]), (107, ["later"])]
        assert await world.left(url) == (0, 0)

    play(body)


def test_an_idle_mapping_does_not_move_time() -> None:
    async def body(world: World) -> None:
        await world.queue()
        await world.map()
        assert await world.quiet() == 0

    play(body)


def test_messages_of_before_the_mapping_and_of_a_disabled_one() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url, "before")
        mapping = await world.map(Enabled=False)
        await asyncio.sleep(5)
        assert world.functions.calls == []
        await world.aws("lambda", "UpdateEventSourceMapping", UUID=mapping, Enabled=True)
        await world.quiet()
        assert world.functions.calls == [(5, ["before"])]
        await world.aws("lambda", "DeleteEventSourceMapping", UUID=mapping)
        await world.send(url, "after")
        await asyncio.sleep(5)
        assert len(world.functions.calls) == 1
        assert await world.left(url) == (1, 0)

    play(body)


def test_batches_have_ten_messages_at_most_and_five_are_under_way() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url, *(str(n) for n in range(25)))
        await world.map()
        await world.quiet()
        assert [(at, len(bodies)) for at, bodies in world.functions.calls] == [(0, 10), (0, 10), (0, 5)]

    play(body, lambda records: asyncio.sleep(3))


@pytest.mark.fact("8.7")
def test_five_batches_at_first_and_300_a_minute_more_while_messages_wait() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url, *(str(n) for n in range(8)))
        await world.map(BatchSize=1)
        await world.quiet()
        assert [round(at, 3) for at, _ in world.functions.calls] == [0] * 5 + [0.2, 0.4, 0.6]

    play(body, lambda records: asyncio.sleep(3))


@pytest.mark.fact("8.7")
def test_maximum_concurrency_is_kept() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url, *(str(n) for n in range(7)))
        await world.map(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
        await world.quiet()
        assert [at for at, _ in world.functions.calls] == [0, 0, 3, 3, 6, 6, 9]

    play(body, lambda records: asyncio.sleep(3))


@pytest.mark.fact("8.7")
def test_the_provisioned_mode_begins_with_ten_batches_a_poller_and_adds_1000_a_minute() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url, *(str(n) for n in range(33)))
        mapping = await world.map(
            BatchSize=1, ProvisionedPollerConfig={"MinimumPollers": 2, "MaximumPollers": 3}
        )
        shown = await world.aws("lambda", "GetEventSourceMapping", UUID=mapping)
        assert shown["ProvisionedPollerConfig"] == {"MinimumPollers": 2, "MaximumPollers": 3}
        await world.quiet()
        times = [round(at, 2) for at, _ in world.functions.calls]
        assert times == [0] * 20 + [round(0.06 * n, 2) for n in range(1, 11)] + [3] * 3

    play(body, lambda records: asyncio.sleep(3))


@pytest.mark.fact("8.7")
def test_what_the_provisioned_mode_is_not_told_it_has_and_it_can_be_left() -> None:
    async def body(world: World) -> None:
        await world.queue()
        mapping = await world.map(ProvisionedPollerConfig={"MinimumPollers": 5})
        for given, seen in (
            (None, {"MinimumPollers": 5, "MaximumPollers": 200}),
            ({"MaximumPollers": 9}, {"MinimumPollers": 2, "MaximumPollers": 9}),
            ({}, None),
        ):
            if given is not None:
                await world.aws(
                    "lambda", "UpdateEventSourceMapping", UUID=mapping, ProvisionedPollerConfig=given
                )
            shown = await world.aws("lambda", "GetEventSourceMapping", UUID=mapping)
            assert shown.get("ProvisionedPollerConfig") == seen

    play(body)


@pytest.mark.fact("8.7")
def test_there_was_no_provisioned_mode_before_its_day() -> None:
    async def body(world: World) -> None:
        await world.queue()
        with pytest.raises(AwsError) as raised:
            await world.map(ProvisionedPollerConfig={"MinimumPollers": 2})
        assert (raised.value.status, raised.value.code) == (400, "InvalidParameterValueException")

    play(body, as_of=date(2025, 11, 13))


def test_a_window_gathers_until_it_ends_or_the_batch_is_full() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.map(BatchSize=12, MaximumBatchingWindowInSeconds=20)
        await asyncio.sleep(1)
        await world.send(url, "a")
        await asyncio.sleep(15)
        await world.send(url, "b")
        assert await world.quiet() == 21
        await world.send(url, *(str(n) for n in range(13)))
        assert await world.quiet() == 41
        sizes = [(round(at, 1), len(bodies)) for at, bodies in world.functions.calls]
        assert sizes == [(21, 2), (21, 12), (41, 1)]

    play(body)


def test_a_failed_batch_comes_back_when_its_visibility_ends_and_then_goes_to_the_dead_letters() -> None:
    async def body(world: World) -> None:
        await world.queue("dead")
        policy = json.dumps({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": 2})
        url = await world.queue(RedrivePolicy=policy, VisibilityTimeout="60")
        await world.map()
        await world.send(url, "poison", "fine")
        assert await world.quiet() == 120
        assert [at for at, _ in world.functions.calls] == [0, 60]
        dead = (await world.aws("sqs", "GetQueueUrl", QueueName="dead"))["QueueUrl"]
        assert await world.left(dead) == (2, 0)

    async def fail(records: list[dict[str, Any]]) -> Exception:
        await asyncio.sleep(4)
        return ValueError()

    play(body, fail)


def test_without_dead_letters_a_failed_message_waits_for_somebody_to_move_time() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.map()
        await world.send(url, "poison")
        assert await world.quiet() == 0
        assert await world.left(url) == (0, 1)
        await asyncio.sleep(30.001)
        assert [at for at, _ in world.functions.calls] == [0, 30]

    async def fail(records: list[dict[str, Any]]) -> Exception:
        return ValueError()

    play(body, fail)


def test_only_what_a_partial_answer_names_comes_back() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.map(FunctionResponseTypes=["ReportBatchItemFailures"])
        await world.aws(
            "sqs",
            "SendMessageBatch",
            QueueUrl=url,
            Entries=[{"Id": text, "MessageBody": text} for text in ("good", "bad")],
        )
        await asyncio.sleep(30.001)
        assert world.functions.calls == [(0, ["good", "bad"]), (30, ["bad"])]
        assert world.functions.events[1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"

    async def some(records: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"] == "bad"]
        }

    play(body, some)


def test_a_throttled_batch_comes_back() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.map()
        await world.send(url, "m")
        await asyncio.sleep(31)
        assert [at for at, _ in world.functions.calls] == [0, 30]
        assert await world.left(url) == (0, 0)
        first, second = world.sandbox.timeline.select("event_source", "batch_ended")
        assert first.data["reason"] == "TooManyRequestsException"
        assert (second.data["deleted"], second.data["failed"]) == (1, 0)

    async def throttle_once(records: list[dict[str, Any]]) -> None:
        if records[0]["attributes"]["ApproximateReceiveCount"] == "1":
            raise AwsError(429, "TooManyRequestsException", "Rate Exceeded.")

    play(body, throttle_once)


def test_what_is_filtered_out_is_deleted() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.map(FilterCriteria={"Filters": [{"Pattern": '{"body": {"kind": ["chat"]}}'}]})
        await world.send(url, '{"kind": "mail"}', '{"kind": "chat"}', "text")
        await world.quiet()
        assert world.functions.calls == [(0, ['{"kind": "chat"}'])]
        assert await world.left(url) == (0, 0)

    play(body)


def test_a_fifo_group_is_worked_on_in_order_one_batch_at_a_time() -> None:
    async def body(world: World) -> None:
        url = await world.queue("jobs.fifo", ContentBasedDeduplication="true")
        for group, text in (("a", "a1"), ("b", "b1"), ("a", "a2")):
            await world.send(url, text, MessageGroupId=group)
        await world.map("jobs.fifo", BatchSize=1)
        await world.quiet()
        assert world.functions.calls == [(0, ["a1"]), (0, ["b1"]), (3, ["a2"])]

    play(body, lambda records: asyncio.sleep(3))


def test_large_messages_make_small_batches() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url, *("x" * 1_000_000 for _ in range(8)))
        await world.map(BatchSize=10)
        await world.quiet()
        assert sum(len(bodies) for _, bodies in world.functions.calls) == 8
        assert all(sum(map(len, bodies)) < 6_291_556 for _, bodies in world.functions.calls)

    play(body)


@pytest.mark.parametrize(
    ("queue", "params", "message"),
    [
        ("short", {}, "Queue visibility timeout: 9 seconds is less than Function timeout: 10 seconds"),
        ("none", {}, "SQS Error Code: AWS.SimpleQueueService.NonExistentQueue"),
        ("jobs", {"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ("jobs.fifo", {"MaximumBatchingWindowInSeconds": 1}, "not supported for FIFO queues"),
        ("jobs", {"FilterCriteria": {"Filters": [{"Pattern": "no"}]}}, "Invalid filter pattern definition."),
        ("jobs", {"StartingPosition": "LATEST"}, "StartingPosition is not supported"),
        (
            "jobs",
            {"ProvisionedPollerConfig": {"MinimumPollers": 2}, "ScalingConfig": {"MaximumConcurrency": 2}},
            "cannot be specified together",
        ),
        ("jobs", {"ProvisionedPollerConfig": {"MinimumPollers": 1}}, "MinimumPollers must be at least 2"),
        ("jobs", {"ProvisionedPollerConfig": {"MaximumPollers": 1}}, "MaximumPollers must be at least 2"),
        ("jobs", {"ProvisionedPollerConfig": {"MaximumPollers": 10001}}, "maximumPollers"),
        (
            "jobs",
            {"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 8}},
            "must not be greater than MaximumPollers",
        ),
        (
            "jobs",
            {"ProvisionedPollerConfig": {"PollerGroupName": "group"}},
            "PollerGroupName is not supported",
        ),
    ],
)
def test_a_mapping_that_cannot_be(queue: str, params: dict[str, Any], message: str) -> None:
    async def body(world: World) -> None:
        await world.queue()
        await world.queue("short", VisibilityTimeout="9")
        await world.queue("jobs.fifo")
        with pytest.raises(AwsError) as raised:
            await world.map(queue, **params)
        assert message in raised.value.message
        assert raised.value.status == 400

    play(body)


KAFKA = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka.example.com:9092"]}}


@pytest.mark.parametrize(
    ("params", "status", "message"),
    [
        ({"EventSourceArn": None, "SelfManagedEventSource": KAFKA}, 501, "SelfManagedEventSource"),
        ({"EventSourceArn": None}, 400, "Unrecognized event source."),
    ],
)
def test_what_belongs_to_other_sources(params: dict[str, Any], status: int, message: str) -> None:
    async def body(world: World) -> None:
        await world.queue()
        given = {"FunctionName": "work", "EventSourceArn": f"{ARN}jobs", **params}
        kept = {name: value for name, value in given.items() if value is not None}
        with pytest.raises(AwsError) as raised:
            await world.aws("lambda", "CreateEventSourceMapping", **kept)
        assert (raised.value.status, message in raised.value.message) == (status, True)

    play(body)


def test_a_mapping_is_changed_and_stays_what_is_not_named() -> None:
    async def body(world: World) -> None:
        await world.queue()
        mapping = await world.map(BatchSize=3)
        other = await world.aws("lambda", "PublishVersion", FunctionName="work")
        name = f"work:{other['Version']}"
        for changed in ({"FunctionName": name}, {"Enabled": False}):
            shown = await world.aws("lambda", "UpdateEventSourceMapping", UUID=mapping, **changed)
            assert (shown["FunctionArn"].rpartition(":")[2], shown["BatchSize"]) == (other["Version"], 3)
        assert (await world.aws("lambda", "GetEventSourceMapping", UUID=mapping))["State"] == "Disabled"

    play(body)


def test_a_mapping_that_somebody_disabled_stays_so_when_its_queue_goes() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        mapping = await world.map(Enabled=False)
        await world.aws("sqs", "DeleteQueue", QueueUrl=url)
        shown = await world.aws("lambda", "GetEventSourceMapping", UUID=mapping)
        assert (shown["State"], shown["StateTransitionReason"]) == ("Disabled", "USER_INITIATED")
        assert "LastProcessingResult" not in shown

    play(body)


def test_other_sources_are_a_501_that_names_them() -> None:
    async def body(world: World) -> None:
        for service, told in (("dynamodb", "DynamoDB streams"), ("kinesis", "Kinesis streams")):
            with pytest.raises(AwsError, match=told) as raised:
                await world.aws(
                    "lambda",
                    "CreateEventSourceMapping",
                    FunctionName="work",
                    EventSourceArn=f"arn:aws:{service}:us-east-1:000000000000:table/x",
                    StartingPosition="LATEST",
                )
            assert raised.value.status == 501

    play(body)


def test_mappings_are_listed_and_there_is_one_of_a_queue_and_a_function() -> None:
    async def body(world: World) -> None:
        await world.queue()
        mapping = await world.map()
        with pytest.raises(AwsError, match="already exists") as raised:
            await world.map()
        assert raised.value.status == 409
        shown = await world.aws("lambda", "GetEventSourceMapping", UUID=mapping)
        listed = await world.aws("lambda", "ListEventSourceMappings", FunctionName="work")
        del shown["ResponseMetadata"]
        assert listed["EventSourceMappings"] == [shown]
        assert (shown["State"], shown["BatchSize"], shown["FunctionResponseTypes"]) == ("Enabled", 10, [])
        assert shown["EventSourceMappingArn"].endswith(f":event-source-mapping:{mapping}")
        with pytest.raises(AwsError) as missing:
            await world.aws("lambda", "GetEventSourceMapping", UUID="00000000-0000-0000-0000-000000000000")
        assert missing.value.status == 404

    play(body)


@pytest.mark.parametrize(
    "pattern",
    [
        *('{"body": 5}', '{"body": []}', '{"body": [[1]]}', '{"body": [{}]}', '{"body": [{"near": 1}]}'),
        *('{"body": {"a": [{"numeric": [">", "x"]}]}}', '{"body": [{"numeric": ["~", 1]}]}'),
        *('{"body": [{"prefix": 1}]}', '{"body": [{"exists": "x"}]}', '{"$or": {"body": ["x"]}}', "[1]"),
    ],
)
def test_rules_that_are_none_are_refused(pattern: str) -> None:
    async def body(world: World) -> None:
        await world.queue()
        with pytest.raises(AwsError, match=r"Invalid filter pattern definition\."):
            await world.map(FilterCriteria={"Filters": [{"Pattern": pattern}]})

    play(body)


def test_a_pattern_without_end_is_refused() -> None:
    async def body(world: World) -> None:
        await world.queue()
        pattern = '{"body":' * 1500 + "1" + "}" * 1500
        deep = {"Filters": [{"Pattern": pattern[:4096]}]}
        with pytest.raises(AwsError, match=r"Invalid filter pattern definition\."):
            await world.map(FilterCriteria=deep)

    play(body)


def test_a_mapping_whose_queue_is_gone_is_disabled_until_it_is_enabled_again() -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        mapping = await world.map()
        await asyncio.sleep(5)
        await world.aws("sqs", "DeleteQueue", QueueUrl=url)
        gone = await world.aws("lambda", "GetEventSourceMapping", UUID=mapping)
        assert (gone["State"], gone["StateTransitionReason"]) == ("Disabled", "LAMBDA_INITIATED")
        assert gone["LastProcessingResult"] == "PROBLEM: The specified queue does not exist."
        await asyncio.sleep(60)  # the name is free again
        url = await world.queue()
        await world.send(url, "waits")
        await asyncio.sleep(5)
        assert world.functions.calls == []
        shown = await world.aws("lambda", "UpdateEventSourceMapping", UUID=mapping, Enabled=True)
        assert "LastProcessingResult" not in shown
        await world.quiet()
        assert [bodies for _, bodies in world.functions.calls] == [["waits"]]

    play(body)
