"""What would change when a template replaces a stack's present one."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.engine.change_set import ResourceChange
from sandbox.control.cloudformation.engine.dynamic import resolve_dynamic
from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.operations import sequence
from sandbox.control.cloudformation.engine.stack import Options, Stack, StackResource
from sandbox.control.cloudformation.engine.work import resource_type
from sandbox.control.cloudformation.errors import ResourceError, ValidationError
from sandbox.control.cloudformation.template.intrinsics import resolve, text
from sandbox.control.cloudformation.template.model import ResourceSpec, Template
from sandbox.control.cloudformation.template.references import references

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"  # AWS's own word for what is not known before the change


async def plan(engine: Engine, stack: Stack, template: Template) -> list[ResourceChange]:
    """The changes, in the order of the template; removals last."""
    fresh: set[str] = set()  # resources whose id and attributes will be new
    moved: set[str] = set()  # resources that change in place: their attributes may be new
    found: dict[str, ResourceChange] = {}
    for spec in sequence(template.resources):
        current = stack.resources.get(spec.logical_id)
        if current is None or current.status == "DELETE_COMPLETE":
            fresh.add(spec.logical_id)
            found[spec.logical_id] = ResourceChange("Add", spec.logical_id, spec.type)
            continue
        change = await _compare(engine, stack, template, spec, current, fresh, moved)
        if change is not None:
            (fresh if change.replacement == "True" else moved).add(spec.logical_id)
            found[spec.logical_id] = change
    ordered = [found[name] for name in template.resources if name in found]
    return ordered + [
        ResourceChange(
            "Remove",
            name,
            r.type,
            r.physical_id,
            policy_action="Retain" if r.spec.deletion_policy.startswith("Retain") else "Delete",
        )
        for name, r in stack.resources.items()
        if name not in template.resources
    ]


async def _compare(
    engine: Engine,
    stack: Stack,
    template: Template,
    spec: ResourceSpec,
    current: StackResource,
    fresh: set[str],
    moved: set[str],
) -> ResourceChange | None:
    scope = engine.scope(stack, template)
    ref, attribute = scope.ref, scope.attribute
    assert ref is not None
    assert attribute is not None
    imports = set(stack.imports)
    scope.ref = lambda name: LATER if name in fresh else ref(name)

    def get(name: str, key: str) -> Any:
        return LATER if name in fresh else attribute(name, key)

    scope.attribute = get
    try:
        new = dict(await resolve_dynamic(resolve(dict(spec.properties), scope), engine.sandbox.control.call))
    except ValidationError as e:
        raise ResourceError(e.message) from e
    finally:
        stack.imports = imports  # looking ahead takes nothing
    if new == current.properties:
        if dict(spec.metadata) == dict(current.spec.metadata):
            return None
        return ResourceChange(
            "Modify", spec.logical_id, spec.type, current.physical_id, "False", {}, ("Metadata",)
        )
    type_ = resource_type(spec.type)
    needing = set(type_.replaces(current.properties, new))
    changed = [
        name for name in {**current.properties, **new} if current.properties.get(name) != new.get(name)
    ]
    recreation = {
        name: ("Conditionally" if _uncertain(new.get(name)) else "Always") if name in needing else "Never"
        for name in changed
    }
    replacement: Any = "False"
    if needing:
        replacement = "Conditional" if all(recreation[n] == "Conditionally" for n in needing) else "True"
    return ResourceChange(
        "Modify", spec.logical_id, spec.type, current.physical_id, replacement, recreation, ("Properties",)
    )


def _uncertain(value: Any) -> bool:
    return LATER in text(value)


async def nothing_to_do(
    engine: Engine, stack: Stack, template: Template, options: Options, changes: list[ResourceChange]
) -> bool:
    """Whether an update would change nothing at all, outputs, tags and policies included."""
    assert stack.template is not None
    old = stack.template
    return (
        not changes
        and dict(options.tags) == dict(stack.options.tags)
        and dict(template.outputs) == dict(old.outputs)
        and _output_parameters(template) == _output_parameters(old)
        and all(
            (spec.deletion_policy, spec.update_replace_policy)
            == (old.resources[name].deletion_policy, old.resources[name].update_replace_policy)
            for name, spec in template.resources.items()
            if name in old.resources
        )
    )


def _output_parameters(template: Template) -> set[tuple[str, str]]:
    """The parameters that outputs speak of: a new value changes the output."""
    names = {name for o in template.outputs.values() for name, _, _ in references([o.value, o.export])}
    return {(n, p.given) for n, p in template.parameters.items() if n in names}
