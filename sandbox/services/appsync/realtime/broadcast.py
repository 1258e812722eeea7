"""What a mutation sends to subscribers (facts 5.2, 5.11, 5.12): one text for all that selected the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import ExecutionResult, execute

from sandbox.services.appsync import documents, execution
from sandbox.services.appsync.errors import not_authorized
from sandbox.services.appsync.realtime import filters, frames
from sandbox.services.appsync.request import Request

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from sandbox.services.appsync.engine import Engine
    from sandbox.services.appsync.realtime.connection import Subscription


class Subscriptions:
    """Every subscription that stands, by API and field."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], dict[Subscription, None]] = {}

    def add(self, subscription: Subscription) -> None:
        """It stands from now on."""
        self._of.setdefault((subscription.api_id, subscription.field), {})[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """It has ended."""
        self._of.get((subscription.api_id, subscription.field), {}).pop(subscription, None)
        subscription.line.close()

    def of(self, api_id: str, field: str) -> Iterable[Subscription]:
        """Those of a field, oldest first."""
        return tuple(self._of.get((api_id, field), ()))

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))


def publish(engine: Engine, request: Request, mutation: str, tree: Any) -> None:
    """Send what a mutation's field gave to the subscriptions that it triggers."""
    now = asyncio.get_running_loop().time()
    for field in request.schema.triggers.get(mutation, ()):
        payloads: dict[tuple[Any, ...], _Payload | None] = {}
        reached = 0
        for one in engine.subscriptions.of(request.api.id, field):
            if now < one.deaf_until or not _wanted(one, tree):
                continue
            if one.shape not in payloads:
                payloads[one.shape] = _payload(engine, request, one, tree)
            payload = payloads[one.shape]
            if payload is not None:
                reached += 1
                _send(engine, one, payload)
        engine.sandbox.timeline.record(
            "appsync", "published", request.id, mutation=mutation, subscription=field, subscribers=reached
        )


def _wanted(one: Subscription, tree: Any) -> bool:
    if one.groups is not None:
        return filters.by_groups(one.groups, tree)
    return filters.by_arguments(one.arguments, tree)


class _Payload(NamedTuple):
    """The JSON that subscribers of one shape get, and its size in bytes."""

    text: str
    size: int


def _send(engine: Engine, one: Subscription, payload: _Payload) -> None:
    frame = frames.data(one.head, payload.text)
    size = len(one.head.encode()) + payload.size + 1
    one.line.deliver(lambda: engine.say(one.connection, frame, size, subscription=one.id))


def _payload(engine: Engine, request: Request, one: Subscription, tree: Any) -> _Payload | None:
    """The payload; ``None`` for one over the limit (it is dropped and nobody is told) or that fits no schema now."""
    document = documents.read(request.api.schema, one.query.text)
    if document.errors:  # the schema is another one by now
        return None
    delivery = Request(
        request.sandbox,
        request.api,
        request.schema,
        one.caller,
        request.id,
        {},
        None,
        request.sources,
        request.batches,
    )
    done = execute(
        request.schema.schema,
        document.ast,
        {one.field: tree},
        delivery,
        dict(one.query.variables),
        one.query.operation,
        _member,
        execution.resolve_type,
    )
    assert isinstance(done, ExecutionResult)  # no field of it waits for anything
    text = frames.compact(execution.told(delivery, done))
    size = len(text.encode())
    if size > int(engine.sandbox.limits.value("appsync.subscription.payload")):
        engine.sandbox.timeline.record("appsync", "dropped", one.connection.id, bytes=size)
        return None
    return _Payload(text, size)


def _member(source: Any, info: GraphQLResolveInfo[Request], /, **_: Any) -> Any:
    """What the mutation selected; other fields are null. Resolvers do not run for subscribers."""
    parent, name = info.parent_type.name, info.field_name
    request = info.context
    if not request.caller.may(request.api, request.schema, parent, name):
        raise not_authorized(parent, name)
    return source.get(name) if isinstance(source, Mapping) else None


def invalidate(engine: Engine, request: Request) -> None:
    """``extensions.invalidateSubscriptions``: those whose filter matches end."""
    for extension in request.extensions:
        if extension.name != "invalidateSubscriptions" or not isinstance(extension.argument, Mapping):
            continue
        field, payload = str(extension.argument.get("subscriptionField")), extension.argument.get("payload")
        for one in engine.subscriptions.of(request.api.id, field):
            if one.invalidation is not None and filters.by_groups(one.invalidation, payload):
                engine.end(one, "invalidated")
