"""In which order resources are made: each after what it refers to, else in the template's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.control.cloudformation.errors import ValidationError
from sandbox.control.cloudformation.template.model import ResourceSpec
from sandbox.control.cloudformation.template.references import references


def requirements(spec: ResourceSpec, names: Iterable[str]) -> tuple[str, ...]:
    """The resources that must exist before this one, in the order in which the template names them."""
    known = set(names)
    wanted = [*spec.depends_on, *(name for name, _, _ in references(spec.properties))]
    return tuple(dict.fromkeys(name for name in wanted if name in known))


def order(requires: Mapping[str, Iterable[str]]) -> list[str]:
    """Topological order, stable. Raises :class:`ValidationError` naming the resources of a circle."""
    done: dict[str, None] = {}
    waiting = {name: {r for r in needed if r in requires} for name, needed in requires.items()}
    while waiting:
        ready = [name for name, needed in waiting.items() if needed <= done.keys()]
        if not ready:
            circle = ", ".join(_in_circles(waiting))
            raise ValidationError(
                f"Circular dependency between resources: [{circle}]", ("Resources", next(iter(waiting)))
            )
        first = ready[0]
        done[first] = None
        del waiting[first]
    return list(done)


def _in_circles(waiting: Mapping[str, set[str]]) -> list[str]:
    """Leave out what only waits for a circle or hangs before one: only what can reach itself stays."""

    def reaches_itself(start: str) -> bool:
        seen: set[str] = set()
        todo = list(waiting[start])
        while todo:
            name = todo.pop()
            if name == start:
                return True
            if name not in seen and name in waiting:
                seen.add(name)
                todo.extend(waiting[name])
        return False

    return [name for name in waiting if reaches_itself(name)]
