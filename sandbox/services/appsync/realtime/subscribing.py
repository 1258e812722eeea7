"""``start``: from a client's message to a subscription that stands (facts 5.3, 5.8, 5.9, 5.11)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLError,
    OperationType,
    get_argument_values,
    get_variable_values,
    print_ast,
)

from sandbox.anomalies import Line
from sandbox.aws import json_text
from sandbox.services.appsync import apis, execution, selections
from sandbox.services.appsync.errors import (
    Entry,
    FieldError,
    RequestRefused,
    malformed,
    no_credentials,
    not_authorized,
)
from sandbox.services.appsync.execution import Query
from sandbox.services.appsync.realtime import filters, handshakes
from sandbox.services.appsync.realtime.connection import Connection, Subscription
from sandbox.services.appsync.request import FieldCall, Request
from sandbox.services.appsync.resolvers import resolve

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.services.appsync.engine import Engine


class SubscribeError(Exception):
    """A subscription that does not come to stand: the entries of its ``error`` frame.

    They have a type, if any, and a message, and no more (amplify-js's issues 11317 and 12679).
    """

    def __init__(self, *errors: Mapping[str, Any]) -> None:
        super().__init__("; ".join(str(error.get("message")) for error in errors))
        self.errors = errors


async def subscribe(engine: Engine, connection: Connection, id: str, payload: Any) -> Subscription:
    """The subscription that a ``start`` asks for, not standing yet. Raises :class:`SubscribeError`."""
    try:
        query, text, headers = _asked(engine.sandbox, payload)
        api = await apis.find(engine.sandbox, connection.api_id)
        if api is None:
            raise RequestRefused(404, "NotFoundException", f"There is no API {connection.api_id}.")
        given = handshakes.credentials(
            headers,
            connection.source_ip,
            connection.sent_path,
            text,
            query=query.text,
            operation=query.operation,
            variables=query.variables,
        )
        caller = await engine.access.caller(api, given)
        request = engine.request(api, caller, {**connection.headers, **_without_secrets(headers)}, None)
        return await _resolved(engine, connection, id, request, query)
    except RequestRefused as refusal:
        raise SubscribeError(refusal.entry()) from refusal


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "authorization"}


def _asked(sandbox: Sandbox, payload: Any) -> tuple[Query, str, dict[str, str]]:
    """The query, its text as it was signed, and the headers that come with it."""
    if not isinstance(payload, Mapping) or not isinstance(payload.get("data"), str):
        raise RequestRefused(400, "BadRequestException", "The payload has no data.")
    extensions = payload.get("extensions")
    authorization = extensions.get("authorization") if isinstance(extensions, Mapping) else None
    if not authorization:
        raise no_credentials(sandbox.limits)
    return read_query(payload["data"]), payload["data"], handshakes.lower(authorization)


def read_query(text: str | bytes) -> Query:
    """``{"query", "variables", "operationName"}``. Raises ``RequestRefused``."""
    try:
        value = json_text.loads(text)
    except ValueError as wrong:
        raise malformed("Request body is not a valid JSON.") from wrong
    if not isinstance(value, Mapping) or not isinstance(value.get("query"), str):
        raise malformed("Unable to parse GraphQL query.")
    variables = value.get("variables") or {}
    if not isinstance(variables, Mapping):
        raise malformed("The variables are no object.")
    return Query(value["query"], value.get("operationName") or None, dict(variables))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The one field of a subscription, with its arguments."""

    type_name: str
    node: FieldNode
    fragments: selections.Fragments
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.node.name.value


async def _resolved(
    engine: Engine, connection: Connection, id: str, request: Request, query: Query
) -> Subscription:
    chosen = _chosen(request, query)
    if not request.caller.may(request.api, request.schema, chosen.type_name, chosen.name):
        raise SubscribeError(_entry(not_authorized(chosen.type_name, chosen.name)))
    await _resolve(engine, request, chosen, query)
    made = Subscription(
        id,
        connection,
        request.api.id,
        chosen.name,
        chosen.arguments,
        query,
        request.caller,
        _shape(request, chosen, query),
        Line(engine.sandbox.anomalies, "appsync", f"{connection.id}/{id}"),
    )
    _extend(made, request)
    return made


def _chosen(request: Request, query: Query) -> _Chosen:
    """The field that a query subscribes to. Raises :class:`SubscribeError`."""
    found = execution.chosen(request, query)
    if isinstance(found, list):
        raise SubscribeError(*map(_short, found))
    document, operation = found
    nodes = list(selections.fields(operation.selection_set, document.fragments))
    if operation.operation is not OperationType.SUBSCRIPTION or len(nodes) != 1:
        text = "Only one field of a subscription can be started on a real-time connection."
        raise SubscribeError({"errorType": "UnsupportedOperation", "message": text})
    (node,) = nodes
    schema = request.schema.schema
    declared = operation.variable_definitions or ()
    variables = get_variable_values(schema, declared, dict(query.variables), hide_suggestions=True)
    if isinstance(variables, list):
        raise SubscribeError(*({"message": error.message} for error in variables))
    kind = schema.subscription_type
    assert kind is not None
    try:
        arguments = get_argument_values(kind.fields[node.name.value], node, variables, hide_suggestions=True)
    except GraphQLError as wrong:
        raise SubscribeError({"message": wrong.message}) from wrong
    given = execution.given_arguments(node, arguments, variables.coerced)
    return _Chosen(kind.name, node, document.fragments, given)


async def _resolve(engine: Engine, request: Request, chosen: _Chosen, query: Query) -> None:
    """Run the field's resolver, if it has one: it may refuse. Its value is not sent to anybody."""
    resolver = request.api.resolvers.get((chosen.type_name, chosen.name))
    if resolver is None:
        return
    node = chosen.node
    info = execution.info_of(chosen.type_name, [node], chosen.fragments, query.variables)
    path, places = [selections.key(node)], [execution.place_of(node)]
    call = FieldCall(chosen.type_name, chosen.name, chosen.arguments, None, info, path, places)
    try:
        await resolve(request, call, resolver, engine.handlers)
    except FieldError as failure:
        raise SubscribeError(_entry(failure)) from failure


def _shape(request: Request, chosen: _Chosen, query: Query) -> tuple[Any, ...]:
    """Equal for subscriptions that are sent the same text; variables count where directives may use them."""
    node = chosen.node
    return (
        selections.key(node),
        chosen.name,
        print_ast(node.selection_set) if node.selection_set else "",
        tuple(print_ast(fragment) for fragment in chosen.fragments.values()),
        json.dumps(query.variables, sort_keys=True) if "@" in query.text else "",
        request.caller.kind,
    )


def _extend(made: Subscription, request: Request) -> None:
    for extension in request.extensions:
        if extension.name == "setSubscriptionFilter":
            made.groups = filters.groups_of(extension.argument)
        elif extension.name == "setSubscriptionInvalidationFilter":
            made.invalidation = filters.groups_of(extension.argument)


def _entry(error: FieldError) -> dict[str, Any]:
    more = {"data": error.data, "errorInfo": error.info}
    given = {name: value for name, value in more.items() if value is not None}
    return {"errorType": error.type, "message": error.message, **given}


def _short(error: Entry) -> dict[str, Any]:
    return {name: error[name] for name in ("errorType", "message") if error.get(name) is not None}


async def delay(engine: Engine) -> None:
    """The time that a subscription takes to stand, when somebody asked for it."""
    seconds = engine.sandbox.anomalies.subscribe_delay("appsync")
    if seconds:
        await asyncio.sleep(seconds)
