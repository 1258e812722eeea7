"""GetTemplate, GetTemplateSummary, ValidateTemplate."""

from __future__ import annotations

import json
from typing import Any

from sandbox.control.cloudformation.api.app import operation
from sandbox.control.cloudformation.api.change_sets import find
from sandbox.control.cloudformation.api.inputs import needed_capabilities, template_body
from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.stack import Stack
from sandbox.control.cloudformation.errors import ValidationError
from sandbox.control.cloudformation.template.build import check_shape, check_types
from sandbox.control.cloudformation.template.intrinsics import text
from sandbox.control.cloudformation.template.reader import read
from sandbox.control.cloudformation.template.transform import declared_transforms
from sandbox.control.cloudformation.types import TYPES


@operation
async def get_template(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    if params.get("ChangeSetName"):
        template = find(engine, params).template
    else:
        template = engine.get(params["StackName"]).template
    if template is None:  # a stack in review; the CDK asks for it, and takes an empty text for "none"
        return {"TemplateBody": "", "StagesAvailable": ["Original", "Processed"]}
    processed = params.get("TemplateStage") == "Processed" and template.transforms
    body = json.dumps(template.processed, indent=2) if processed else template.original
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


def _parameters(source: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ParameterKey": name,
            "DefaultValue": text(declared["Default"]) if "Default" in declared else None,
            "NoEcho": text(declared.get("NoEcho", False)).lower() == "true",
            "Description": declared.get("Description"),
            "ParameterType": declared.get("Type"),
            "ParameterConstraints": {"AllowedValues": [text(v) for v in declared["AllowedValues"]]}
            if "AllowedValues" in declared
            else {},
        }
        for name, declared in (source.get("Parameters") or {}).items()
    ]


@operation
async def validate_template(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    source = read(await template_body(engine, params)).value
    summary = await _summary(engine, source)
    return {
        "Parameters": [
            {k: p[k] for k in ("ParameterKey", "DefaultValue", "NoEcho", "Description")}
            for p in _parameters(source)
        ],
        "Description": source.get("Description"),
        **{k: summary[k] for k in ("Capabilities", "CapabilitiesReason", "DeclaredTransforms")},
    }


@operation
async def get_template_summary(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack: Stack | None = engine.get(params["StackName"]) if params.get("StackName") else None
    if stack is not None:
        if stack.template is None:
            raise ValidationError(f"Template for {stack.name} does not exist")  # the text is UNSOURCED
        body = stack.template.original
    else:
        body = await template_body(engine, params)
    source = read(body).value
    metadata = source.get("Metadata")
    return {
        "Parameters": _parameters(source), "Description": source.get("Description"),
        "ResourceTypes": list(dict.fromkeys(r["Type"] for r in source["Resources"].values())),
        "Version": str(source.get("AWSTemplateFormatVersion", "2010-09-09")),
        "Metadata": json.dumps(metadata) if metadata else None,
        "ResourceIdentifierSummaries": [],
        **await _summary(engine, source),
    }  # fmt: skip


async def _summary(engine: Engine, source: dict[str, Any]) -> dict[str, Any]:
    """Capabilities and transforms. With transforms, only AUTO_EXPAND can be told without parameter values."""
    check_shape(source)
    transforms = declared_transforms(source)
    if not transforms:
        check_types(source["Resources"], TYPES)
    capabilities = ["CAPABILITY_AUTO_EXPAND"] if transforms else []
    reason = None
    if not transforms:
        capabilities, types = needed_capabilities(source["Resources"].values())
        reason = f"The following resource(s) require capabilities: [{', '.join(types)}]" if types else None
    return {
        "Capabilities": capabilities, "CapabilitiesReason": reason, "DeclaredTransforms": list(transforms),
    }  # fmt: skip
