"""Intrinsic functions: from a template's value to the value that they stand for.

Source: AWS CloudFormation Template Reference, "Intrinsic functions".
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.control.cloudformation.errors import ValidationError


class _NoValue:
    """``AWS::NoValue``: the property, or the list's item, is left out."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE = _NoValue()
_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


@dataclass
class Scope:
    """What names mean. ``ref`` and ``attribute`` are asked for resources; they may raise."""

    values: Mapping[str, Any]  # parameters and pseudo parameters
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)  # name -> bool, or the condition itself
    ref: Callable[[str], Any] | None = None
    attribute: Callable[[str, str], Any] | None = None
    exports: Mapping[str, str] | None = None
    language_extensions: bool = False
    _deciding: list[str] = field(default_factory=list)

    def condition(self, name: str) -> bool:
        """Whether a named condition holds."""
        if name not in self.conditions:
            # The text is UNSOURCED.
            raise ValidationError(
                f"Template validation error: Unresolved condition dependency {name} in the Conditions block"
            )
        found = self.conditions[name]
        if isinstance(found, bool):
            return found
        if name in self._deciding:
            # The text is UNSOURCED.
            raise ValidationError(f"Template error: circular dependency between conditions [{name}]")
        self._deciding.append(name)
        try:
            return truth(found, self)
        finally:
            self._deciding.pop()


def is_function(value: Any) -> bool:
    """Whether a value is an intrinsic function: a map with one key, ``Ref``, ``Condition`` or ``Fn::...``."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    key = next(iter(value))
    return key == "Ref" or (isinstance(key, str) and key in FUNCTIONS)


def resolve(value: Any, scope: Scope) -> Any:
    """The value with all functions resolved. Raises :class:`ValidationError`."""
    if isinstance(value, dict):
        if is_function(value):
            ((name, argument),) = value.items()
            try:
                return FUNCTIONS[name](argument, scope)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
                given = json.dumps(argument, default=str)
                # The text is UNSOURCED.
                raise ValidationError(f"Template error: {name} cannot be made of {given}: {e}") from e
        found = ((key, resolve(item, scope)) for key, item in value.items())
        return {key: item for key, item in found if item is not NO_VALUE}
    if isinstance(value, list):
        return [item for item in (resolve(item, scope) for item in value) if item is not NO_VALUE]
    return value


def text(value: Any) -> str:
    """A scalar as CloudFormation writes it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ",".join(text(item) for item in value)
    return str(value)


def truth(condition: Any, scope: Scope) -> bool:
    """Decide a condition function."""
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, dict) and len(condition) == 1:
        ((name, argument),) = condition.items()
        if name == "Condition":
            return scope.condition(argument)
        if name in _CONDITIONS:
            return _CONDITIONS[name](argument, scope)
    raise ValidationError(  # the text is UNSOURCED: only other emulators were seen to say so
        "Template format error: Conditions can only be boolean operations on parameters and other conditions"
    )


def _ref(name: Any, scope: Scope) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in scope.values:
        return scope.values[name]
    if scope.ref is None:
        raise ValidationError(
            f"Template error: {{'Ref': '{name}'}} cannot be used here"
        )  # the text is UNSOURCED
    return scope.ref(name)


def _get_att(argument: Any, scope: Scope) -> Any:
    if isinstance(argument, str):
        resource, _, attribute = argument.partition(".")
    else:
        resource, attribute = argument[0], ".".join(text(resolve(part, scope)) for part in argument[1:])
    if scope.attribute is None:
        raise ValidationError("Template error: Fn::GetAtt cannot be used here")  # the text is UNSOURCED
    return scope.attribute(resource, attribute)


def _sub(argument: Any, scope: Scope) -> str:
    if isinstance(argument, list):
        if len(argument) != 2 or not isinstance(argument[0], str) or not isinstance(argument[1], dict):
            raise ValidationError(
                "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. "
                "Specify a string as first argument, and an optional second argument to specify a mapping of "
                "values to replace in the string"
            )
        pattern, own = argument[0], resolve(argument[1], scope)
    else:
        pattern, own = argument, {}

    def replace(match: re.Match[str]) -> str:
        literal, name = match[1], match[2].strip()
        if literal:
            return f"${{{match[2]}}}"
        if name in own:
            return text(own[name])
        return text(_get_att(name, scope) if "." in name and name not in scope.values else _ref(name, scope))

    return _PLACEHOLDER.sub(replace, pattern)


def sub_names(argument: Any) -> list[str]:
    """The names that a ``Fn::Sub`` takes from the template."""
    own = argument[1] if isinstance(argument, list) and len(argument) > 1 else {}
    pattern = argument[0] if isinstance(argument, list) and argument else argument
    found = _PLACEHOLDER.findall(pattern) if isinstance(pattern, str) else []
    return [name.strip() for literal, name in found if not literal and name.strip() not in own]


def _join(argument: Any, scope: Scope) -> str:
    if not isinstance(argument, list) or len(argument) != 2:
        raise ValidationError(
            "Template error: every Fn::Join object requires two parameters, (1) a string "
            "delimiter and (2) a list of strings to be joined or a function that returns a "
            "list of strings (such as Fn::GetAZs) to be joined."
        )
    items = resolve(argument[1], scope)
    if not isinstance(items, list):
        items = [items]
    return text(resolve(argument[0], scope)).join(text(item) for item in items)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = (resolve(part, scope) for part in argument)
    if not isinstance(items, list):
        raise ValidationError(
            "Template error: Fn::Select requires a list argument with two elements: an integer "
            "index and a list"
        )
    if not 0 <= int(index) < len(items):
        raise ValidationError(f"Template error: Fn::Select  cannot select nonexistent value at index {index}")
    return items[int(index)]


def _split(argument: Any, scope: Scope) -> list[str]:
    separator, whole = (text(resolve(part, scope)) for part in argument)
    return whole.split(separator)


def _if(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3:
        raise ValidationError("Template error: Fn::If requires a list argument with three elements")
    name, yes, no = argument
    return resolve(yes if scope.condition(name) else no, scope)


def _find_in_map(argument: Any, scope: Scope) -> Any:
    name, first, second = argument[:3]
    rest = argument[3:]
    keys = [text(resolve(part, scope)) for part in (name, first, second)]
    found: Any = scope.mappings
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            if rest and isinstance(rest[0], dict) and "DefaultValue" in rest[0] and scope.language_extensions:
                return resolve(rest[0]["DefaultValue"], scope)
            raise ValidationError(
                f"Template error: Unable to get mapping for {keys[0]}::{keys[1]}::{keys[2]}"
            )
        found = found[key]
    return found


def _import_value(argument: Any, scope: Scope) -> str:
    name = text(resolve(argument, scope))
    if scope.exports is None or name not in scope.exports:
        raise ValidationError(f"No export named {name} found.")
    return scope.exports[name]


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(text(resolve(argument, scope)).encode()).decode()


def _get_azs(argument: Any, scope: Scope) -> list[str]:
    region = resolve(argument, scope) or scope.values["AWS::Region"]
    return [f"{region}{letter}" for letter in "abc"]


def _cidr(argument: Any, scope: Scope) -> list[str]:
    block, count, *bits = (resolve(part, scope) for part in argument)
    network = ipaddress.ip_network(block)
    size = int(bits[0]) if bits else 8
    subnets = network.subnets(new_prefix=network.max_prefixlen - size)
    result = [str(subnet) for _, subnet in zip(range(int(count)), subnets, strict=False)]
    if len(result) < int(count):
        # The text is UNSOURCED.
        raise ValidationError("Template error: Fn::Cidr cannot make so many blocks of that size")
    return result


def _extension(name: str, argument: Any, scope: Scope) -> Any:
    if not scope.language_extensions:
        raise ValidationError(
            f"Template error: Fn::{name} needs the transform AWS::LanguageExtensions in the template"
        )  # the text is UNSOURCED
    return resolve(argument, scope)


def _length(argument: Any, scope: Scope) -> int:
    return len(_extension("Length", argument, scope))


def _to_json(argument: Any, scope: Scope) -> str:
    return json.dumps(_extension("ToJsonString", argument, scope), separators=(",", ":"))


def _not_here(argument: Any, scope: Scope) -> Any:
    raise ValidationError("Template error: Fn::Transform and Fn::ForEach are not supported by the sandbox")


def _equals(argument: Any, scope: Scope) -> bool:
    if not isinstance(argument, list) or len(argument) != 2:
        raise ValidationError(
            "Template error: every Fn::Equals object requires a list of 2 string parameters."
        )
    left, right = (resolve(part, scope) for part in argument)
    return text(left) == text(right) if not isinstance(left, dict | list) else bool(left == right)


def _several(name: str, argument: Any, scope: Scope) -> list[bool]:
    if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
        raise ValidationError(  # of Fn::And; that Fn::Or says the same is UNSOURCED
            f"Template error: every Fn::{name} object requires a list of at least 2 and at most 10 boolean "
            "parameters."
        )
    return [truth(part, scope) for part in argument]


def _not(argument: Any, scope: Scope) -> bool:
    if not isinstance(argument, list) or len(argument) != 1:
        raise ValidationError(  # the text is UNSOURCED: only other emulators were seen to say so
            "Template error: every Fn::Not object requires a list with exactly 1 boolean parameter."
        )
    return not truth(argument[0], scope)


_CONDITIONS: dict[str, Callable[[Any, Scope], bool]] = {
    "Fn::And": lambda argument, scope: all(_several("And", argument, scope)),
    "Fn::Or": lambda argument, scope: any(_several("Or", argument, scope)),
    "Fn::Not": _not,
    "Fn::Equals": _equals,
}

FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import_value,
    "Fn::Base64": _base64,
    "Fn::GetAZs": _get_azs,
    "Fn::Cidr": _cidr,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    "Fn::Transform": _not_here,
    "Fn::ForEach": _not_here,
    **_CONDITIONS,
}
