"""What a ``websocket`` client does, one move after the other: the words."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from sandbox.stories.base import Strict
from sandbox.stories.clients.request import GeneratedBody
from sandbox.stories.expectations import TextMatch
from sandbox.stories.units import Duration, Size

VERBS = (
    "send",
    "send_generated",
    "send_binary",
    "ping",
    "expect",
    "wait",
    "until_closed",
    "close",
    "reconnect",
)


class Move(Strict):
    """Exactly one verb, and what belongs to it.

    A move that waits is over as soon as the connection is closed. On a closed connection everything up to the next
    ``reconnect`` is passed over.
    """

    at: Duration | None = Field(None, description="Not before this instant of the story.")
    send: Any = Field(None, description="A message: text, or an object that is sent as JSON.")
    send_generated: GeneratedBody | None = Field(None, description="A message of a size: {size: 40KB}.")
    send_binary: str | None = Field(None, description="A binary message with these bytes.")
    frame_size: Size | None = Field(None, description="Cut the message into frames of at most this size.")
    ping: bool | None = Field(None, description="Send a ping and wait for its pong.")
    expect: str | TextMatch | None = Field(
        None, description="Wait for a message like this; earlier ones are passed over."
    )
    within: Duration = Field(600.0, description="So long at most; with `expect`, `until_closed`.")
    capture: dict[str, str] = Field(
        default_factory=dict, description="With `expect`: names for parts of its JSON, as `session: id`."
    )
    wait: Duration | None = Field(None, description="Read on for so long.")
    until_closed: bool | None = Field(None, description="Read on until the other side closes.")
    close: int | None = Field(None, description="Close with this code.")
    reconnect: bool | None = Field(None, description="Connect again, when the connection is closed or not.")

    @model_validator(mode="after")
    def _one_verb(self) -> Move:
        given = [verb for verb in VERBS if verb in self.model_fields_set]
        if len(given) != 1:
            raise ValueError(f"a move has exactly one of {', '.join(VERBS)}")
        if self.capture and self.expect is None:
            raise ValueError("capture belongs to expect")
        if self.frame_size is not None and given[0] not in ("send", "send_generated"):
            raise ValueError("frame_size belongs to send or send_generated")
        return self

    @property
    def verb(self) -> str:
        """Which one it is."""
        return next(verb for verb in VERBS if verb in self.model_fields_set)
