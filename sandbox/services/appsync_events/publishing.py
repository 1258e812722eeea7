"""A publish, by HTTP or over the WebSocket: checked, handled, sent to all who are subscribed (facts 5.23 to 5.25)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandbox.aws import json_text
from sandbox.services.appsync_auth import Credentials
from sandbox.services.appsync_events import channels, frames
from sandbox.services.appsync_events.caller import Asked
from sandbox.services.appsync_events.errors import RefusedError, bad_request
from sandbox.services.appsync_events.handlers import Handled, Incoming, Occasion

if TYPE_CHECKING:
    from sandbox.control.appsync import ChannelNamespace, EventApi
    from sandbox.services.appsync_events.channels import Channel
    from sandbox.services.appsync_events.engine import Engine
    from sandbox.services.appsync_events.subscriptions import Subscription

_TOO_LARGE = {"errorType": "MessageProcessingError", "message": "There was an error processing the message"}


def namespace_of(api: EventApi, channel: Channel) -> ChannelNamespace:
    """The namespace of a channel. Raises ``RefusedError`` (status and words are UNSOURCED)."""
    found = api.namespaces.get(channel.namespace)
    if found is None:
        raise RefusedError(404, "NotFoundException", f"Channel namespace {channel.namespace} not found.")
    return found


async def publish(
    engine: Engine, api: EventApi, document: Any, given: Credentials, domain: str, id: str
) -> dict[str, Any]:
    """``{"successful": [...], "failed": [...]}``. Raises ``RefusedError`` when nothing is published at all."""
    if not isinstance(document, dict):
        raise bad_request("The request is no JSON object.")
    limits = engine.sandbox.limits
    channel = channels.parse(document.get("channel"), limits)
    namespace = namespace_of(api, channel)
    modes = namespace.publish_auth or api.publish_auth
    asked = Asked("EVENT_PUBLISH", modes, namespace.name, channel.path)
    caller = await engine.access.caller(api, asked, given)
    events = _events(engine, document.get("events"))
    occasion = Occasion(api, namespace, channel, caller, domain, id)
    handled = await engine.handlers.publish(occasion, events)
    reached = _broadcast(engine, api, channel, events, handled)
    engine.note("published", id, channel=channel.path, events=len(events), subscribers=reached)
    return _result(events, handled)


def _events(engine: Engine, given: Any) -> list[Incoming]:
    limits = engine.sandbox.limits
    most, largest = (
        int(limits.value("appsync_events.publish.batch")),
        int(limits.value("appsync_events.event")),
    )
    if not isinstance(given, list) or not given:
        raise bad_request("events must be a list of at least one event.")
    if len(given) > most:
        raise bad_request(f"events must be a list of at most {most} events.")
    made = []
    for index, text in enumerate(given):
        if not isinstance(text, str):
            raise bad_request(f"Event {index} is no string: each event is a JSON value as a string.")
        if len(text.encode()) > largest:
            raise bad_request(f"Event {index} is larger than {largest} bytes.")
        try:
            value = json_text.loads(text)
        except ValueError as wrong:
            raise bad_request(f"Event {index} is no valid JSON.") from wrong
        made.append(Incoming(engine.sandbox.ids.uuid(), value, text))
    return made


def _broadcast(
    engine: Engine, api: EventApi, channel: Channel, events: Sequence[Incoming], handled: dict[str, Handled]
) -> int:
    largest = int(engine.sandbox.limits.value("appsync_events.event"))
    texts = [text for event in events if (text := handled[event.id].text) is not None]
    payloads = [None if len(text.encode()) > largest else frames.compact([text]) for text in texts]
    reached = 0
    now = asyncio.get_running_loop().time()
    for one in engine.subscriptions.of(api.id, channel):
        if now < one.deaf_until:
            continue
        reached += 1
        for payload in payloads:
            if payload is None:  # a handler made it larger than may be sent
                engine.say(one.connection, frames.failure("broadcast", one.id, [_TOO_LARGE]))
            else:
                _send(engine, one, frames.data(one.id, payload))
    return reached


def _send(engine: Engine, one: Subscription, frame: str) -> None:
    one.line.deliver(lambda: engine.say(one.connection, frame, subscription=one.id))


def _result(events: Sequence[Incoming], handled: dict[str, Handled]) -> dict[str, Any]:
    successful, failed = [], []
    for index, event in enumerate(events):
        error = handled[event.id].error
        if error is None:
            successful.append({"identifier": event.id, "index": index})
        else:
            failed.append({"identifier": event.id, "index": index, "code": 400, "message": error})
    return {"failed": failed, "successful": successful}
