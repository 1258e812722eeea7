"""Kubernetes' own errors: a ``Status`` object (kubernetes/api-conventions, "Response Status Kind")."""

from __future__ import annotations

from typing import Any

from sandbox.services.eks.kinds import Kind


class StatusError(Exception):
    """An answer that is an error. ``reason``: as Kubernetes names it."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.document: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({"details": details} if details else {}),
            "code": code,
        }


def not_found(kind: Kind, name: str) -> StatusError:
    """There is no such object."""
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return StatusError(404, "NotFound", f'{kind.named} "{name}" not found', details)


def exists(kind: Kind, name: str) -> StatusError:
    """There is one already."""
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return StatusError(409, "AlreadyExists", f'{kind.named} "{name}" already exists', details)


def conflict(kind: Kind, name: str) -> StatusError:
    """Somebody changed it since it was read."""
    message = (
        f'Operation cannot be fulfilled on {kind.named} "{name}": the object has been modified; please apply '
        "your changes to the latest version and try again"
    )
    return StatusError(409, "Conflict", message, {"name": name, "group": kind.group, "kind": kind.plural})


def invalid(kind: Kind, name: str, field: str, problem: str) -> StatusError:
    """A field is wrong."""
    details = {
        "name": name,
        "group": kind.group,
        "kind": kind.kind,
        "causes": [{"reason": "FieldValueInvalid", "message": problem, "field": field}],
    }
    group = f".{kind.group}" if kind.group else ""
    message = f'{kind.kind}{group} "{name}" is invalid: {field}: {problem}'
    return StatusError(422, "Invalid", message, details)


def bad_request(problem: str) -> StatusError:
    """It cannot be read."""
    return StatusError(400, "BadRequest", problem)


def not_emulated(what: str) -> StatusError:
    """The sandbox has it not."""
    return StatusError(501, "NotImplemented", f"The sandbox does not emulate {what}.")
