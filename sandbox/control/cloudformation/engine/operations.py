"""Creating, updating, rolling back and deleting a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.graph import order, requirements
from sandbox.control.cloudformation.engine.outputs import resolve_outputs
from sandbox.control.cloudformation.engine.stack import Stack, StackResource
from sandbox.control.cloudformation.engine.work import Work, resource_type
from sandbox.control.cloudformation.errors import ResourceError, ValidationError
from sandbox.control.cloudformation.template.model import ResourceSpec, Template


def sequence(resources: Mapping[str, ResourceSpec]) -> list[ResourceSpec]:
    """The resources in the order in which they are made."""
    names = order({name: requirements(spec, resources) for name, spec in resources.items()})
    return [resources[name] for name in names]


def undo_sequence(resources: Mapping[str, StackResource]) -> list[StackResource]:
    """The resources in the order in which they are deleted."""
    return [resources[name] for name in reversed(order({n: r.requires for n, r in resources.items()}))]


async def create_stack(engine: Engine, stack: Stack, template: Template) -> None:
    """Create all resources; on failure do what the caller chose (``OnFailure``)."""
    stack.template = template
    work = Work(engine, stack, template)
    work.note("CREATE_IN_PROGRESS", "User Initiated")
    for spec in sequence(template.resources):
        try:
            await work.create(spec)
        except ResourceError:
            await _create_failed(work, [spec.logical_id])
            return
    try:
        stack.outputs = resolve_outputs(engine, stack, template)
    except (ValidationError, ResourceError) as e:
        await _create_failed(work, [], e.message if isinstance(e, ValidationError) else str(e))
        return
    work.note("CREATE_COMPLETE")


async def _create_failed(work: Work, failed: list[str], reason: str | None = None) -> None:
    why = reason or f"The following resource(s) failed to create: [{', '.join(failed)}]."
    chosen = work.stack.options.on_failure
    if chosen == "DO_NOTHING":
        work.note("CREATE_FAILED", why)
        return
    if chosen == "DELETE":
        work.note("DELETE_IN_PROGRESS", f"{why} Delete requested by user.")
        await _remove_all(work, "DELETE", creating=True)
        return
    work.note("ROLLBACK_IN_PROGRESS", f"{why} Rollback requested by user.")
    await _remove_all(work, "ROLLBACK", creating=True)


async def delete_stack(engine: Engine, stack: Stack, retain: frozenset[str] = frozenset()) -> None:
    """Delete all resources in reverse order. ``retain``: logical ids to leave (``RetainResources``)."""
    assert stack.template is not None
    work = Work(engine, stack, stack.template)
    work.note("DELETE_IN_PROGRESS", "User Initiated")
    await _remove_all(work, "DELETE", retain)


async def _remove_all(
    work: Work, word: str, retain: frozenset[str] = frozenset(), *, creating: bool = False
) -> None:
    stack = work.stack
    failed: list[str] = []
    for resource in undo_sequence(stack.resources):
        blocked = any(resource.logical_id in stack.resources[name].requires for name in failed)
        if blocked or not await _remove(work, resource, resource.logical_id in retain, creating=creating):
            failed.append(resource.logical_id)
    if failed:
        work.note(f"{word}_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        return
    stack.outputs, stack.imports = {}, set()
    if word == "DELETE":
        stack.deleted = work.sandbox.clock.utcnow()
    work.note(f"{word}_COMPLETE")


async def _remove(
    work: Work, resource: StackResource, retain: bool = False, *, creating: bool = False
) -> bool:
    """Delete one resource unless its policy keeps it; whether it is settled."""
    if not resource.physical_id and resource.status != "CREATE_FAILED":
        return True
    policy = resource.spec.deletion_policy
    keep = policy == "Retain" and not (creating and resource.status == "CREATE_FAILED")
    if resource.status == "DELETE_COMPLETE":
        return True
    if retain or keep or (policy == "RetainExceptOnCreate" and not creating):
        work.note("DELETE_SKIPPED", None, resource)
        return True
    try:
        await work.delete(resource)
    except ResourceError:
        return False
    return True


class Update:
    """An update of a stack, which can be taken back."""

    def __init__(self, engine: Engine, stack: Stack, template: Template) -> None:
        assert stack.template is not None
        self.engine, self.stack, self.template = engine, stack, template
        self.old_template = stack.template
        self.before = {name: replace(resource) for name, resource in stack.resources.items()}
        self.work = Work(engine, stack, template)
        self.touched: list[str] = []

    async def run(self) -> None:
        """Update all resources, then remove what is no longer wanted; or roll back."""
        stack = self.stack
        stack.updated = self.engine.sandbox.clock.utcnow()
        self.work.note("UPDATE_IN_PROGRESS", "User Initiated")
        stack.imports = set()
        for spec in sequence(self.template.resources):
            try:
                if stack.cancelled:
                    raise ResourceError("Resource update cancelled")
                await self._one(spec)
            except ResourceError as e:
                await self._failed(spec.logical_id, e)
                return
        try:
            outputs = resolve_outputs(self.engine, stack, self.template)
        except (ValidationError, ResourceError) as e:
            await self._roll_back(e.message if isinstance(e, ValidationError) else str(e))
            return
        stack.outputs, stack.template = outputs, self.template
        await self._clean_up("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")

    async def _one(self, spec: ResourceSpec) -> None:
        current = self.stack.resources.get(spec.logical_id)
        if current is None:
            self.touched.append(spec.logical_id)
            await self.work.create(spec)
            return
        try:
            properties = await self.work.properties(spec)
        except ResourceError as e:
            self.work.note("UPDATE_FAILED", str(e), current)
            raise
        requires = requirements(spec, self.template.resources)
        if properties == current.properties:
            current.spec, current.requires = spec, requires
            return
        self.touched.append(spec.logical_id)
        if resource_type(spec.type).replaces(current.properties, properties):
            self.work.note(
                "UPDATE_IN_PROGRESS",
                "Requested update requires the creation of a new physical resource; hence creating one.",
                current,
                properties,
            )
            await self.work.create(spec, properties, "UPDATE")
            return
        current.requires = requires
        await self.work.update(current, spec, properties)

    async def _failed(self, logical_id: str, error: ResourceError) -> None:
        reason = f"The following resource(s) failed to update: [{logical_id}]. "
        if logical_id not in self.before:
            reason = f"The following resource(s) failed to create: [{logical_id}]. "
        if self.stack.options.disable_rollback:
            self.work.note("UPDATE_FAILED", reason)
            return
        await self._roll_back(reason)

    async def _roll_back(self, reason: str) -> None:
        """Put every touched resource back, newest first, then delete what the update had made."""
        stack = self.stack
        self.work.note("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        made: list[StackResource] = []
        back = Work(self.engine, stack, self.old_template)
        for logical_id in self.touched:
            current, old = stack.resources[logical_id], self.before.get(logical_id)
            if old is None or current.physical_id != old.physical_id:
                made.append(current)
                if old is None:
                    del stack.resources[logical_id]
                else:
                    stack.resources[logical_id] = old
                    back.note("UPDATE_COMPLETE", None, old)
                continue
            wanted = old.properties
            if current.properties == wanted and current.status != "UPDATE_FAILED":
                continue
            try:
                current.requires = old.requires
                await back.update(current, old.spec, wanted)
            except ResourceError:
                back.note(
                    "UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{logical_id}]. "
                )
                return
        back.note("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        for resource in reversed(made):
            if resource.physical_id:
                await _remove(back, resource, creating=True)
        back.note("UPDATE_ROLLBACK_COMPLETE")

    async def _clean_up(self, during: str, after: str) -> None:
        """Delete resources that left the template and those that were replaced."""
        stack = self.stack
        self.work.note(during)
        gone = {n: r for n, r in self.before.items() if n not in self.template.resources}
        replaced = {
            n: r
            for n, r in self.before.items()
            if n not in gone and r.physical_id != stack.resources[n].physical_id
        }
        for resource in undo_sequence({**gone, **replaced}):
            policy = resource.spec.update_replace_policy
            await _remove(self.work, resource, resource.logical_id in replaced and policy != "Delete")
        for logical_id in gone:
            del stack.resources[logical_id]
        self.work.note(after)
