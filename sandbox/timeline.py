"""What happened when: every hop of an answer with its instant on the sandbox's clock.

Events are facts in the past tense. ``source`` says who saw it, ``id`` ties the events of one stream, request or
invocation of that source together, ``cause`` in ``data`` (optional) is the id of the hop that led to it.

========== ==================================================================================================
source     names (data)
========== ==================================================================================================
model      request_received(api, profile, prompt_sha) · token_emitted(index, text) · completed(tokens) ·
           client_gone(tokens) · faulted(kind)
lambda     environment_started(function, environment) · initialized(init_ms) · invoked(function, environment,
           cold, mode) · function_wrote(bytes) · response_completed · invocation_ended(function, outcome,
           duration_ms, billed_ms, memory_mb) · environment_frozen(environment) · environment_thawed(environment) ·
           environment_stopped(environment, reason) · throttled(function, reason) · log(function, line)
function_url, api_rest, ... (an edge)
           request_received(method, path) · response_started(status) · sent(bytes) · response_completed(status,
           bytes) · response_cut(error, bytes) · failed(type, reason) ·
           client_gone · billed(requests) of a stream, cache_hit and cache_miss of a stage with a cache (REST API)
api_websocket (besides, for ``@connections``, those of an edge)
           connected(api, stage) · connect_refused(status, reason) · message_received(route, bytes, request) ·
           sent(bytes, connection) · posted(connection, bytes) · failed(type, reason) ·
           disconnected(code, reason, by); the id is the connection's
appsync (besides, for requests, those of an edge; the id of the others is the connection's or the request's)
           connected(api) · connect_refused(reason) · message_received(type, bytes) · subscribed(subscription,
           field) · subscribe_refused(subscription, reason) · published(mutation, subscription, subscribers) ·
           sent(bytes, subscription) · dropped(bytes) · unsubscribed(subscription, reason) · log(level,
           text) · failed(type, reason) · disconnected(code, by)
appsync_events (besides, for requests, those of an edge; the id of the others is the connection's)
           connected(api) · connect_refused(status, reason) · message_received(type, bytes) · subscribed(operation,
           channel) · subscribe_refused, publish_refused, unsubscribe_refused(operation, reason) ·
           unsubscribed(operation) · published(channel, events, subscribers) · sent(bytes, subscription) ·
           log(level, text) · failed(type, reason) · disconnected(code, reason, by)
iot        handshake_refused(status, reason) · connect_refused(status, reason) · connected(protocol, clean,
           connection) · subscribed(topics) · unsubscribed(topics) · subscribe_refused(topic, reason) ·
           published(topic, bytes, cause) · publish_refused(topic, reason) · delivered(topic, bytes, qos, cause) ·
           receive_refused(topic, reason) · acknowledged(packet) · discarded(topic, reason) · failed(reason) ·
           disconnected(reason, connection) · rule_matched(topic, cause) · rule_failed(action, reason, cause); the id
           is the client's, or the rule's name
alb        besides those of an edge: target_health(state, group), id ``address:port``; of a WebSocket the bytes both
           ways: received(bytes) · sent(bytes); failed(type, reason): the status of the load balancer's own answer
ecs        task_started(group, cpu, memory) · task_stopped(reason, code, seconds, group, cpu, memory): what is paid
           for, from the pull of its images on · service_event(message) · log(container, line) · swept, id a
           container that a killed sandbox left on the Docker engine
eks        unauthorized(reason), id the cluster's name
app_runner besides those of an edge: status(status, reason), id the service's name
client     request_sent(method, url) · response_started(status) · received(bytes, text) · completed ·
           disconnected · failed(error)
sqs        message_sent(queue, bytes) · message_received(queue, count) · message_deleted(queue) ·
           message_dead_lettered(queue) · message_expired(queue) · message_refused(queue, error); the id is the
           message's
event_source batch_invoked(queue, function, messages) · batch_ended(queue, function, deleted, failed, reason)
cognito    code_sent(username, medium, destination, code) · invitation_sent(username, password); message, subject
control    called(service, operation, status)
clock      advanced(to)
========== ==================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``at``: seconds since the sandbox started."""

    at: float
    source: str
    name: str
    id: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Timeline:
    """An append-only record of events, in the order in which they happened."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._events: list[Event] = []
        self._listeners: list[Callable[[Event], None]] = []

    def record(self, source: str, name: str, id: str = "", /, **data: Any) -> Event:
        """Note that something happened now."""
        event = Event(self._now(), source, name, id, data)
        self._events.append(event)
        for listener in self._listeners:
            listener(event)
        return event

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call ``listener`` with every later event, at once."""
        self._listeners.append(listener)

    def select(
        self, source: str | None = None, name: str | None = None, id: str | None = None
    ) -> Iterator[Event]:
        """The events that match everything given, in order."""
        for event in self._events:
            if (
                (source is None or event.source == source)
                and (name is None or event.name == name)
                and (id is None or event.id == id)
            ):
                yield event

    def clear(self) -> None:
        """Forget all events."""
        self._events.clear()

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(tuple(self._events))
