"""Event source mappings: SQS queues whose messages a function is given.

Texts: as users of AWS quote them (terraform-provider-aws, aws-cdk, serverless issues). The pollers are a service of
their own, ``sandbox.services.event_sources``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.event_sources import EventSource, Inbox
from sandbox.control.localstack.inbox import RemoteInbox
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_ import provisioned_pollers as provisioned
from sandbox.control.shims.lambda_.filter_patterns import is_pattern
from sandbox.control.shims.lambda_.names import FunctionName
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import Region, conflict, invalid, missing
from sandbox.control.shims.sqs.inbox import QueueInbox
from sandbox.control.shims.sqs.state import State as SqsState
from sandbox.control.validation import validate

_MEMBERS = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "FilterCriteria",
    "ScalingConfig",
    "ProvisionedPollerConfig",
    "FunctionResponseTypes",
    "MetricsConfig",
    "LoggingConfig",
    "KMSKeyArn",
)
_OF_OTHERS = (
    "StartingPosition",
    "StartingPositionTimestamp",
    "ParallelizationFactor",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "TumblingWindowInSeconds",
)
_STREAMS = {
    "dynamodb": "DynamoDB streams",
    "kinesis": "Kinesis streams",
    "kafka": "Amazon MSK",
    "mq": "Amazon MQ",
}
MOST_FILTERS = 5  # Lambda Developer Guide, event filtering; a quota that can be raised to 10
_LIST = 100
_BY_USER = "USER_INITIATED"
_BY_LAMBDA = (
    "LAMBDA_INITIATED"  # "either User initiated or Lambda initiated" (API reference); the form is UNSOURCED
)
_NO_QUEUE = "The specified queue does not exist."


@dataclass(slots=True, eq=False)
class Mapped:
    """A mapping. ``members``: what the API shows of it and can change."""

    uuid: str
    region: str
    source_arn: str
    function: str
    enabled: bool
    modified: datetime
    members: dict[str, Any]
    epoch: int = 0
    reason: str = _BY_USER
    result: str | None = None  # LastProcessingResult
    tags: dict[str, str] = field(default_factory=dict)


class Mappings:
    """All mappings; implements ``sandbox.control.event_sources.EventSources``."""

    def __init__(self, sqs: SqsState) -> None:
        self._sqs = sqs
        self._listener: Callable[[], None] | None = None
        self.kept: dict[str, Mapped] = {}
        self._abroad: set[str] = set()  # ARNs of queues that LocalStack holds
        sqs.on_change = self.wake

    def reset(self) -> None:
        """Forget all."""
        self.kept.clear()
        self.wake()
        self._abroad.clear()

    def enabled(self) -> Sequence[EventSource]:
        """Those that are to be polled."""
        return [_seen(one) for one in self.kept.values() if one.enabled]

    def inbox(self, arn: str) -> Inbox | None:
        """A queue; ``None`` when it does not exist."""
        queue = self._sqs.by_arn(arn)
        if queue is not None:
            return QueueInbox(queue)
        return RemoteInbox(self._sqs.sandbox, arn) if arn in self._abroad else None

    async def known_abroad(self, arn: str) -> int | None:
        """The visibility timeout of a queue that LocalStack holds; ``None``: it holds none of that name."""
        sandbox = self._sqs.sandbox
        if sandbox.settings.localstack_url is None:
            return None
        try:
            url = (await sandbox.control.call("sqs", "GetQueueUrl", QueueName=arn.rpartition(":")[2]))[
                "QueueUrl"
            ]
            found = await sandbox.control.call(
                "sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["VisibilityTimeout"]
            )
        except AwsError as error:
            if "NonExistentQueue" in error.code:
                return None
            raise
        self._abroad.add(arn)
        return int(found["Attributes"]["VisibilityTimeout"])

    def visibility(self, arn: str) -> int | None:
        """A queue's visibility timeout; ``None``: no such queue."""
        queue = self._sqs.by_arn(arn)
        return queue.attributes.number("VisibilityTimeout") if queue is not None else None

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call the listener when mappings or queues came, went or changed; ``None``: no more."""
        self._listener = listener

    def wake(self) -> None:
        """Something changed. A mapping whose queue is gone is disabled until somebody enables it again.

        UNSOURCED: that Lambda disables it (the states and the two reasons are the API reference's), and the text.
        """
        for one in self.kept.values():
            if one.enabled and self.inbox(one.source_arn) is None:
                one.enabled, one.reason, one.result = False, _BY_LAMBDA, f"PROBLEM: {_NO_QUEUE}"
                one.modified = self._sqs.sandbox.clock.utcnow()
        if self._listener is not None:
            self._listener()


def _seen(one: Mapped) -> EventSource:
    members = one.members
    pollers = members.get("ProvisionedPollerConfig")
    patterns = [f["Pattern"] for f in (members.get("FilterCriteria") or {}).get("Filters") or ()]
    return EventSource(
        uuid=one.uuid,
        epoch=one.epoch,
        source_arn=one.source_arn,
        function=one.function,
        batch_size=members["BatchSize"],
        window_s=members["MaximumBatchingWindowInSeconds"],
        partial="ReportBatchItemFailures" in members["FunctionResponseTypes"],
        max_concurrency=(members.get("ScalingConfig") or {}).get("MaximumConcurrency"),
        pollers=(pollers["MinimumPollers"], pollers["MaximumPollers"]) if pollers else None,
        filters=tuple(json.loads(pattern) for pattern in patterns),
    )


class EventSourceMappings:
    """The operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def _mappings(self) -> Mappings:
        return self._state.mappings

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateEventSourceMapping": self.create,
            "GetEventSourceMapping": self.get,
            "UpdateEventSourceMapping": self.update,
            "DeleteEventSourceMapping": self.delete,
            "ListEventSourceMappings": self.list,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateEventSourceMapping``: works from now on (AWS: within a minute, which stories need not wait for)."""
        region, name = checked(self._state, call)
        params = call.params
        _refuse_what_is_missing(params)
        source = params["EventSourceArn"]
        function = await self._function(region, name, source)
        for one in self._mappings.kept.values():
            if (one.source_arn, one.function) == (source, function):
                raise conflict(
                    f'An event source mapping with SQS arn (" {source} ") and function (" {name.name} ") already '
                    f"exists. Please update or delete the existing mapping with UUID {one.uuid}"
                )
        members = {
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 0,
            "FunctionResponseTypes": [],
            **_given(params),
        }
        provisioned.complete(members, self._state.sandbox.limits)
        _check(members, source.endswith(".fifo"))
        made = Mapped(
            self._state.sandbox.ids.uuid(),
            region.arns.region,
            source,
            function,
            params.get("Enabled", True),
            self._state.now(),
            members,
            tags=dict(params.get("Tags") or {}),
        )
        self._mappings.kept[made.uuid] = made
        self._mappings.wake()
        return self._shown(made, "Creating")

    async def _function(self, region: Region, name: FunctionName, source: str) -> str:
        """The function's ARN. Raises when the function or the queue does not fit."""
        version = region.version(name)
        visibility = self._mappings.visibility(source)
        if visibility is None:
            visibility = await self._mappings.known_abroad(source)
        if visibility is None:
            raise invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
                f"SQS Error Message: {_NO_QUEUE}"
            )
        timeout = version.config["Timeout"]
        if visibility < timeout:
            raise invalid(
                f"Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"
            )
        return region.arns.function(name.name, name.qualifier)

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetEventSourceMapping``."""
        return self._shown(self._found(call))

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateEventSourceMapping``."""
        one, params = self._found(call), call.params
        validate(call.operation.model, params)
        _refuse_what_is_missing(params, update=True)
        members = {**one.members, **_given(params)}
        provisioned.complete(members, self._state.sandbox.limits)
        _check(members, one.source_arn.endswith(".fifo"))
        name = FunctionName.parse(params.get("FunctionName") or one.function)
        one.function = await self._function(self._state.region(one.region), name, one.source_arn)
        one.members = {name: value for name, value in members.items() if value not in ({}, None)}
        one.enabled = params.get("Enabled", one.enabled)
        one.reason, one.result = _BY_USER, None
        one.modified = self._state.now()
        one.epoch += 1
        self._mappings.wake()
        return self._shown(one, "Updating")

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteEventSourceMapping``: what is being processed is processed to its end."""
        one = self._found(call)
        del self._mappings.kept[one.uuid]
        self._mappings.wake()
        return self._shown(one, "Deleting")

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListEventSourceMappings``."""
        params, wanted = call.params, None
        if params.get("FunctionName"):
            name = FunctionName.parse(params["FunctionName"])
            region = self._state.region(name.region or call.target.region)
            region.function(name)
            wanted = region.arns.function(name.name, name.qualifier)
        found = [
            self._shown(one)
            for one in self._mappings.kept.values()
            if one.region == call.target.region
            and wanted in (None, one.function)
            and params.get("EventSourceArn") in (None, one.source_arn)
        ]
        shown, marker = page(found, params.get("MaxItems"), params.get("Marker"), _LIST)
        return {"EventSourceMappings": shown, **({"NextMarker": marker} if marker else {})}

    def _found(self, call: Call) -> Mapped:
        one = self._mappings.kept.get(call.params["UUID"])
        if one is None:
            raise missing()
        return one

    def _shown(self, one: Mapped, state: str | None = None) -> dict[str, Any]:
        arn = f"arn:aws:lambda:{one.region}:{self._state.sandbox.settings.account}:event-source-mapping:{one.uuid}"
        return {
            "UUID": one.uuid,
            "EventSourceMappingArn": arn,
            "EventSourceArn": one.source_arn,
            "FunctionArn": one.function,
            "LastModified": one.modified,
            "State": state or ("Enabled" if one.enabled else "Disabled"),
            "StateTransitionReason": one.reason,
            **({"LastProcessingResult": one.result} if one.result else {}),
            **one.members,
        }


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {member: params[member] for member in _MEMBERS if params.get(member) is not None}


def _refuse_what_is_missing(params: Mapping[str, Any], *, update: bool = False) -> None:
    arn = params.get("EventSourceArn")
    for member in ("SelfManagedEventSource", "Topics", "Queues", "AmazonManagedKafkaEventSourceConfig"):
        if params.get(member):
            raise NotEmulatedError(f"Lambda event source mappings with {member}")
    if not update:
        if not arn:
            raise invalid("Unrecognized event source.")
        service = arn.split(":")[2]
        if service != "sqs":
            raise NotEmulatedError(f"Lambda event source mappings of {_STREAMS.get(service, service)}")
    for member in _OF_OTHERS:
        if params.get(member):  # the text is UNSOURCED
            raise invalid(f"{member} is not supported for SQS event source mappings.")


def _check(members: Mapping[str, Any], fifo: bool) -> None:
    if fifo and members["BatchSize"] > 10:
        raise invalid("Batch size must not exceed 10 for FIFO queues")
    if fifo and members["MaximumBatchingWindowInSeconds"]:
        raise invalid("Batching window is not supported for FIFO queues")
    if members["BatchSize"] > 10 and not members["MaximumBatchingWindowInSeconds"]:
        raise invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    filters = (members.get("FilterCriteria") or {}).get("Filters") or ()
    if len(filters) > MOST_FILTERS:  # the text is UNSOURCED
        raise invalid(f"Number of filters {len(filters)} exceeds the limit of {MOST_FILTERS}.")
    for one in filters:
        try:
            pattern = json.loads(one.get("Pattern") or "")
        except (ValueError, RecursionError):
            pattern = None
        if not is_pattern(pattern):
            raise invalid("Invalid filter pattern definition.")
