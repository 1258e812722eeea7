"""Operations on queues themselves: make, find, list, change, empty, delete, tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.sqs.attributes import Attributes
from sandbox.control.shims.sqs.errors import SqsError, missing_parameter, unknown_attribute
from sandbox.control.shims.sqs.queue import Queue
from sandbox.control.shims.sqs.state import State

PURGE_AGAIN_S = 60  # botocore 1.44.5, sqs PurgeQueue
_LONGEST_LIST = 1000


class Queues:
    """Queue operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateQueue": self.create,
            "GetQueueUrl": self.get_url,
            "ListQueues": self.list,
            "ListDeadLetterSourceQueues": self.list_sources,
            "GetQueueAttributes": self.get_attributes,
            "SetQueueAttributes": self.set_attributes,
            "PurgeQueue": self.purge,
            "DeleteQueue": self.delete,
            "TagQueue": self.tag,
            "UntagQueue": self.untag,
            "ListQueueTags": self.tags,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateQueue``: one that is there already with these attributes is given as it is."""
        region = self._state.region(call.target.region)
        name = required(call, "QueueName")
        given = {k: str(v) for k, v in (call.params.get("Attributes") or {}).items()}
        queue = region.queues.get(name)
        if queue is None:
            queue = self._state.create(region, name, given, call.params.get("tags") or {})
        elif (other := queue.attributes.different(given)) is not None:
            text = f"A queue already exists with the same name and a different value for attribute {other}"
            raise SqsError("QueueNameExists", text, "QueueAlreadyExists")
        return {"QueueUrl": self._state.url(call, queue)}

    async def get_url(self, call: Call) -> Mapping[str, Any]:
        """``GetQueueUrl``."""
        account = call.params.get("QueueOwnerAWSAccountId")
        queue = self._state.named(call.target.region, required(call, "QueueName"), account)
        return {"QueueUrl": self._state.url(call, queue)}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListQueues``: pages when ``MaxResults`` asks for them."""
        prefix = call.params.get("QueueNamePrefix") or ""
        queues = self._state.region(call.target.region).queues.values()
        urls = [self._state.url(call, queue) for queue in queues if queue.name.startswith(prefix)]
        return _paged(call, "QueueUrls", urls)

    async def list_sources(self, call: Call) -> Mapping[str, Any]:
        """``ListDeadLetterSourceQueues``."""
        target = self._state.of(call)
        urls = [
            self._state.url(call, queue)
            for queue in self._state.region(call.target.region).queues.values()
            if queue.attributes.redrive is not None and queue.attributes.redrive.target == target.arn
        ]
        return {"queueUrls": [], **_paged(call, "queueUrls", urls)}

    async def get_attributes(self, call: Call) -> Mapping[str, Any]:
        """``GetQueueAttributes``: those that are named and set."""
        queue = self._state.of(call)
        names = list(call.params.get("AttributeNames") or ())
        known = call.operation.model.service_model.shape_for("QueueAttributeName").enum
        for name in names:
            if name not in known:
                raise unknown_attribute(name)
        shown = _shown(queue)
        if "All" not in names:
            shown = {name: value for name, value in shown.items() if name in names}
        return {"Attributes": shown} if shown else {}

    async def set_attributes(self, call: Call) -> None:
        """``SetQueueAttributes``. It holds from now on (AWS: within 60 s, retention within 15 minutes)."""
        queue = self._state.of(call)
        given = {k: str(v) for k, v in (call.params.get("Attributes") or {}).items()}
        tried = Attributes(queue.attributes.shown(), self._state.limit)
        tried.set(given)
        self._state.check_redrive(tried, queue.arn)
        queue.attributes = tried
        queue.modified = self._state.sandbox.clock.epoch()
        queue.wake()

    async def purge(self, call: Call) -> None:
        """``PurgeQueue``: at once (AWS: within 60 s)."""
        queue, now = self._state.of(call), self._state.sandbox.clock.now()
        if queue.purged_at is not None and now - queue.purged_at < PURGE_AGAIN_S:
            text = f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds."
            raise SqsError("PurgeQueueInProgress", text, status=403)
        queue.purged_at = now
        queue.purge()

    async def delete(self, call: Call) -> None:
        """``DeleteQueue``."""
        self._state.delete(self._state.region(call.target.region), self._state.of(call))

    async def tag(self, call: Call) -> None:
        """``TagQueue``."""
        self._state.of(call).tags.update(call.params.get("Tags") or {})

    async def untag(self, call: Call) -> None:
        """``UntagQueue``."""
        queue = self._state.of(call)
        for key in call.params.get("TagKeys") or ():
            queue.tags.pop(key, None)

    async def tags(self, call: Call) -> Mapping[str, Any]:
        """``ListQueueTags``."""
        tags = self._state.of(call).tags
        return {"Tags": dict(tags)} if tags else {}


def required(call: Call, name: str) -> str:
    """A parameter that must be there. Raises ``MissingParameter``."""
    value = call.params.get(name)
    if value is None:
        raise missing_parameter(name)
    return str(value)


def _shown(queue: Queue) -> dict[str, str]:
    ready, in_flight, delayed = queue.counts()
    return {
        **queue.attributes.shown(),
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(ready),
        "ApproximateNumberOfMessagesNotVisible": str(in_flight),
        "ApproximateNumberOfMessagesDelayed": str(delayed),
        "CreatedTimestamp": str(int(queue.created)),
        "LastModifiedTimestamp": str(int(queue.modified)),
    }


def _paged(call: Call, key: str, urls: list[str]) -> dict[str, Any]:
    size = call.params.get("MaxResults")
    shown, token = page(urls, size, call.params.get("NextToken"), _LONGEST_LIST)
    found: dict[str, Any] = {key: shown} if shown else {}
    return found | ({"NextToken": token} if token and size else {})
