"""CreateChangeSet, ExecuteChangeSet and their like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.api.app import operation
from sandbox.control.cloudformation.api.inputs import (
    missing_capabilities,
    options,
    parameters,
    require_capabilities,
    stack_name,
    template_body,
)
from sandbox.control.cloudformation.api.stacks import begin, require_same_types, require_updatable
from sandbox.control.cloudformation.engine.change_set import ChangeSet
from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.operations import Update, create_stack
from sandbox.control.cloudformation.engine.plan import nothing_to_do, plan
from sandbox.control.cloudformation.engine.stack import Stack
from sandbox.control.cloudformation.engine.work import Work
from sandbox.control.cloudformation.errors import ResourceError, ValidationError

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


@operation
async def create_change_set(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    kind = params.get("ChangeSetType", "UPDATE")
    if kind == "IMPORT":
        raise ValidationError("The sandbox does not emulate change sets of type IMPORT")
    stack = _stack_for(engine, params, kind)
    chosen = options(params, stack.options)
    body = await template_body(engine, params, stack)
    given, kept = parameters(params, stack)
    for held in engine.change_sets.values():
        if held.stack_id == stack.id and held.name == params["ChangeSetName"]:
            raise _taken(held, body, given)
    template = await engine.template(body, given, stack, kept)
    if not template.transforms:
        require_capabilities(template, chosen.capabilities, expand=False)
    require_same_types(stack, template.resources)
    if stack.id not in engine.stacks:
        engine.stacks[stack.id] = stack
        Work(engine, stack, template).note("REVIEW_IN_PROGRESS", "User Initiated")
    change_set = ChangeSet(
        engine.arn("changeSet", params["ChangeSetName"]), params["ChangeSetName"], stack.id, stack.name, kind,
        engine.sandbox.clock.utcnow(), chosen, body, params.get("Description"), template,
    )  # fmt: skip
    engine.change_sets[change_set.id] = change_set
    await _fill(engine, stack, change_set)
    return {"Id": change_set.id, "StackId": stack.id}


def _taken(held: ChangeSet, body: str, given: Mapping[str, str]) -> AwsError:
    """The name of a change set is in use: AWS names the attribute in which the two differ.

    Source: aws-actions/aws-cloudformation-github-deploy, issue 122 (Template, Parameters);
    awslabs/landing-zone-accelerator-on-aws, issue 442 (ClientToken). UNSOURCED: what is compared first.
    """
    before = {p.name: p.given for p in held.template.parameters.values()} if held.template else {}
    same = all(before.get(name) == value for name, value in given.items())
    attribute = "Template" if held.body != body else "ClientToken" if same else "Parameters"
    text = f"ChangeSet {held.name} cannot be created due to a mismatch with existing attribute {attribute}"
    return AwsError(400, "AlreadyExistsException", text)


def _stack_for(engine: Engine, params: dict[str, Any], kind: str) -> Stack:
    stack = engine.find(params["StackName"])
    if kind == "CREATE":
        name = stack_name(params)
        if stack is None or not stack.exists:
            return Stack(engine.arn("stack", name), name, engine.sandbox.clock.utcnow())
        if stack.status != "REVIEW_IN_PROGRESS":
            raise ValidationError(
                f"Stack [{name}] already exists and cannot be created again with the changeSet "
                f"[{params['ChangeSetName']}]."
            )
        return stack
    if stack is None or stack.status == "REVIEW_IN_PROGRESS":
        raise ValidationError(f"Stack [{params['StackName']}] does not exist")
    require_updatable(stack)
    return stack


async def _fill(engine: Engine, stack: Stack, change_set: ChangeSet) -> None:
    """Find out what would change; what goes wrong here shows as the change set's status."""
    template = change_set.template
    assert template is not None
    if missing := missing_capabilities(template, change_set.options.capabilities, expand=False):
        change_set.status, change_set.reason = "FAILED", f"Requires capabilities : [{', '.join(missing)}]"
        return
    try:
        changes = await plan(engine, stack, template)
    except (ResourceError, ValidationError) as e:
        change_set.status, change_set.reason = (
            "FAILED",
            e.message if isinstance(e, ValidationError) else str(e),
        )
        return
    change_set.changes = tuple(changes)
    if stack.template is not None and await nothing_to_do(
        engine, stack, template, change_set.options, changes
    ):
        change_set.status, change_set.reason = "FAILED", NO_CHANGES
        return
    change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"


def find(engine: Engine, params: dict[str, Any]) -> ChangeSet:
    """A change set by its ARN or by its name and its stack's."""
    name = params["ChangeSetName"]
    if name in engine.change_sets:
        return engine.change_sets[name]
    stack = engine.get(params["StackName"]) if "StackName" in params else None
    for change_set in engine.change_sets.values():
        if stack is not None and change_set.stack_id == stack.id and change_set.name == name:
            return change_set
    raise AwsError(404, "ChangeSetNotFound", f"ChangeSet [{name}] does not exist")


@operation
async def describe_change_set(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    return find(engine, params).to_api(whole=True)


@operation
async def list_change_sets(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.get(params["StackName"])
    return {
        "Summaries": [c.to_api(whole=False) for c in engine.change_sets.values() if c.stack_id == stack.id]
    }


@operation
async def delete_change_set(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    try:
        del engine.change_sets[find(engine, params).id]
    except AwsError as e:
        if e.code != "ChangeSetNotFound":
            raise
    return {}


@operation
async def execute_change_set(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    change_set = find(engine, params)
    if change_set.execution_status != "AVAILABLE":
        raise AwsError(
            400,
            "InvalidChangeSetStatus",
            f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]",
        )
    stack = engine.stacks[change_set.stack_id]
    if stack.busy:
        raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    template = change_set.template
    assert template is not None
    chosen = change_set.options
    if params.get("DisableRollback"):
        chosen = options({"DisableRollback": True, "Capabilities": list(chosen.capabilities)}, chosen)
    stack.options, stack.change_set_id = chosen, change_set.id
    change_set.execution_status = "EXECUTE_COMPLETE"
    for other in [c for c in engine.change_sets.values() if c.stack_id == stack.id and c is not change_set]:
        other.execution_status = "OBSOLETE"
    creating = stack.template is None
    work = create_stack(engine, stack, template) if creating else Update(engine, stack, template).run()
    begin(engine, stack, work, params)
    stack.status = "CREATE_IN_PROGRESS" if creating else "UPDATE_IN_PROGRESS"
    return {}
