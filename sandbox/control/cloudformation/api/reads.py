"""Reading stacks, events, resources, exports."""

from __future__ import annotations

import json
from typing import Any

from sandbox.control.cloudformation.api.app import operation
from sandbox.control.cloudformation.api.paging import page
from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.stack import Stack, StackResource
from sandbox.control.cloudformation.errors import ValidationError


@operation
async def describe_stacks(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stacks = [engine.get(params["StackName"])] if params.get("StackName") else list(engine.living())[::-1]
    return page("Stacks", [_stack(stack) for stack in stacks], params)


def _stack(stack: Stack) -> dict[str, Any]:
    options = stack.options
    parameters = stack.template.parameters.values() if stack.template else ()
    return {
        "StackId": stack.id, "StackName": stack.name, "ChangeSetId": stack.change_set_id,
        "Description": stack.template.description if stack.template else None,
        "Parameters": [
            {"ParameterKey": p.name, "ParameterValue": p.shown}
            | ({"ResolvedValue": p.resolved} if p.resolved is not None else {})
            for p in parameters
        ],
        "CreationTime": stack.created, "LastUpdatedTime": stack.updated, "DeletionTime": stack.deleted,
        "RollbackConfiguration": {}, "StackStatus": stack.status, "StackStatusReason": stack.reason,
        "DisableRollback": options.disable_rollback, "NotificationARNs": list(options.notification_arns),
        "TimeoutInMinutes": options.timeout_minutes, "Capabilities": list(options.capabilities),
        "Outputs": [
            {"OutputKey": o.key, "OutputValue": o.value, "Description": o.description, "ExportName": o.export}
            for o in stack.outputs.values()
        ],
        "RoleARN": options.role_arn, "Tags": [{"Key": key, "Value": value} for key, value in options.tags],
        "EnableTerminationProtection": stack.termination_protection,
        "ParentId": options.parent_id, "RootId": options.root_id,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }  # fmt: skip


@operation
async def list_stacks(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("StackStatusFilter")
    summaries = [
        {
            "StackId": s.id,
            "StackName": s.name,
            "CreationTime": s.created,
            "LastUpdatedTime": s.updated,
            "DeletionTime": s.deleted,
            "StackStatus": s.status,
            "StackStatusReason": s.reason,
            "TemplateDescription": s.template.description if s.template else None,
            "ParentId": s.options.parent_id,
            "RootId": s.options.root_id,
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
        for s in reversed(engine.stacks.values())
        if not wanted or s.status in wanted
    ]
    return page("StackSummaries", summaries, params)


@operation
async def describe_stack_events(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.get(params["StackName"])
    events = [
        {
            "StackId": stack.id,
            "EventId": e.id,
            "StackName": stack.name,
            "LogicalResourceId": e.logical_id,
            "PhysicalResourceId": e.physical_id,
            "ResourceType": e.type,
            "Timestamp": e.at,
            "ResourceStatus": e.status,
            "ResourceStatusReason": e.reason,
            "ResourceProperties": e.properties_text,
            "ClientRequestToken": e.token,
        }
        for e in reversed(stack.events)
    ]
    return page("StackEvents", events, params)


@operation
async def describe_stack_resource(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.get(params["StackName"])
    resource = stack.resources.get(params["LogicalResourceId"])
    if resource is None:
        raise ValidationError(
            f"Resource {params['LogicalResourceId']} does not exist for stack {params['StackName']}"
        )
    detail = _resource(stack, resource)
    detail["LastUpdatedTimestamp"] = detail.pop("Timestamp")
    if resource.spec.metadata:
        detail["Metadata"] = json.dumps(dict(resource.spec.metadata))
    return {"StackResourceDetail": detail}


@operation
async def describe_stack_resources(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    if "StackName" in params:
        stack = engine.get(params["StackName"])
    else:
        wanted = params.get("PhysicalResourceId")
        owners = [s for s in engine.living() if any(r.physical_id == wanted for r in s.resources.values())]
        if wanted is None or not owners:
            raise ValidationError(f"Stack for {wanted} does not exist")  # the text is UNSOURCED
        stack = owners[0]
    logical = params.get("LogicalResourceId")
    return {
        "StackResources": [
            _resource(stack, r) for n, r in stack.resources.items() if logical is None or n == logical
        ]
    }


def _resource(stack: Stack, resource: StackResource) -> dict[str, Any]:
    return {
        "StackName": stack.name, "StackId": stack.id, "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id, "ResourceType": resource.type, "Timestamp": resource.updated,
        "ResourceStatus": resource.status, "ResourceStatusReason": resource.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }  # fmt: skip


@operation
async def list_stack_resources(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.get(params["StackName"])
    summaries = []
    for resource in stack.resources.values():
        summary = _resource(stack, resource)
        summary["LastUpdatedTimestamp"] = summary.pop("Timestamp")
        summaries.append(summary)
    return page("StackResourceSummaries", summaries, params)


@operation
async def list_exports(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    exports = [
        {"ExportingStackId": stack.id, "Name": name, "Value": value}
        for name, (value, stack) in engine.exports().items()
    ]
    return page("Exports", exports, params)


@operation
async def list_imports(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    name = params["ExportName"]
    users = [stack.name for stack in engine.importers(name)]
    if not users:
        raise ValidationError(f"Export '{name}' is not imported by any stack.")
    return page("Imports", users, params)
