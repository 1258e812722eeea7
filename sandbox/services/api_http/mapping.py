"""Parameter mapping: ``append:header.x``, ``overwrite:querystring.y``, ``remove:header.z``, ``overwrite:path``.

Source: API Gateway developer guide, "Transform API requests and responses for HTTP APIs"; the order when one name is
mapped twice is UNSOURCED (here: as given).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.services.api_http import values
from sandbox.services.api_http.call import Answer, Call, Pairs


def mapped(
    call: Call,
    mapping: Mapping[str, str],
    place: str,
    pairs: Iterable[tuple[str, str]],
    response: values.Response | None = None,
) -> Pairs:
    """Pairs after the operations on a place: ``header`` (any case) or ``querystring``."""
    result = list(pairs)
    for key, expression in mapping.items():
        operation, _, target = key.partition(":")
        where, _, name = target.partition(".")
        if where != place:
            continue
        if operation != "append":
            result = [(n, v) for n, v in result if not _same(place, n, name)]
        value = None if operation == "remove" else values.evaluate(call, expression, response)
        if value is not None:
            result.append((name, value))
    return result


def _same(place: str, one: str, other: str) -> bool:
    return one.lower() == other.lower() if place == "header" else one == other


def path(call: Call) -> str | None:
    """The path that a mapping sets."""
    expression = call.integration.request_parameters.get("overwrite:path")
    return None if expression is None else values.evaluate(call, expression)


def answer(call: Call, given: Answer) -> Answer:
    """An integration's answer after the mapping of its status."""
    mapping = call.integration.response_parameters.get(str(given.status))
    if not mapping:
        return given
    named = {name.lower(): value for name, value in given.headers}
    response = values.Response(headers=named, body=given.body)
    pairs = mapped(call, mapping, "header", given.headers, response)
    status = given.status
    if "overwrite:statuscode" in mapping:
        text = values.evaluate(call, mapping["overwrite:statuscode"], response) or ""
        status = int(text) if text.isdecimal() and 200 <= int(text) <= 599 else status
    return Answer(status, pairs, given.body)
