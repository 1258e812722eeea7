"""AppSync's own scalars: what they take and how they are written.

Source: AppSync developer guide, "GraphQL scalar types in AWS AppSync".
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from datetime import date, time
from typing import Any

from graphql import GraphQLError, GraphQLScalarType, value_from_ast_untyped
from graphql.language import ConstValueNode

from sandbox.aws import json_text

_ZONE = r"(?:Z|[+-]\d\d:\d\d(?::\d\d)?)"
_DATE = re.compile(rf"(\d{{4}}-\d\d-\d\d){_ZONE}?")
_TIME = re.compile(rf"(\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?){_ZONE}?")
_DATETIME = re.compile(rf"(\d{{4}}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?){_ZONE}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@[^@\s]+")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+")
_PHONE = re.compile(r"\+?[0-9][0-9 -]{1,30}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _date(value: Any) -> str:
    found = _DATE.fullmatch(_text(value))
    if found is None:
        raise ValueError(f"{value!r} is no date")
    date.fromisoformat(found[1])
    return str(value)


def _time(value: Any) -> str:
    found = _TIME.fullmatch(_text(value))
    if found is None:
        raise ValueError(f"{value!r} is no time")
    time.fromisoformat(found[1][:8])
    return str(value)


def _datetime(value: Any) -> str:
    found = _DATETIME.fullmatch(_text(value))
    if found is None:
        raise ValueError(f"{value!r} is no instant with a zone")
    date.fromisoformat(found[1])
    time.fromisoformat(found[2][:8])
    return str(value)


def _timestamp(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is no number of seconds")
    return int(value)


def _pattern(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if pattern.fullmatch(_text(value)) is None:
            raise ValueError(f"{value!r} has another form")
        return str(value)

    return check


def _address(value: Any) -> str:
    ipaddress.ip_interface(_text(value))
    return str(value)


def _parse_json(value: Any) -> Any:
    return json_text.loads(_text(value))


def _write_json(value: Any) -> str:
    """A text counts as JSON that was written before (it is not checked); other values are written now."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# name -> (of the input, of the output)
_CHECKS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "AWSDate": (_date, _date),
    "AWSTime": (_time, _time),
    "AWSDateTime": (_datetime, _datetime),
    "AWSTimestamp": (_timestamp, _timestamp),
    "AWSEmail": (_pattern(_EMAIL), _pattern(_EMAIL)),
    "AWSJSON": (_text, _write_json),
    "AWSURL": (_pattern(_URL), _pattern(_URL)),
    "AWSPhone": (_pattern(_PHONE), _pattern(_PHONE)),
    "AWSIPAddress": (_address, _address),
}


def equip(scalar: GraphQLScalarType) -> None:
    """Give one of AppSync's scalars its behaviour; others stay as they are."""
    checks = _CHECKS.get(scalar.name)
    if checks is None:
        return
    read, write = checks

    def coerce_input(value: Any) -> Any:
        try:
            checked = read(value)
            return _parse_json(checked) if scalar.name == "AWSJSON" else checked
        except ValueError as wrong:
            raise GraphQLError(f"Unable to parse `{value}` as a valid {scalar.name}") from wrong

    def coerce_literal(node: ConstValueNode) -> Any:
        return coerce_input(value_from_ast_untyped(node))

    def coerce_output(value: Any) -> Any:
        try:
            return write(value)
        except ValueError as wrong:
            raise GraphQLError(f"Unable to serialize `{value}` as a valid {scalar.name}") from wrong

    scalar.coerce_input_value = coerce_input
    scalar.coerce_input_literal = coerce_literal
    scalar.coerce_output_value = coerce_output
