"""What an ``mqtt`` client does, one move after the other: the words."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from sandbox.stories.base import Strict
from sandbox.stories.clients.request import GeneratedBody
from sandbox.stories.expectations import TextMatch
from sandbox.stories.units import Duration

VERBS = (
    "subscribe",
    "unsubscribe",
    "publish",
    "expect",
    "wait",
    "until_closed",
    "send_text",
    "disconnect",
    "drop",
    "reconnect",
)


class Publication(Strict):
    """A message to publish."""

    topic: str
    payload: Any = Field("", description="Text, or an object that is sent as JSON.")
    generated: GeneratedBody | None = Field(None, description="A payload of a size: {size: 129KB}.")
    qos: int = Field(0, ge=0, le=2)
    retain: bool = False
    properties: dict[str, Any] = Field(
        default_factory=dict, description="Of MQTT 5: content_type, user_property: [[name, value]], ..."
    )
    times: int = Field(1, ge=1, le=10_000, description="So many of them; ${n} in the payload: which.")
    every: Duration = Field(0.0, description="From one to the next.")


class MqttMove(Strict):
    """Exactly one verb, and what belongs to it.

    A move that waits is over as soon as the connection is closed. On a closed connection everything up to the next
    ``reconnect`` is passed over.
    """

    at: Duration | None = Field(None, description="Not before this instant of the story.")
    subscribe: str | list[str] | None = Field(None, description="Topic filters in one SUBSCRIBE.")
    unsubscribe: str | list[str] | None = Field(None, description="Topic filters in one UNSUBSCRIBE.")
    qos: int = Field(0, ge=0, le=2, description="With `subscribe`.")
    publish: Publication | None = None
    expect: str | TextMatch | None = Field(
        None, description="Wait for a message with a payload like this; earlier ones are passed over."
    )
    topic: str | None = Field(None, description="With `expect`: the message's topic.")
    within: Duration = Field(600.0, description="So long at most; with `expect`, `until_closed`.")
    capture: dict[str, str] = Field(
        default_factory=dict, description="With `expect`: names for parts of its JSON, as `session: id`."
    )
    wait: Duration | None = Field(None, description="Read on for so long.")
    until_closed: bool | None = Field(None, description="Read on until the other side closes.")
    send_text: str | None = Field(None, description="A WebSocket text frame, which is no MQTT.")
    disconnect: bool | None = Field(None, description="Send DISCONNECT and close.")
    drop: bool | None = Field(None, description="Break off without a word, as a lost network does.")
    reconnect: bool | None = Field(None, description="Connect again, when the connection is closed or not.")

    @model_validator(mode="after")
    def _one_verb(self) -> MqttMove:
        given = [verb for verb in VERBS if verb in self.model_fields_set]
        if len(given) != 1:
            raise ValueError(f"a move has exactly one of {', '.join(VERBS)}")
        if (self.capture or self.topic is not None) and self.expect is None:
            raise ValueError("capture and topic belong to expect")
        if "qos" in self.model_fields_set and self.subscribe is None:
            raise ValueError("qos stands beside subscribe, or inside publish")
        return self

    @property
    def verb(self) -> str:
        """Which one it is."""
        return next(verb for verb in VERBS if verb in self.model_fields_set)
