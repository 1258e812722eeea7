"""Handlers of a channel namespace: ``onPublish`` and ``onSubscribe``, in JavaScript or as a function of Lambda.

Sources: AppSync Events developer guide, "Process real-time events with event handlers" and "Direct data source
integrations using Lambda"; Powertools for AWS, ``AppSyncEventsPublishEvent`` (the context as functions get it).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.aws import json_text
from sandbox.aws.appsync_js import Outcome, Runtime, exported
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationType
from sandbox.services.appsync_events.errors import RefusedError, unauthorized
from sandbox.services.appsync_sources import SourceError, Sources

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import ChannelNamespace, DataSource, EventApi
    from sandbox.services.appsync_events.caller import Caller
    from sandbox.services.appsync_events.channels import Channel

_FAILED = "HandlerExecutionError"  # UNSOURCED


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event as it was published. ``value``: its JSON."""

    id: str
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Handled:
    """What a handler made of an event. ``text``: what is broadcast, ``None`` for nothing; ``error``: why not."""

    text: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a handler is called for."""

    api: EventApi
    namespace: ChannelNamespace
    channel: Channel
    caller: Caller
    domain: str
    id: str  # of the request or connection, for the timeline


@dataclass(frozen=True, slots=True)
class _Asking:
    """A handler as data sources see it."""

    sandbox: Sandbox
    api: EventApi
    id: str


class Handlers:
    """Runs the handlers of all namespaces."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._runtime = Runtime(sandbox.ids, sandbox.clock)
        self._sources = Sources()

    async def close(self) -> None:
        """Close connections of data sources."""
        await self._sources.close()

    async def publish(self, on: Occasion, events: Sequence[Incoming]) -> dict[str, Handled]:
        """What becomes of each event, by its id. Raises ``RefusedError`` when the handler turns all down."""
        context = _context(on, "PUBLISH")
        context["events"] = [{"id": event.id, "payload": event.value} for event in events]
        called, answer = await self._call(on, "onPublish", context)
        if not called:
            return {event.id: Handled(event.text) for event in events}
        return {event.id: _handled(event, _entries(answer)) for event in events}

    async def subscribe(self, on: Occasion) -> None:
        """Raises ``RefusedError`` when the handler turns the subscription down."""
        await self._call(on, "onSubscribe", _context(on, "SUBSCRIBE"))

    async def _call(self, on: Occasion, name: str, context: dict[str, Any]) -> tuple[bool, Any]:
        """Whether there is a handler whose answer counts, and that answer."""
        config = on.namespace.handlers.get(name)
        if config is None:
            if on.namespace.code is None or name not in exported(on.namespace.code):
                return False, None
            return True, self._run(on, name, context).result
        source = on.api.data_sources[config["integration"]["dataSourceName"]]  # one in use cannot be deleted
        if config["behavior"] == "CODE":
            return True, await self._with_source(on, name, context, source)
        kind = (config["integration"].get("lambdaConfig") or {}).get("invokeType", "REQUEST_RESPONSE")
        asynchronous = kind == "EVENT"
        answer = await self._invoke(
            on, source.config, context, "Event" if asynchronous else "RequestResponse"
        )
        if asynchronous:
            return False, None
        return True, _checked(answer)

    def _run(self, on: Occasion, name: str, context: Mapping[str, Any]) -> Outcome:
        outcome = self._runtime.run(on.namespace.code or "", name, context, auth_type=on.caller.mode)
        for level, text in outcome.logs:
            self._sandbox.timeline.record("appsync_events", "log", on.id, level=level, text=text)
        error = outcome.error
        if error is not None:
            if error.type == "Unauthorized":
                raise unauthorized()
            raise RefusedError(400, error.type or _FAILED, error.message or "")
        return outcome

    async def _with_source(self, on: Occasion, name: str, context: dict[str, Any], source: DataSource) -> Any:
        """A handler's ``request``, the data source, its ``response``, which sees a failure as ``error``."""
        asked = self._run(on, f"{name}.request", context)
        if asked.early:
            return asked.result
        after = {**context, "stash": asked.stash}
        if source.type == "AWS_LAMBDA":
            document = asked.result if isinstance(asked.result, dict) else {}
            invocation: InvocationType = (
                "Event" if document.get("invocationType") == "Event" else "RequestResponse"
            )
            after["result"] = await self._invoke(on, source.config, document.get("payload"), invocation)
        else:
            try:
                after["result"] = await self._ask(on, source, asked.result)
            except SourceError as failure:
                self._note(on, str(failure))
                after["error"] = {"message": failure.message, "type": failure.type}
                after["result"] = failure.data
        return self._run(on, f"{name}.response", after).result

    async def _ask(self, on: Occasion, source: DataSource, document: Any) -> Any:
        """What a data source gives. Its patience is that of GraphQL (UNSOURCED). Raises :class:`SourceError`."""
        limits = self._sandbox.limits
        try:
            async with asyncio.timeout(float(limits.value("appsync.execution_timeout"))):
                return await self._sources.ask(_Asking(self._sandbox, on.api, on.id), source, document)
        except TimeoutError as late:
            raise SourceError(
                "Execution timed out.", str(limits.value("appsync.error.timeout.type"))
            ) from late

    async def _invoke(
        self, on: Occasion, config: Mapping[str, Any], payload: Any, kind: InvocationType
    ) -> Any:
        function = str((config.get("lambdaConfig") or {}).get("lambdaFunctionArn", ""))
        body = json.dumps(payload, ensure_ascii=False).encode()
        try:
            result = await self._sandbox.invoke(Invocation(function, body, kind, cause=on.id))
        except AwsError as refusal:
            raise RefusedError(refusal.status, f"Lambda:{refusal.code}", refusal.message) from refusal
        if kind == "Event":
            return None
        text = result.payload.decode("utf-8", "replace")
        answer = _json(text)
        if result.function_error is not None:
            self._note(on, f"{function} failed: {text}")
            if isinstance(answer, dict) and answer.get("errorType") == "UnauthorizedException":
                raise RefusedError(403, "UnauthorizedException", str(answer.get("errorMessage", "")))
            message = answer.get("errorMessage") if isinstance(answer, dict) else text
            raise RefusedError(500, f"Lambda:{result.function_error}", str(message))
        return answer

    def _note(self, on: Occasion, reason: str) -> None:
        self._sandbox.timeline.record("appsync_events", "failed", on.id, type="handler", reason=reason)


def _context(on: Occasion, operation: str) -> dict[str, Any]:
    return {
        "identity": on.caller.identity,
        "result": None,
        "request": {"headers": dict(on.caller.headers), "domainName": on.domain},
        "info": {
            "channel": {"path": on.channel.name, "segments": on.channel.name[1:].split("/")},
            "channelNamespace": {"name": on.namespace.name},
            "operation": operation,
        },
        "error": None,
        "prev": None,
        "stash": {},
        "outErrors": [],
        "events": None,
    }


def _checked(answer: Any) -> Any:
    """A function's answer: ``{"events": [...], "error": "..."}`` or nothing."""
    if isinstance(answer, dict):
        if answer.get("error"):
            raise RefusedError(400, _FAILED, str(answer["error"]))
        return answer.get("events")
    return None


def _entries(answer: Any) -> dict[str, Mapping[str, Any]]:
    """The events that a handler gave back, by id; one that is no list has turned all away."""
    if not isinstance(answer, list):
        return {}
    return {str(entry.get("id")): entry for entry in answer if isinstance(entry, dict)}


def _handled(event: Incoming, entries: Mapping[str, Mapping[str, Any]]) -> Handled:
    entry = entries.get(event.id)
    if entry is None:
        return Handled(None)  # turned away; for the publisher it went well (UNSOURCED)
    if entry.get("error"):
        return Handled(None, str(entry["error"]))
    text = json.dumps(entry.get("payload"), separators=(",", ":"), ensure_ascii=False)
    return Handled(event.text if entry.get("payload") == event.value else text)


def _json(text: str) -> Any:
    try:
        return json_text.loads(text) if text else None
    except ValueError:
        return None
