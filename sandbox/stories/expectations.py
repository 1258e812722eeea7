"""What a story expects: of one client, and of the whole story."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from sandbox.stories.base import Strict
from sandbox.stories.units import Count, Instant, Milliseconds, Size

Verdict = Literal["streams", "arrives whole", "cut off", "lost", "refused"]
ErrorKind = Literal[
    "timeout",
    "connection refused",
    "connection closed",
    "truncated",
    "protocol",
    "api error",
    "closed",  # a WebSocket, by the other side, with another code than 1000
    "other",
]


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression: {error}") from None
    return value


Regex = Annotated[str, AfterValidator(_regex)]


class TextMatch(Strict):
    """What a text must be; everything given must hold."""

    exact: str | None = Field(None, description="The whole text, byte for byte.")
    contains: str | list[str] | None = Field(None, description="Pieces that occur in it.")
    lacks: str | list[str] | None = Field(None, description="Pieces that do not occur in it.")
    matches: Regex | None = Field(None, description="A regular expression (Python's) found in it.")
    json_: Any = Field(None, alias="json", description="Parsed as JSON, it contains these members.")
    empty: bool | None = Field(None, description="Whether it is empty.")
    size: Size | None = Field(None, description="Its length in bytes.")

    @model_validator(mode="after")
    def _says_something(self) -> TextMatch:
        if not self.model_fields_set:
            raise ValueError("give at least one of exact, contains, lacks, matches, json, empty, size")
        return self


class ClientExpect(Strict):
    """What one client must see. Instants count from the start of the story, in the sandbox's time."""

    verdict: Verdict | None = Field(None, description="How the answer reached this client.")
    status: int | None = Field(None, description="HTTP status of the last answer.", ge=100, le=599)
    body: str | TextMatch | None = Field(None, description="Body of the last answer: exact, or conditions.")
    headers: dict[str, str | TextMatch | None] | None = Field(
        None,
        description="Response headers: exact, conditions, or null: must be absent.",
    )
    error: ErrorKind | Literal["none"] | None = Field(
        None, description="How the client's last request failed; `none`: it did not."
    )
    error_text: TextMatch | None = Field(None, description="The words of that failure.")
    first_token_at: Instant | None = Field(None, description="When the first token of the model's text came.")
    last_token_at: Instant | None = Field(None, description="When the last token that came, came.")
    first_byte_at: Instant | None = Field(None, description="When the first byte of a body came.")
    started_at: Instant | None = Field(None, description="When status and headers came.")
    ended_at: Instant | None = Field(None, description="When the last request was over, well or badly.")
    tokens: Count | None = Field(None, description="How many of the model's tokens came.")
    instants: Count | None = Field(
        None, description="In how many different instants tokens came (virtual clock)."
    )
    delay_per_token: Instant | None = Field(
        None, description="The longest time from the model's schedule to the client, over all tokens."
    )
    requests: Count | None = Field(None, description="How many requests the client sent.")
    close_code: int | None = Field(None, description="Code with which the last WebSocket was closed.")
    close_reason: str | None = Field(None, description="Reason with which it was closed.")
    missing: Count | None = Field(
        None, description="Of a WebSocket: the model's tokens that never came, wherever in its text."
    )
    gaps: Count | None = Field(None, description="In how many runs those are missing.")
    repeated: Count | None = Field(None, description="Messages of whose tokens all had come before.")
    overtaken: Count | None = Field(None, description="Messages that came after one of later tokens.")
    messages: Count | None = Field(None, description="WebSocket messages that came, over all connections.")


class AfterClient(Strict):
    """What went on after the watched client had its answer, or was gone."""

    function: str | None = Field(None, description="Part of the function's name; default: any function.")
    outcome: str | None = Field(None, description="How the invocation ended: ok, Sandbox.Timedout ...")
    ran_until: Instant | None = Field(None, description="When the last such invocation ended; or never.")
    billed: Milliseconds | None = Field(None, description="Billed time of those invocations, together.")
    model_tokens: Count | None = Field(None, description="Tokens that the model made after the client's end.")


class EventMatch(Strict):
    """An event of the timeline: `source.name`, its instant, and members of its data."""

    event: str = Field(pattern=r"^[a-z_0-9]+\.[a-z_0-9]+$", description="As `lambda.invocation_ended`.")
    at: Instant | None = None
    data: dict[str, Any] = Field(default_factory=dict, description="Members that the event's data has.")


EventName = Annotated[str, Field(pattern=r"^[a-z_0-9]+\.[a-z_0-9]+$")]


class StoryExpect(ClientExpect):
    """What a story must show. The fields of one client speak of the watched one."""

    invocations: Count | None = Field(None, description="Lambda invocations.")
    cold_starts: Count | None = Field(None, description="Lambda invocations in a new environment.")
    model_calls: Count | None = Field(None, description="Requests that reached the model.")
    billed: Milliseconds | None = Field(None, description="Billed milliseconds of all invocations.")
    deployment: TextMatch | None = Field(
        None, description="The template cannot be deployed, and this is why. No client acts then."
    )
    after_client: AfterClient | None = None
    order: list[EventName | EventMatch] | None = Field(None, description="Events that occur in this order.")
    counts: dict[EventName, Count] | None = Field(None, description="How often events occur, by their names.")
    used: dict[str, Count] | None = Field(
        None,
        description="What the story used, by the names of `counts`: billed_ms, `dynamodb PutItem`, `api_rest bytes`.",
    )
    never: list[EventName | EventMatch] | None = Field(None, description="Events that do not occur.")
