"""A story's timeline as what each side did: requests of clients, answers of the model, invocations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

from sandbox.stories.answer import Piece, words, words_of_messages
from sandbox.timeline import Event

End = Literal["completed", "disconnected", "failed"]
T = TypeVar("T")


@dataclass(slots=True)
class ClientRequest:
    """One request of a client."""

    id: str
    sent_at: float
    status: int | None = None
    started_at: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    decoded: bool = False
    size: int = 0
    end: End | None = None
    ended_at: float | None = None
    error_kind: str | None = None
    error: str = ""
    messages: bool = False  # of a WebSocket: each piece is one
    close_code: int | None = None
    close_reason: str | None = None

    @property
    def body(self) -> str:
        """What came of the body, as text."""
        return "".join(text for _, text in self.pieces)

    def words(self) -> list[Piece]:
        """The model's words in it, with their instants."""
        if self.messages:
            return words_of_messages(self.pieces)
        return self.pieces if self.decoded else words(self.headers.get("content-type", ""), self.pieces)


@dataclass(slots=True)
class ModelAnswer:
    """One answer of the model."""

    id: str
    asked_at: float
    tokens: list[Piece] = field(default_factory=list)
    completed_at: float | None = None
    completed_tokens: int = 0
    faulted: str | None = None
    gone_at: float | None = None

    @property
    def made(self) -> list[float]:
        """The instant of each token; those of an answer that was asked for whole are all made at its end."""
        if self.tokens or self.completed_at is None:
            return [at for at, _ in self.tokens]
        return [self.completed_at] * self.completed_tokens


@dataclass(slots=True)
class InvocationRun:
    """One invocation of a function."""

    id: str
    function: str
    started_at: float
    cold: bool = False
    ended_at: float | None = None
    outcome: str | None = None
    billed_ms: int = 0


class Trace:
    """The events of a story, counted from its start (``zero``, in the sandbox's seconds)."""

    def __init__(self, events: Iterable[Event], zero: float = 0.0, before: Iterable[Event] = ()) -> None:
        """``before``: what had happened that still counts, as containers that run."""
        self.events, self.before = (
            [Event(round(e.at - zero, 9), e.source, e.name, e.id, e.data) for e in one]
            for one in (events, before)
        )
        self._requests: dict[str, ClientRequest] = {}
        self._answers: dict[str, ModelAnswer] = {}
        self._invocations: dict[str, InvocationRun] = {}
        self._heard: dict[str, list[Piece]] = {}
        self._lost: set[str] = set()
        for event in self.events:
            reader = {"client": self._client, "model": self._model, "lambda": self._lambda}.get(event.source)
            if reader is not None:
                reader(event, event.data)

    @property
    def clients(self) -> list[str]:
        """Names of the clients that sent anything (copies are ``name/1``, ``name/2`` ...)."""
        return list(dict.fromkeys(key.rpartition(":")[0] for key in self._requests))

    def requests(self, client: str) -> list[ClientRequest]:
        """The requests of a client, in order."""
        return [one for key, one in self._requests.items() if key.rpartition(":")[0] == client]

    def heard(self, client: str) -> list[Piece]:
        """What a client itself put together from several answers, as a polling one does; empty for the others."""
        return self._heard.get(client, [])

    def lost(self, client: str) -> bool:
        """Whether a client was told that nobody knows its job."""
        return client in self._lost

    @property
    def answers(self) -> list[ModelAnswer]:
        """The model's answers, in the order in which they were asked for."""
        return list(self._answers.values())

    @property
    def invocations(self) -> list[InvocationRun]:
        """The invocations, in order."""
        return list(self._invocations.values())

    def _client(self, event: Event, data: Mapping[str, Any]) -> None:
        if event.name == "request_sent":
            self._requests[event.id] = ClientRequest(event.id, event.at)
            return
        request = self._requests[event.id]
        match event.name:
            case "response_started":
                request.status, request.started_at = data["status"], event.at
                request.headers = {name.lower(): value for name, value in data.get("headers", {}).items()}
            case "received":
                request.pieces.append((event.at, data["text"]))
                request.size += data["bytes"]
                request.decoded = request.decoded or bool(data.get("decoded"))
                request.messages = request.messages or bool(data.get("message"))
            case "heard":
                self._heard.setdefault(event.id.rpartition(":")[0], []).append((event.at, data["text"]))
            case "job_lost":
                self._lost.add(event.id.rpartition(":")[0])
            case "closed":
                request.close_code, request.close_reason = data["code"], data["reason"]
            case "completed" | "disconnected" | "failed":
                request.end, request.ended_at = event.name, event.at
                request.error_kind, request.error = data.get("kind"), data.get("error", "")

    def _model(self, event: Event, data: Mapping[str, Any]) -> None:
        if event.name == "request_received":
            self._answers[event.id] = ModelAnswer(event.id, event.at)
            return
        answer = self._answers[event.id]
        match event.name:
            case "token_emitted":
                answer.tokens.append((event.at, data["text"]))
            case "completed":
                answer.completed_at, answer.completed_tokens = event.at, data["tokens"]
            case "faulted":
                answer.faulted = data["kind"]
            case "client_gone":
                answer.gone_at = event.at

    def _lambda(self, event: Event, data: Mapping[str, Any]) -> None:
        if event.name == "invoked":
            cold = bool(data.get("cold"))
            self._invocations[event.id] = InvocationRun(event.id, data["function"], event.at, cold)
        elif event.name == "invocation_ended" and event.id in self._invocations:
            run = self._invocations[event.id]
            run.ended_at, run.outcome = event.at, data["outcome"]
            run.billed_ms = data["billed_ms"]


def once(find: Callable[[Trace, str], T]) -> Callable[[Trace, str], T]:
    """What a function finds out about a client, kept as long as the trace, which never changes.

    The verdict, the table and each expectation ask for the same; to find it takes as long as the story itself.
    """
    kept: WeakKeyDictionary[Trace, dict[str, T]] = WeakKeyDictionary()

    @wraps(find)
    def kept_or_found(trace: Trace, client: str) -> T:
        known = kept.setdefault(trace, {})
        if client not in known:
            known[client] = find(trace, client)
        return known[client]

    return kept_or_found
