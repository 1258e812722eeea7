"""What a story used, counted from its timeline: the quantities that AWS bills, without prices.

============== ===============================================================================================
client         requests, and messages sent over WebSockets; bytes of the answers and messages that came
edges          by service (``api_rest``, ``function_url``, ``alb`` ...): requests, and bytes of what was sent
lambda         invocations, cold starts, billed milliseconds, and those times the megabytes of memory
model          requests, tokens made
aws            calls of AWS APIs, as ``dynamodb PutItem``, by anybody; those of CloudWatch Logs not
sqs            messages sent, received, deleted
tasks          containers' hours: of each task from its start to its stop or the story's end; vCPU and GB hours
============== ===============================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.stories.trace import Trace
from sandbox.timeline import Event

EDGES = (
    "function_url",
    "api_rest",
    "api_http",
    "api_websocket",
    "alb",
    "app_runner",
    "appsync",
    "appsync_events",
)
_HOUR_S = 3600
_UNITS = 1024  # CPU units of a vCPU, MiB of a GB
_OWN = "logs"  # what Lambda writes there are no calls that anybody is billed for
_SENT = {"sent", "message_sent"}


@dataclass(frozen=True, slots=True)
class Counts:
    """Quantities of one story. ``edges``: service -> requests, bytes."""

    client_requests: int = 0
    client_messages: int = 0
    client_bytes: int = 0
    edges: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    invocations: int = 0
    cold_starts: int = 0
    billed_ms: int = 0
    billed_mb_ms: int = 0
    model_requests: int = 0
    model_tokens: int = 0
    aws_calls: Mapping[str, int] = field(default_factory=dict)
    sqs_sent: int = 0
    sqs_received: int = 0
    sqs_deleted: int = 0
    task_hours: float = 0.0
    task_vcpu_hours: float = 0.0
    task_gb_hours: float = 0.0

    def shown(self) -> dict[str, Any]:
        """As ``--json`` prints them: those that are zero are left out, but for the client's and Lambda's."""
        always = ("client_requests", "client_bytes", "invocations", "billed_ms")
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value or name in always}

    def flat(self) -> dict[str, int]:
        """By one name each, as stories speak of them: ``billed_ms``, ``api_rest bytes``, ``dynamodb PutItem``."""
        shown = self.shown()
        edges = {f"{edge} {name}": n for edge, used in self.edges.items() for name, n in used.items()}
        numbers = {name: value for name, value in shown.items() if isinstance(value, int)}
        return {**numbers, **edges, **self.aws_calls}


def counts(trace: Trace) -> Counts:
    """What a story used."""
    events = trace.events
    number = Counter((event.source, event.name) for event in events)
    ended = [event.data for event in events if (event.source, event.name) == ("lambda", "invocation_ended")]
    hours, vcpu, memory = _tasks(trace)
    return Counts(
        client_requests=number["client", "request_sent"],
        client_messages=number["client", "message_sent"],
        client_bytes=_bytes(events, "client", {"received"}),
        edges=_edges(events),
        invocations=number["lambda", "invoked"],
        cold_starts=sum(run.cold for run in trace.invocations),
        billed_ms=sum(one["billed_ms"] for one in ended),
        billed_mb_ms=sum(one["billed_ms"] * one.get("memory_mb", 0) for one in ended),
        model_requests=number["model", "request_received"],
        model_tokens=sum(len(answer.made) for answer in trace.answers),
        aws_calls=_calls(events),
        sqs_sent=number["sqs", "message_sent"],
        sqs_received=number["sqs", "message_received"],
        sqs_deleted=number["sqs", "message_deleted"],
        task_hours=hours,
        task_vcpu_hours=vcpu,
        task_gb_hours=memory,
    )


def _bytes(events: Iterable[Event], source: str, names: set[str]) -> int:
    return sum(
        event.data.get("bytes", 0) for event in events if event.source == source and event.name in names
    )


def _edges(events: Iterable[Event]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for event in events:
        if event.source not in EDGES:
            continue
        asked = event.name in ("request_received", "connected", "message_received")
        size = event.data.get("bytes", 0) if event.name in _SENT else 0
        if asked or size:
            edge = found.setdefault(event.source, {"requests": 0, "bytes": 0})
            edge["requests"] += asked
            edge["bytes"] += size
    return found


def _calls(events: Iterable[Event]) -> dict[str, int]:
    calls = Counter(
        f"{event.data['service']} {event.data['operation']}"
        for event in events
        if (event.source, event.name) == ("control", "called") and event.data["service"] != _OWN
    )
    return dict(sorted(calls.items()))


def _tasks(trace: Trace) -> tuple[float, float, float]:
    """Hours, vCPU hours and GB hours of tasks; of one that the deployment started from the story's start on."""
    begun: dict[str, float] = {}
    total = [0.0, 0.0, 0.0]
    end = max(0.0, trace.events[-1].at) if trace.events else 0.0
    sizes: dict[str, tuple[float, float, float]] = {}
    for event in [*trace.before, *trace.events]:
        if event.source == "ecs" and event.name == "task_started":
            begun[event.id] = max(0.0, event.at)
            cpu, memory = (int(event.data.get(name) or 0) for name in ("cpu", "memory"))
            sizes[event.id] = (1.0, cpu / _UNITS, memory / _UNITS)
        elif event.source == "ecs" and event.name == "task_stopped" and event.id in begun:
            _add(total, event.at - begun.pop(event.id), sizes[event.id])
    for task, since in begun.items():
        _add(total, end - since, sizes[task])
    hours, vcpu, memory_gb = (round(value, 6) for value in total)
    return hours, vcpu, memory_gb


def _add(total: list[float], seconds: float, size: tuple[float, float, float]) -> None:
    for n, factor in enumerate(size):
        total[n] += max(0.0, seconds) / _HOUR_S * factor
