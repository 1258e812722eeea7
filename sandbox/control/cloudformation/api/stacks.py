"""CreateStack, UpdateStack, DeleteStack and their like."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.api.app import operation
from sandbox.control.cloudformation.api.inputs import (
    options,
    parameters,
    require_capabilities,
    stack_name,
    template_body,
)
from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.operations import Update
from sandbox.control.cloudformation.engine.operations import create_stack as run_create
from sandbox.control.cloudformation.engine.operations import delete_stack as run_delete
from sandbox.control.cloudformation.engine.plan import nothing_to_do, plan
from sandbox.control.cloudformation.engine.stack import Stack
from sandbox.control.cloudformation.errors import ResourceError, ValidationError

_log = logging.getLogger(__name__)
_UPDATABLE = {
    "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE",
    "CREATE_FAILED", "UPDATE_FAILED",
}  # fmt: skip


def begin(engine: Engine, stack: Stack, work: Coroutine[Any, Any, None], params: dict[str, Any]) -> None:
    """Run an operation in the background."""
    stack.token, stack.cancelled = params.get("ClientRequestToken"), False
    stack.operation = engine.sandbox.spawn(_guarded(stack, work), f"cloudformation {stack.name}")


async def _guarded(stack: Stack, work: Coroutine[Any, Any, None]) -> None:
    """A mistake in the engine must not leave a stack in motion for ever."""
    try:
        await work
    except Exception as e:
        _log.exception("operation on %s", stack.id)
        word = stack.status.removesuffix("_IN_PROGRESS")
        stack.status, stack.reason = f"{word}_FAILED", f"Internal Failure: {type(e).__name__}: {e}"


def require_updatable(stack: Stack) -> None:
    """Refuse an update in a state in which AWS does."""
    if stack.status not in _UPDATABLE or stack.busy:
        raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


@operation
async def create_stack(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    name = stack_name(params)
    if engine.find(name) is not None:
        raise AwsError(400, "AlreadyExistsException", f"Stack [{name}] already exists")
    chosen = options(params)
    body = await template_body(engine, params)
    given, _ = parameters(params, None)
    stack = Stack(engine.arn("stack", name), name, engine.sandbox.clock.utcnow(), chosen)
    template = await engine.template(body, given, stack)
    require_capabilities(template, chosen.capabilities, expand=True)
    engine.stacks[stack.id] = stack
    stack.policy = params.get("StackPolicyBody")
    stack.termination_protection = bool(params.get("EnableTerminationProtection"))
    stack.template = template
    begin(engine, stack, run_create(engine, stack, template), params)
    stack.status = "CREATE_IN_PROGRESS"
    return {"StackId": stack.id}


@operation
async def update_stack(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.get(params["StackName"])
    require_updatable(stack)
    chosen = options(params, stack.options)
    body = await template_body(engine, params, stack)
    given, kept = parameters(params, stack)
    template = await engine.template(body, given, stack, kept)
    require_capabilities(template, chosen.capabilities, expand=True)
    require_same_types(stack, template.resources)
    try:
        changes = await plan(engine, stack, template)
    except ResourceError as e:
        raise ValidationError(str(e)) from e
    if await nothing_to_do(engine, stack, template, chosen, changes):
        raise ValidationError("No updates are to be performed.")
    stack.options = chosen
    begin(engine, stack, Update(engine, stack, template).run(), params)
    stack.status = "UPDATE_IN_PROGRESS"
    return {"StackId": stack.id}


def require_same_types(stack: Stack, resources: Any) -> None:
    """A logical id keeps its type."""
    changed = [
        n for n, spec in resources.items() if n in stack.resources and stack.resources[n].type != spec.type
    ]
    if changed:
        raise ValidationError(
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(changed)}]"
        )


@operation
async def delete_stack(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.find(params["StackName"])
    if stack is None or not stack.exists or stack.status == "DELETE_IN_PROGRESS":
        return {}
    if stack.termination_protection:
        raise ValidationError(
            f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    _require_unused(engine, stack)
    retain = frozenset(params.get("RetainResources") or ())
    if retain and stack.status != "DELETE_FAILED":
        raise ValidationError(
            f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources to retain "
            "only when the stack is in the DELETE_FAILED state."
        )
    running = stack.operation if stack.busy else None

    async def work() -> None:
        if running is not None:
            stack.cancelled = True
            await running
        if stack.template is None:  # a stack in review has nothing to delete
            stack.status, stack.deleted = "DELETE_COMPLETE", engine.sandbox.clock.utcnow()
            return
        await run_delete(engine, stack, retain)

    begin(engine, stack, work(), params)
    if running is None and stack.template is not None:
        stack.status = "DELETE_IN_PROGRESS"
    return {}


def _require_unused(engine: Engine, stack: Stack) -> None:
    for output in stack.outputs.values():
        if output.export and (users := [s.name for s in engine.importers(output.export) if s is not stack]):
            raise ValidationError(
                f"Export {output.export} cannot be deleted as it is in use by {' and '.join(users)}"
            )


@operation
async def cancel_update_stack(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.get(params["StackName"])
    if stack.status != "UPDATE_IN_PROGRESS":
        raise ValidationError("CancelUpdateStack cannot be called from current stack status")
    stack.cancelled = True
    return {}


@operation
async def update_termination_protection(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.get(params["StackName"])
    stack.termination_protection = params["EnableTerminationProtection"]
    return {"StackId": stack.id}


@operation
async def set_stack_policy(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    stack = engine.get(params["StackName"])
    stack.policy = params.get("StackPolicyBody")
    return {}


@operation
async def get_stack_policy(engine: Engine, params: dict[str, Any]) -> dict[str, Any]:
    return {"StackPolicyBody": engine.get(params["StackName"]).policy}
