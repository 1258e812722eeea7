"""Resolvers: unit ones with one data source, pipelines of functions, and functions asked directly.

Source: AppSync developer guide, "JavaScript resolvers overview", "Resolver mapping template overview", "Direct Lambda
resolvers".
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sandbox.services.appsync.errors import FieldError
from sandbox.services.appsync_sources import SourceError

if TYPE_CHECKING:
    from sandbox.control.appsync import DataSource, Mapped, Resolver
    from sandbox.services.appsync.mapping import Handlers, Phase
    from sandbox.services.appsync.request import FieldCall, Request

# What a direct resolver sends a function of the context: no result, no error, no environment.
_DIRECT = ("arguments", "identity", "source", "request", "prev", "info", "stash")
_KINDS = {"AWS_LAMBDA": "Lambda", "HTTP": "Http", "AMAZON_DYNAMODB": "DynamoDB"}
_OLD_TEMPLATES = "2017-02-28"  # errors of a data source end the resolver before its response template


async def resolve(request: Request, call: FieldCall, resolver: Resolver, handlers: Handlers) -> Any:
    """A field's value. Raises :class:`FieldError`.

    At the instant when the request's time is over the data source fails, which a response handler may still see.
    ``ResolverExecutionLimitReached`` and its words are as in amplify-cli's issue 6128 and amplify-js's 8342.
    """
    limits = request.sandbox.limits
    request.resolvers_run += 1
    most = request.api.resolver_count_limit or int(limits.value("appsync.resolver_count.max"))
    if request.resolvers_run > most:
        raise FieldError("Resolver invocation limit reached", "ResolverExecutionLimitReached")
    run = _pipeline if resolver.kind == "PIPELINE" else _unit
    return await run(request, call, resolver, handlers)


async def _unit(request: Request, call: FieldCall, resolver: Resolver, handlers: Handlers) -> Any:
    return (await _step(request, call, resolver.mapped, handlers, resolver.arn, None))[0]


async def _pipeline(request: Request, call: FieldCall, resolver: Resolver, handlers: Handlers) -> Any:
    """Before, each function, after. An early return of the first handler goes to the last one at once."""
    previous: Any = None
    mapped = resolver.mapped
    ended = False
    if _has(mapped, "request"):
        outcome = handlers.run(request, call, mapped, "request")
        previous, ended = outcome.result, outcome.early
    for function_id in resolver.functions:
        if ended:
            break
        function = request.api.functions.get(function_id)
        if function is None:
            raise FieldError(f"There is no function {function_id}.", None)
        prev = {"result": previous}
        previous, ended = await _step(request, call, function.mapped, handlers, function.id, prev)
    if not _has(mapped, "response"):
        return previous
    prev = {"result": previous}
    return handlers.run(request, call, mapped, "response", prev=prev, result=previous).result


async def _step(
    request: Request, call: FieldCall, mapped: Mapped, handlers: Handlers, key: str, prev: Any
) -> tuple[Any, bool]:
    """Request handler, data source, response handler: the value, and whether the pipeline ends with it."""
    source = request.api.data_sources.get(mapped.data_source or "")
    if source is None:
        raise FieldError(f"There is no data source {mapped.data_source}.", None)
    direct = not _has(mapped, "request")
    if direct:
        context = call.context(request, prev=prev)
        operation = "BatchInvoke" if mapped.max_batch_size else "Invoke"
        document: Any = {"operation": operation, "payload": {name: context[name] for name in _DIRECT}}
    else:
        outcome = handlers.run(request, call, mapped, "request", prev=prev)
        if outcome.early:
            return outcome.result, outcome.skip_to == "END"
        document = outcome.result
    result, error = None, None
    try:
        async with asyncio.timeout_at(request.deadline):
            result = await request.sources.call(
                request, source, document, key, mapped.max_batch_size, direct=direct
            )
    except (SourceError, TimeoutError) as ended:
        failure = ended if isinstance(ended, SourceError) else _timeout(request, source)
        if not _has(mapped, "response") or _is_old(mapped, document):
            raise FieldError(failure.message, failure.type, failure.data) from ended
        result, error = failure.data, {"message": failure.message, "type": failure.type}
    if not _has(mapped, "response") or (result is None and _is_old(mapped, document)):
        return result, False
    outcome = handlers.run(request, call, mapped, "response", prev=prev, result=result, error=error)
    return outcome.result, outcome.skip_to == "END"


def _timeout(request: Request, source: DataSource) -> SourceError:
    """``Lambda:ExecutionTimeoutException`` and the like (issues 43 and 386 of aws-appsync-community)."""
    word = str(request.sandbox.limits.value("appsync.error.timeout.type"))
    return SourceError("Execution timed out.", f"{_KINDS.get(source.type, source.type)}:{word}")


def _has(mapped: Mapped, phase: Phase) -> bool:
    if mapped.code is not None:
        return True
    return (mapped.request_template if phase == "request" else mapped.response_template) is not None


def _is_old(mapped: Mapped, document: Any) -> bool:
    return mapped.code is None and isinstance(document, dict) and document.get("version") == _OLD_TEMPLATES
