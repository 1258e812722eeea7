"""The mapping template language: Velocity by the airspeed library, with values that behave as Java's.

airspeed writes Python's ``True`` and knows few of Java's methods, so every reference and every ``#set`` of a compiled
template gives its value through :func:`~sandbox.aws.vtl.values.wrap`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sandbox.aws.vtl.values import wrap


class TemplateFault(Exception):  # noqa: N818 - what is wrong with a template, in words
    """A template that cannot be read or carried out."""


_HASH = "vtl_hash"


class _Wrapped:
    """An expression whose value is one for templates."""

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    def calculate(self, *arguments: Any) -> Any:
        return wrap(self._expression.calculate(*arguments))


class _WithNull:
    """A mathematical operator that null meets: Velocity logs that and goes on.

    Source: Velocity's ``ASTMathNode`` (the result is null) and ``ASTGTNode`` and the like (it is false).
    """

    _COMPARING = (operator.gt, operator.ge, operator.lt, operator.le)
    KNOWN = (*_COMPARING, operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod)

    def __init__(self, apply: Any) -> None:
        self._apply = apply

    def __call__(self, left: Any, right: Any) -> Any:
        if left is None or right is None:
            return False if self._apply in self._COMPARING else None
        return self._apply(left, right)


class _IndexOfNull:
    """``$list[0]`` where there is no list: null, as ``$list.get(0)`` is."""

    def __init__(self, calculate: Any) -> None:
        self._calculate = calculate

    def __call__(self, value: Any, *arguments: Any) -> Any:
        return None if value is None else self._calculate(value, *arguments)


def _readable(text: str) -> str:
    """A template in the library's dialect.

    Java's loop has methods, the library's has their values. A ``#`` before a reference (``"#$entry.key"``) is a text
    that the library takes together with the reference.
    """
    text = re.sub(r"\bforeach\.(hasNext|index|count)\(\)", r"foreach.\1", text)
    return re.sub(r"(?<!#)#(?=\$)", "${%s}" % _HASH, text)  # noqa: UP031 - braces


@lru_cache(maxsize=512)
def _compiled(text: str) -> Any:
    import airspeed

    template = airspeed.Template(_readable(text))
    template.ensure_compiled()
    for element in list(_elements(template.root_element, airspeed._Element)):  # all, before any is changed
        if isinstance(element, airspeed.SetDirective):
            element.value = _Wrapped(element.value)
        elif isinstance(element, airspeed.FormalReference) and element.expression is not None:
            element.expression = _Wrapped(element.expression)
            element.calculate = element.expression.calculate
        elif isinstance(element, airspeed.BinaryOperator) and element.apply_to in _WithNull.KNOWN:
            element.apply_to = _WithNull(element.apply_to)
        elif isinstance(element, airspeed.SubExpression) and isinstance(
            element.expression, airspeed.ArrayIndex
        ):
            element.calculate = _IndexOfNull(element.calculate)
    return template


def _elements(element: Any, kind: type, seen: set[int] | None = None) -> Iterator[Any]:
    """An element of a parsed template and all within it; some are only kept as the owner of a bound method."""
    seen = set() if seen is None else seen
    if id(element) in seen:
        return
    seen.add(id(element))
    yield element
    for value in list(vars(element).values()):
        for inner in _members(value):
            owner = getattr(inner, "__self__", inner)
            if isinstance(owner, kind):
                yield from _elements(owner, kind, seen)


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else [value]


def render(text: str, names: Mapping[str, Any]) -> str:
    """A template's text with ``$name`` for each of the names. Raises :class:`TemplateFault`."""
    import airspeed

    try:
        return str(_compiled(text).merge({**names, _HASH: "#"}))
    except airspeed.TemplateError as fault:
        cause = fault.__cause__
        raise TemplateFault(f"{fault}" if cause is None else f"{fault} ({cause})") from fault
    except RecursionError as fault:
        raise TemplateFault("the template is nested too deeply") from fault
