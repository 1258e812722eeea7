"""Which resources a value refers to, and decided ``Fn::If``s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.control.cloudformation.errors import Path_, ValidationError
from sandbox.control.cloudformation.template.intrinsics import FUNCTIONS, Scope, sub_names

# As CloudFormation lists them: github.com quotations of 2021 and later, and Eucalyptus, which repeats its words.
_TOLD = (
    "Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, "
    "Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, "
    "Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr"
)

Reference = tuple[str, str | None, Path_]  # name, attribute or None for Ref, where


def references(value: Any, path: Path_ = ()) -> Iterator[Reference]:
    """Every ``Ref``, ``Fn::GetAtt`` and ``Fn::Sub`` placeholder in a value."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, (*path, index))
    if not isinstance(value, dict):
        return
    if len(value) == 1:
        ((key, argument),) = value.items()
        yield from _of_function(key, argument, (*path, key))
    for key, item in value.items():
        if key != "Ref" and not (key == "Fn::GetAtt" and len(value) == 1):
            yield from references(item, (*path, key))


def _of_function(key: str, argument: Any, path: Path_) -> Iterator[Reference]:
    if key == "Ref" and isinstance(argument, str):
        yield argument, None, path
    elif key == "Fn::GetAtt":
        yield from _get_att(argument, path)
    elif key == "Fn::Sub":
        for name in sub_names(argument):
            resource, dot, attribute = name.partition(".")
            yield (resource, attribute, path) if dot and not name.startswith("AWS::") else (name, None, path)


def _get_att(argument: Any, path: Path_) -> Iterator[Reference]:
    if isinstance(argument, str):
        name, _, attribute = argument.partition(".")
        yield name, attribute, path
    elif isinstance(argument, list) and len(argument) >= 2 and isinstance(argument[0], str):
        parts = argument[1:]
        yield (
            argument[0],
            ".".join(str(p) for p in parts) if all(isinstance(p, str) for p in parts) else "",
            path,
        )
        yield from references(parts, path)
    else:
        raise ValidationError(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and "
            "the resource attribute",
            path,
        )


def decide(value: Any, scope: Scope) -> Any:
    """The value with each ``Fn::If`` replaced by its branch; ``AWS::NoValue`` stays for later."""
    if isinstance(value, list):
        return [decide(item, scope) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and "Fn::If" in value:
        argument = value["Fn::If"]
        if not isinstance(argument, list) or len(argument) != 3:
            raise ValidationError("Template error: Fn::If requires a list argument with three elements")
        return decide(argument[1 if scope.condition(argument[0]) else 2], scope)
    return {key: decide(item, scope) for key, item in value.items()}


def check_functions(value: Any, path: Path_) -> None:
    """Refuse ``Fn::`` names that do not exist."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_functions(item, (*path, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str) and key.startswith("Fn::") and key not in FUNCTIONS:
                raise ValidationError(
                    f"Template Error: Encountered unsupported function: {key} Supported functions are: [{_TOLD}]",
                    (*path, key),
                )
            check_functions(item, (*path, key))
