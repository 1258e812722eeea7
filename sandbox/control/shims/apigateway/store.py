"""What REST APIs are made of, as the API shows it. No behaviour but looking things up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.resources import RestResource

Document = dict[str, Any]  # a structure by the names of botocore's model


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a deployment froze: later changes of the API do not reach its stages."""

    resources: tuple[RestResource, ...]
    binary_media_types: tuple[str, ...]
    gateway_responses: dict[str, Document]
    authorizers: dict[str, Document]
    models: dict[str, Document]
    validators: dict[str, Document]
    policy: Document | None
    api_key_source: str


@dataclass(slots=True)
class Deployment:
    """A deployment and what it froze."""

    document: Document
    snapshot: Snapshot


@dataclass(slots=True)
class Api:
    """A REST API. ``info``: RestApi; ``resources``: Resource by id, with methods and integrations inside."""

    info: Document
    resources: dict[str, Document] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    stages: dict[str, Document] = field(default_factory=dict)
    authorizers: dict[str, Document] = field(default_factory=dict)
    models: dict[str, Document] = field(default_factory=dict)
    validators: dict[str, Document] = field(default_factory=dict)
    gateway_responses: dict[str, Document] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Ten letters and digits."""
        return str(self.info["id"])

    @property
    def endpoint_type(self) -> str:
        """``EDGE``, ``REGIONAL`` or ``PRIVATE``."""
        return str(self.info["endpointConfiguration"]["types"][0])

    def resource(self, resource_id: str) -> Document:
        """By id."""
        return _found(self.resources, resource_id, "Invalid Resource identifier specified")

    def method(self, resource_id: str, http_method: str) -> Document:
        """A method of a resource."""
        methods = self.resource(resource_id)["resourceMethods"]
        return _found(methods, http_method, "Invalid Method identifier specified")

    def integration(self, resource_id: str, http_method: str) -> Document:
        """The integration of a method."""
        found = self.method(resource_id, http_method).get("methodIntegration")
        if found is None:
            raise not_found("Invalid Integration identifier specified")
        return found  # type: ignore[no-any-return]

    def deployment(self, deployment_id: str) -> Deployment:
        """By id."""
        found = self.deployments.get(deployment_id)
        if found is None:
            raise not_found("Invalid Deployment identifier specified")
        return found

    def stage(self, name: str) -> Document:
        """By name."""
        return _found(self.stages, name, "Invalid stage identifier specified")


def _found(things: dict[str, Document], key: str, otherwise: str) -> Document:
    found = things.get(key)
    if found is None:
        raise not_found(otherwise)
    return found


def find(things: dict[str, Document], key: str, otherwise: str) -> Document:
    """A thing by its key; raises ``NotFoundException``."""
    return _found(things, key, otherwise)


def not_found(message: str) -> AwsError:
    """``NotFoundException``."""
    return AwsError(404, "NotFoundException", message)


def bad_request(message: str) -> AwsError:
    """``BadRequestException``."""
    return AwsError(400, "BadRequestException", message)


def conflict(message: str) -> AwsError:
    """``ConflictException``."""
    return AwsError(409, "ConflictException", message)
