"""What Lambda's control plane knows: functions, versions, aliases, layers. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.shims.lambda_.names import LATEST, Arns, FunctionName, is_version


@dataclass(slots=True)
class Package:
    """A deployment package."""

    zip: bytes
    sha256: str  # base64, as CodeSha256
    unzipped: int


@dataclass(slots=True)
class Version:
    """``$LATEST`` or a published version. ``config``: FunctionConfiguration's members that are stored."""

    version: str
    config: dict[str, Any]
    package: Package
    revision: str
    modified: datetime
    update: dict[str, str] = field(default_factory=lambda: {"LastUpdateStatus": "Successful"})


@dataclass(slots=True)
class Alias:
    """A name for a version, or for two with weights."""

    name: str
    version: str
    description: str
    weights: dict[str, float]
    revision: str


@dataclass(slots=True)
class Policy:
    """A resource policy: statements by Sid, as IAM writes them."""

    statements: dict[str, dict[str, Any]]
    revision: str


@dataclass(slots=True)
class UrlConfig:
    """A Function URL. ``qualifier``: an alias or ``None``."""

    url_id: str
    qualifier: str | None
    auth_type: str
    invoke_mode: str
    cors: dict[str, Any] | None
    created: datetime
    modified: datetime


@dataclass(slots=True)
class Function:
    """A function with everything that hangs on it. Keys of the dictionaries: a qualifier, ``""`` for none."""

    name: str
    latest: Version
    versions: dict[str, Version] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    urls: dict[str, UrlConfig] = field(default_factory=dict)
    event_invoke: dict[str, dict[str, Any]] = field(default_factory=dict)
    provisioned: dict[str, dict[str, Any]] = field(default_factory=dict)
    reserved: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    published: int = 0
    published_revision: str | None = None  # $LATEST's revision when it was published last
    runtime_management: dict[str, dict[str, Any]] = field(default_factory=dict)
    recursive_loop: str = "Terminate"


@dataclass(slots=True)
class LayerVersion:
    """A version of a layer."""

    name: str
    version: int
    package: Package
    created: datetime
    attributes: dict[str, Any]
    policy: Policy | None = None


@dataclass(slots=True)
class Layer:
    """A layer. ``count`` goes on after a version was deleted: numbers are never used again."""

    name: str
    count: int = 0
    versions: dict[int, LayerVersion] = field(default_factory=dict)


@dataclass(slots=True)
class Region:
    """Lambda in one Region."""

    arns: Arns
    functions: dict[str, Function] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)

    def function(self, name: FunctionName) -> Function:
        """A function, whatever the qualifier. Raises ``ResourceNotFoundException``."""
        found = self.functions.get(name.name)
        if found is None or name.account not in (None, self.arns.account):
            raise self.not_found(name)
        return found

    def version(self, name: FunctionName) -> Version:
        """The version that the name means; of an alias the main one. Raises ``ResourceNotFoundException``."""
        function = self.function(name)
        found = version_of(function, name.qualifier)
        if found is None:
            raise self.not_found(name)
        return found

    def not_found(self, name: FunctionName) -> AwsError:
        """AWS's words for a function, version or alias that does not exist."""
        arn = self.arns.function(name.name, name.qualifier)
        return AwsError(
            404, "ResourceNotFoundException", f"Function not found: {arn}", fields={"Type": "User"}
        )


def version_of(function: Function, qualifier: str | None) -> Version | None:
    """By a version's number, ``$LATEST``, an alias (its main version) or ``None`` for ``$LATEST``."""
    if qualifier in (None, LATEST):
        return function.latest
    assert qualifier is not None
    if is_version(qualifier):
        return function.versions.get(qualifier)
    alias = function.aliases.get(qualifier)
    return version_of(function, alias.version) if alias else None


def user_error(code: str, message: str, status: int = 400) -> AwsError:
    """An error of Lambda that is the caller's fault."""
    return AwsError(status, code, message, fields={"Type": "User"})


def invalid(message: str) -> AwsError:
    """``InvalidParameterValueException``."""
    return user_error("InvalidParameterValueException", message)


def missing(message: str = "The resource you requested does not exist.") -> AwsError:
    """``ResourceNotFoundException``."""
    return user_error("ResourceNotFoundException", message, 404)


def conflict(message: str) -> AwsError:
    """``ResourceConflictException``."""
    return user_error("ResourceConflictException", message, 409)


def require_revision(given: str | None, current: str, what: str = "GetFunction/GetAlias") -> None:
    """Raise ``PreconditionFailedException`` when the caller's ``RevisionId`` is not the newest."""
    if given is not None and given != current:
        message = (
            "The Revision Id provided does not match the latest Revision Id. "
            f"Call the {what} API to retrieve the latest Revision Id"
        )
        raise user_error("PreconditionFailedException", message, 412)
