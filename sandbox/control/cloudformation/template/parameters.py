"""A template's parameters: defaults, checks, and values that live in the Parameter Store.

Source: AWS CloudFormation User Guide, "Parameters" (types, constraints and the texts of refusals).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.errors import ValidationError
from sandbox.control.cloudformation.template.intrinsics import text
from sandbox.control.cloudformation.template.model import ParameterValue

GetSsm = Callable[[str], Awaitable[str]]
_SSM = "AWS::SSM::Parameter::Value<"
_SCALAR = re.compile(
    r"String|Number|CommaDelimitedList|List<Number>|List<String>|(List<)?AWS::[A-Za-z0-9:]+>?$"
)


async def resolve_parameters(
    declared: Mapping[str, Any],
    given: Mapping[str, str],
    get_ssm: GetSsm,
    previous: Mapping[str, ParameterValue] | None = None,
) -> dict[str, ParameterValue]:
    """The value of each declared parameter.

    ``previous``: values of the stack, for parameters that the caller wants to keep (``UsePreviousValue``), which
    it leaves out of ``given``. Raises :class:`ValidationError`.
    """
    if unknown := [name for name in given if name not in declared]:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values: dict[str, ParameterValue] = {}
    missing: list[str] = []
    for name, declaration in declared.items():
        path = ("Parameters", name)
        _check_declaration(name, declaration)
        if name in given:
            raw = given[name]
        elif previous and name in previous:
            raw = previous[name].given
        elif "Default" in declaration:
            raw = text(declaration["Default"])
        else:
            missing.append(name)
            continue
        values[name] = await _value(name, declaration, raw, get_ssm, path)
    if missing:
        raise ValidationError(
            f"Parameters: [{', '.join(missing)}] must have values", ("Parameters", missing[0])
        )
    return values


def _check_declaration(name: str, declaration: Any) -> None:
    path = ("Parameters", name)
    if not isinstance(declaration, dict) or "Type" not in declaration:
        raise ValidationError(
            "Template format error: Every Parameters object must contain a Type member.", path
        )
    type_ = str(declaration["Type"])
    inner = type_.removeprefix(_SSM).removesuffix(">") if type_.startswith(_SSM) else type_
    if type_ != "AWS::SSM::Parameter::Name" and not _SCALAR.match(inner):
        raise ValidationError(f"Template format error: Unrecognized parameter type: {type_}", path)


async def _value(
    name: str, declaration: Mapping[str, Any], raw: str, get_ssm: GetSsm, path: tuple[str, str]
) -> ParameterValue:
    type_ = str(declaration["Type"])
    hidden = text(declaration.get("NoEcho", False)).lower() == "true"
    held: str | None = None
    if type_.startswith(_SSM):
        type_ = type_.removeprefix(_SSM).removesuffix(">")
        held = await _from_store(raw, get_ssm, path)
    effective = raw if held is None else held
    is_list = type_ == "CommaDelimitedList" or type_.startswith("List<")
    value: str | list[str] = [item.strip() for item in effective.split(",")] if is_list else effective
    if is_list and not effective:
        value = []
    # Of a parameter of the store the name is judged, not its value (seen in live tests, cfncompat).
    for item in [raw] if held is not None else value if isinstance(value, list) else [value]:
        _check(name, declaration, type_, item, path)
    return ParameterValue(name, value, raw, hidden, held)


async def _from_store(key: str, get_ssm: GetSsm, path: tuple[str, str]) -> str:
    try:
        return await get_ssm(key)
    except AwsError as e:
        if e.code != "ParameterNotFound":
            raise
        raise ValidationError(
            f"Unable to fetch parameters [{key}] from parameter store for this account.", path
        ) from e


def _check(name: str, declaration: Mapping[str, Any], type_: str, item: str, path: tuple[str, str]) -> None:
    explained = declaration.get("ConstraintDescription")

    def refuse(why: str) -> None:
        told = explained if explained else why
        raise ValidationError(
            f"Parameter '{name}' {told}"
            if not explained
            else f"Parameter {name} failed to satisfy constraint: {told}",
            path,
        )

    allowed = declaration.get("AllowedValues")
    if allowed is not None and item not in [text(value) for value in allowed]:
        refuse("must be one of AllowedValues")
    if "AllowedPattern" in declaration and not re.fullmatch(str(declaration["AllowedPattern"]), item):
        refuse(f"must match pattern {declaration['AllowedPattern']}")
    if type_ in ("Number", "List<Number>"):
        _check_number(declaration, item, refuse)
    elif type_ == "String":
        if len(item) < int(declaration.get("MinLength", 0)):
            refuse(f"must contain at least {declaration['MinLength']} characters")
        if len(item) > int(declaration.get("MaxLength", len(item))):
            refuse(f"must contain at most {declaration['MaxLength']} characters")


def _check_number(declaration: Mapping[str, Any], item: str, refuse: Callable[[str], None]) -> None:
    try:
        number = float(item)
    except ValueError:
        refuse("must be a number.")
        return
    if number < float(declaration.get("MinValue", number)):
        refuse(f"must be a number not less than {text(declaration['MinValue'])}")
    if number > float(declaration.get("MaxValue", number)):
        refuse(f"must be a number not greater than {text(declaration['MaxValue'])}")
