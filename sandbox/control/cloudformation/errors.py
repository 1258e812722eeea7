"""What goes wrong with templates and stacks.

::

    AwsError
    └── ValidationError        the template or the request is wrong; ``path`` points into the template
    Exception
    ├── ResourceError          a resource could not be created, updated or deleted: the stack's event says why
    └── CloudFormationError    for people: what `deploy` raises
        ├── TemplateError      ``file`` and ``line`` of the mistake
        └── DeployError        the stack failed: ``reasons`` of the failed resources

Messages are CloudFormation's, as users quote them in public repositories and issues, or as Eucalyptus (eucalyptus/
eucalyptus on GitHub, cloudformation) repeats them. Those for which no quotation was found are marked "the text is
UNSOURCED" where they are raised; what names the sandbox is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sandbox.aws.errors import AwsError

Path_ = tuple["str | int", ...]


class ValidationError(AwsError):
    """CloudFormation's ``ValidationError`` (400). ``path``: keys from the template's root to the mistake."""

    def __init__(self, message: str, path: Path_ = ()) -> None:
        super().__init__(400, "ValidationError", message)
        self.path = path


class UnknownTypesError(ValidationError):
    """A template names types of resources that the sandbox does not have."""


class ResourceError(Exception):
    """A resource operation failed; the text becomes the event's ``ResourceStatusReason``."""


class PropertyError(ResourceError):
    """A property has a wrong form; the text begins with its place (``#/Code``)."""


class CloudFormationError(Exception):
    """A deployment did not succeed."""


class TemplateError(CloudFormationError):
    """A mistake in a template. ``line`` counts from 1, 0 when unknown."""

    def __init__(self, message: str, file: Path | str, line: int = 0) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        self.message = message
        self.file = Path(file)
        self.line = line


class DeployError(CloudFormationError):
    """A stack failed. ``reasons``: (logical id, resource type, reason) of each failed resource, oldest first."""

    def __init__(self, message: str, reasons: Sequence[tuple[str, str, str]] = ()) -> None:
        lines = [message, *(f"  {name} ({type_}): {reason}" for name, type_, reason in reasons)]
        super().__init__("\n".join(lines))
        self.reasons = tuple(reasons)
