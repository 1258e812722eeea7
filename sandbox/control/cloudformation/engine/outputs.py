"""A stack's outputs and exports."""

from __future__ import annotations

from sandbox.control.cloudformation.engine.engine import Engine
from sandbox.control.cloudformation.engine.stack import Output, Stack
from sandbox.control.cloudformation.errors import ResourceError, ValidationError
from sandbox.control.cloudformation.template.intrinsics import resolve, text
from sandbox.control.cloudformation.template.model import Template


def resolve_outputs(engine: Engine, stack: Stack, template: Template) -> dict[str, Output]:
    """The outputs' values. Raises :class:`ValidationError` or :class:`ResourceError`."""
    scope = engine.scope(stack, template)
    taken = engine.exports()
    result: dict[str, Output] = {}
    for name, spec in template.outputs.items():
        value = resolve(spec.value, scope)
        if isinstance(value, dict | list):
            raise ValidationError(
                f"Template format error: Output {name} is malformed. The Value field of every Outputs member "
                "must evaluate to a String.",
                ("Outputs", name),
            )
        export = None if spec.export is None else text(resolve(spec.export, scope))
        if export in taken and taken[export][1] is not stack:
            raise ValidationError(
                f"Export with name {export} is already exported by stack {taken[export][1].name}."
            )
        result[name] = Output(name, text(value), spec.description, export)
    kept = {output.export: output.value for output in result.values()}
    for output in stack.outputs.values():
        if (
            output.export
            and kept.get(output.export) != output.value
            and (users := engine.importers(output.export))
        ):
            what = "deleted" if output.export not in kept else "updated"
            raise ResourceError(
                f"Export {output.export} cannot be {what} as it is in use by "
                f"{' and '.join(s.name for s in users)}"
            )
    return result
