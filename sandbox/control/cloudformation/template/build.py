"""From a document and parameter values to a :class:`Template`: transforms, conditions, checks."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from sandbox.control.cloudformation.errors import Path_, UnknownTypesError, ValidationError
from sandbox.control.cloudformation.template.intrinsics import Scope
from sandbox.control.cloudformation.template.model import OutputSpec, ParameterValue, ResourceSpec, Template
from sandbox.control.cloudformation.template.parameters import GetSsm, resolve_parameters
from sandbox.control.cloudformation.template.reader import Document
from sandbox.control.cloudformation.template.references import check_functions, decide, references
from sandbox.control.cloudformation.template.rules import check_rules
from sandbox.control.cloudformation.template.transform import (
    LANGUAGE_EXTENSIONS,
    apply_transforms,
    declared_transforms,
)

_SECTIONS = {
    "AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks", "Mappings", "Metadata", "Outputs",
    "Parameters", "Resources", "Rules", "Transform",
}  # fmt: skip
_RESOURCE_KEYS = {
    "Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type", "UpdatePolicy",
    "UpdateReplacePolicy", "Connectors", "IgnoreGlobals",
}  # fmt: skip
_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}


def check_shape(template: Mapping[str, Any]) -> None:
    """What AWS refuses before it looks at parameters."""
    for section in template:
        if section not in _SECTIONS:
            raise ValidationError(f"Invalid template property or properties [{section}]", (section,))
    version = template.get("AWSTemplateFormatVersion", "2010-09-09")
    if str(version) != "2010-09-09":
        raise ValidationError(
            "Template format error: unsupported value for AWSTemplateFormatVersion.",
            ("AWSTemplateFormatVersion",),
        )
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise ValidationError("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        _check_resource(name, resource)


def _check_resource(name: str, resource: Any) -> None:
    path = ("Resources", name)
    if not isinstance(resource, dict):
        # The text is UNSOURCED.
        raise ValidationError("Template format error: Any Resources member must be an object.", path)
    if not name.isalnum() and not name.startswith("Fn::ForEach"):
        raise ValidationError(f"Template format error: Resource name {name} is non alphanumeric.", path)
    if "Type" not in resource:
        raise ValidationError(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member.",
            path,
        )
    for key in resource:
        if key not in _RESOURCE_KEYS:
            raise ValidationError(f"Invalid template resource property '{key}'", (*path, key))


async def build(
    document: Document,
    given: Mapping[str, str],
    *,
    known_types: Container[str],
    pseudo: Mapping[str, Any],
    get_ssm: GetSsm,
    previous: Mapping[str, ParameterValue] | None = None,
) -> Template:
    """Make a :class:`Template`. ``pseudo``: values of ``AWS::Region`` and the like.

    Raises :class:`ValidationError` for whatever AWS refuses when the template arrives.
    """
    source = document.value
    check_shape(source)
    transforms = declared_transforms(source)
    parameters = await resolve_parameters(source.get("Parameters") or {}, given, get_ssm, previous)
    values = {name: parameter.value for name, parameter in parameters.items()}
    processed = await apply_transforms(
        source,
        {n: ",".join(v) if isinstance(v, list) else v for n, v in values.items()},
        str(pseudo["AWS::Region"]),
        str(pseudo["AWS::AccountId"]),
    )
    if transforms:
        check_shape(processed)
    check_types(processed["Resources"], known_types)
    scope = Scope(
        {**pseudo, **values},
        processed.get("Mappings") or {},
        processed.get("Conditions") or {},
        language_extensions=LANGUAGE_EXTENSIONS in transforms,
    )
    check_rules(processed.get("Rules") or {}, scope)
    conditions = {name: scope.condition(name) for name in scope.conditions}
    scope.conditions = conditions
    resources = {
        name: _resource(name, body, scope)
        for name, body in processed["Resources"].items()
        if "Condition" not in body or _holds(body["Condition"], conditions, ("Resources", name))
    }
    outputs = {
        name: _output(name, body, scope)
        for name, body in (processed.get("Outputs") or {}).items()
        if "Condition" not in body or _holds(body["Condition"], conditions, ("Outputs", name))
    }
    _check_references(resources, outputs, scope.values, processed["Resources"])
    return Template(
        document.text,
        processed,
        parameters,
        resources,
        outputs,
        scope.mappings,
        conditions,
        processed.get("Description"),
        transforms,
    )


def check_types(resources: Mapping[str, Any], known: Container[str]) -> None:
    """Refuse resource types that the sandbox does not have, naming them."""
    unknown = [(name, body["Type"]) for name, body in resources.items() if not _is_known(body["Type"], known)]
    if unknown:
        types = ", ".join(dict.fromkeys(type_ for _, type_ in unknown))
        raise UnknownTypesError(
            f"Template format error: Unrecognized resource types: [{types}]",
            ("Resources", unknown[0][0], "Type"),
        )


def _is_known(type_: str, known: Container[str]) -> bool:
    return type_ in known or type_.startswith("Custom::")


def _holds(name: Any, conditions: Mapping[str, bool], path: tuple[str, str]) -> bool:
    if name not in conditions:
        # The text is UNSOURCED.
        raise ValidationError(
            f"Template format error: Unresolved condition {name} in {path[0]} block of the template",
            (*path, "Condition"),
        )
    return conditions[name]


def _resource(name: str, body: Mapping[str, Any], scope: Scope) -> ResourceSpec:
    path = ("Resources", name)
    properties = body.get("Properties") or {}
    if not isinstance(properties, dict):
        # The text is UNSOURCED.
        raise ValidationError(
            f"Template error: Properties of {name} must be an object", (*path, "Properties")
        )
    check_functions(properties, (*path, "Properties"))
    depends = body.get("DependsOn") or []
    deletion = _policy(body, "DeletionPolicy", "Delete", path)
    return ResourceSpec(
        name,
        body["Type"],
        _decided(properties, scope, (*path, "Properties")),
        tuple([depends] if isinstance(depends, str) else depends),
        deletion,
        _policy(body, "UpdateReplacePolicy", "Delete", path),
        body.get("Metadata") or {},
    )


def _decided(value: Any, scope: Scope, path: Path_) -> Any:
    try:
        return decide(value, scope)
    except ValidationError as e:
        raise ValidationError(e.message, e.path or path) from e


def _policy(body: Mapping[str, Any], key: str, default: str, path: tuple[str, str]) -> Any:
    value = body.get(key, default)
    if value not in _POLICIES:
        raise ValidationError(
            f"Template format error: Unrecognized {key} {value} for resource {path[1]}", (*path, key)
        )
    return value


def _output(name: str, body: Any, scope: Scope) -> OutputSpec:
    path = ("Outputs", name)
    if not isinstance(body, dict) or "Value" not in body:
        raise ValidationError("Template format error: Every Outputs member must contain a Value object", path)
    check_functions(body, path)
    export = decide(body["Export"], scope).get("Name") if "Export" in body else None
    return OutputSpec(name, _decided(body["Value"], scope, (*path, "Value")), body.get("Description"), export)


def _check_references(
    resources: Mapping[str, ResourceSpec],
    outputs: Mapping[str, OutputSpec],
    values: Mapping[str, Any],
    all_resources: Mapping[str, Any],
) -> None:
    unresolved: dict[str, tuple[str | int, ...]] = {}
    for name, spec in resources.items():
        for target in spec.depends_on:
            if target not in all_resources:
                unresolved.setdefault(target, ("Resources", name, "DependsOn"))
        _collect(spec.properties, ("Resources", name, "Properties"), resources, values, unresolved)
    if unresolved:
        raise ValidationError(
            f"Template format error: Unresolved resource dependencies [{', '.join(unresolved)}] in the Resources "
            "block of the template",
            next(iter(unresolved.values())),
        )
    for name, output in outputs.items():
        _collect([output.value, output.export], ("Outputs", name, "Value"), resources, values, unresolved)
    if unresolved:
        raise ValidationError(
            f"Template format error: Unresolved resource dependencies [{', '.join(unresolved)}] in the Outputs "
            "block of the template",
            next(iter(unresolved.values())),
        )


def _collect(
    value: Any,
    path: tuple[str | int, ...],
    resources: Mapping[str, ResourceSpec],
    values: Mapping[str, Any],
    unresolved: dict[str, tuple[str | int, ...]],
) -> None:
    for name, attribute, where in references(value, path):
        if attribute is not None and name not in resources:
            raise ValidationError(
                f"Template error: instance of Fn::GetAtt references undefined resource {name}", where
            )
        if attribute is None and name not in resources and name not in values and name != "AWS::NoValue":
            unresolved.setdefault(name, where)
