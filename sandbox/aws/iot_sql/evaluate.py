"""What a statement says about a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws.iot_sql import nodes as n
from sandbox.aws.iot_sql.errors import SqlError
from sandbox.aws.iot_sql.functions import FUNCTIONS, UNDEFINED, Facts, number, text
from sandbox.aws.iot_sql.parse import Query, templates

__all__ = ["UNDEFINED", "Facts", "evaluate", "filled", "select"]

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def select(query: Query, facts: Facts) -> Any:
    """What the rule hands to its actions: a JSON value, the payload's bytes, or ``UNDEFINED`` when WHERE says no.

    Raises :class:`SqlError`.
    """
    if query.where is not None and evaluate(query.where, facts) is not True:
        return UNDEFINED
    if query.value:
        value = evaluate(query.select[0][0], facts)
        return None if value is UNDEFINED else value
    if query.select == ((n.Star(), None),):
        return facts.payload if facts.document is UNDEFINED else facts.document
    chosen: dict[str, Any] = {}
    for node, name in query.select:
        value = evaluate(node, facts)
        if name is None:
            if isinstance(value, Mapping):
                chosen.update(value)
        elif value is not UNDEFINED:
            _put(chosen, name, value)
    return chosen


def _put(into: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        inner = into.get(name)
        into[name] = into = dict(inner) if isinstance(inner, Mapping) else {}
    into[path[-1]] = value


def filled(text_: str, facts: Facts) -> str:
    """A text with its ``${expressions}`` replaced. Raises :class:`SqlError`, also for one that is undefined."""
    out = []
    for piece in templates(text_):
        if isinstance(piece, str):
            out.append(piece)
            continue
        value = evaluate(piece, facts)
        if value is UNDEFINED:
            raise SqlError(f"an expression in {text_!r} is undefined for this message")
        out.append(text(value))
    return "".join(out)


def evaluate(node: n.Node, facts: Facts) -> Any:
    """The value of an expression."""
    match node:
        case n.Literal(value):
            return value
        case n.Star():
            return facts.document
        case n.Name(name):
            return _member(facts.document, name)
        case n.Member(of, name):
            return _member(evaluate(of, facts), name)
        case n.Item(of, index):
            return FUNCTIONS["get"](facts, evaluate(of, facts), evaluate(index, facts))
        case n.Many(items):
            return [evaluate(one, facts) for one in items]
        case n.Written(members):
            found = {name: evaluate(one, facts) for name, one in members}
            return {name: value for name, value in found.items() if value is not UNDEFINED}
    return _combined(node, facts)


def _combined(node: n.Node, facts: Facts) -> Any:
    match node:
        case n.Call(function, arguments):
            return _call(function, [evaluate(one, facts) for one in arguments], facts)
        case n.Unary(operator, operand):
            return _unary(operator, evaluate(operand, facts))
        case n.Binary("and" | "or" as operator, left, right):
            first = evaluate(left, facts) is True
            if operator == "and":
                return first and evaluate(right, facts) is True
            return first or evaluate(right, facts) is True
        case n.Binary(operator, left, right):
            return _binary(operator, evaluate(left, facts), evaluate(right, facts))
        case n.Case(of, branches, otherwise):
            wanted = evaluate(of, facts)
            for when, then in branches:
                if _equal(wanted, evaluate(when, facts)) is True:
                    return evaluate(then, facts)
            return UNDEFINED if otherwise is None else evaluate(otherwise, facts)
    raise SqlError(f"no value: {node!r}")


def _member(of: Any, name: str) -> Any:
    return of.get(name, UNDEFINED) if isinstance(of, Mapping) else UNDEFINED


def _call(function: str, arguments: list[Any], facts: Facts) -> Any:
    known = ("isundefined", "encode")
    if function not in known and any(value is UNDEFINED for value in arguments):
        return UNDEFINED
    try:
        return FUNCTIONS[function](facts, *arguments)
    except TypeError as wrong:
        raise SqlError(f"{function}() with {len(arguments)} arguments: {wrong}") from wrong


def _unary(operator: str, value: Any) -> Any:
    if operator == "not":
        return (not value) if isinstance(value, bool) else UNDEFINED
    found = number(value)
    return UNDEFINED if found is None else -found


def _binary(operator: str, left: Any, right: Any) -> Any:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if operator == "=":
        return _equal(left, right)
    if operator == "<>":
        return not _equal(left, right)
    if operator == "in":
        return isinstance(right, list) and any(_equal(left, one) for one in right)
    if operator == "||" or (operator == "+" and not _both_numbers(left, right)):
        return text(left) + text(right)
    if operator in _ORDER and isinstance(left, str) and isinstance(right, str):
        return _ORDER[operator](left, right)
    return _arithmetic(operator, number(left), number(right))


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return UNDEFINED
    if operator in _ORDER:
        return _ORDER[operator](left, right)
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if right == 0:
        return UNDEFINED
    return left / right if operator == "/" else left % right


def _both_numbers(left: Any, right: Any) -> bool:
    return number(left) is not None and number(right) is not None


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
