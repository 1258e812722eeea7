"""What clients of AppSync do, one move after the other: the words."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from sandbox.stories.base import Strict
from sandbox.stories.clients.appsync_auth import AppSyncAuth
from sandbox.stories.clients.request import GeneratedBody
from sandbox.stories.expectations import TextMatch
from sandbox.stories.units import Duration


class Operation(Strict):
    """A GraphQL operation. ``${name}`` is filled in both; GraphQL's own ``$name`` stays."""

    query: str
    variables: dict[str, Any] = Field(default_factory=dict)
    auth: AppSyncAuth | None = Field(None, description="Another way in than the client's own.")
    id: str | None = Field(None, description="Of a subscription; default: s1, s2 ...")


class Subscribing(Strict):
    """A subscription to a channel of an Event API."""

    channel: str
    auth: AppSyncAuth | None = Field(None, description="Another way in than the client's own.")
    id: str | None = Field(None, description="Default: s1, s2 ...")


class Publishing(Strict):
    """Events for a channel of an Event API."""

    channel: str
    events: list[Any] = Field(default_factory=list, description="Each a JSON value.")
    generated: GeneratedBody | None = Field(None, description="One event, a text of a size: {size: 241KB}.")
    over: Literal["http", "websocket"] = "websocket"
    auth: AppSyncAuth | None = Field(None, description="Another way in than the client's own.")


class _Move(Strict):
    verbs: ClassVar[tuple[str, ...]] = ("stop", "expect", "wait", "until_closed", "close", "reconnect")

    at: Duration | None = Field(None, description="Not before this instant of the story.")
    stop: str | None = Field(None, description="End the subscription with this id.")
    expect: str | TextMatch | None = Field(
        None, description="Wait for a message like this; earlier ones are passed over."
    )
    within: Duration = Field(600.0, description="So long at most; with `expect`, `until_closed`.")
    capture: dict[str, str] = Field(
        default_factory=dict, description="Names for parts of the JSON that came."
    )
    wait: Duration | None = Field(None, description="Read on for so long.")
    until_closed: bool | None = Field(None, description="Read on until the other side closes.")
    close: int | None = Field(None, description="Close with this code.")
    reconnect: bool | None = Field(None, description="Connect again; subscriptions are gone.")

    @model_validator(mode="after")
    def _one_verb(self) -> _Move:
        given = [verb for verb in self.verbs if verb in self.model_fields_set]
        if len(given) != 1:
            raise ValueError(f"a move has exactly one of {', '.join(self.verbs)}")
        return self

    @property
    def verb(self) -> str:
        """Which one it is."""
        return next(verb for verb in self.verbs if verb in self.model_fields_set)


class GraphqlMove(_Move):
    """A move of an ``appsync`` client."""

    verbs: ClassVar[tuple[str, ...]] = ("subscribe", "ask", *_Move.verbs)

    subscribe: Operation | None = Field(None, description="Start a subscription and wait for start_ack.")
    ask: Operation | None = Field(None, description="A query or mutation by HTTP; its answer is not judged.")


class EventsMove(_Move):
    """A move of an ``appsync_events`` client."""

    verbs: ClassVar[tuple[str, ...]] = ("subscribe", "publish", *_Move.verbs)

    subscribe: Subscribing | None = Field(None, description="Subscribe and wait for subscribe_success.")
    publish: Publishing | None = Field(None, description="Publish; by HTTP the answer is not judged.")
