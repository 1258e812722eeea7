"""What HTTP and WebSocket APIs are made of, as the API shows it. No behaviour but looking things up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.aws.errors import AwsError
from sandbox.control.resources import V2Authorizer, V2Route

Document = dict[str, Any]  # a structure by the names of botocore's model
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a deployment froze: later changes of the API do not reach its stages."""

    routes: Mapping[str, V2Route]
    authorizers: Mapping[str, V2Authorizer]
    models: Mapping[str, Document]
    info: Document  # the API itself: CORS, selection expressions, whether the default endpoint is off


@dataclass(slots=True)
class Deployment:
    """A deployment and what it froze."""

    document: Document
    snapshot: Snapshot


@dataclass(slots=True)
class WithResponses:
    """A route or an integration with its responses by id."""

    document: Document
    responses: dict[str, Document] = field(default_factory=dict)


@dataclass(slots=True)
class Api:
    """An API. Everything in it is kept by its id, stages by their name."""

    info: Document
    region: str
    routes: dict[str, WithResponses] = field(default_factory=dict)
    integrations: dict[str, WithResponses] = field(default_factory=dict)
    authorizers: dict[str, Document] = field(default_factory=dict)
    models: dict[str, Document] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    stages: dict[str, Document] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Ten letters and digits."""
        return str(self.info["ApiId"])

    @property
    def protocol(self) -> str:
        """``HTTP`` or ``WEBSOCKET``."""
        return str(self.info["ProtocolType"])

    @property
    def http(self) -> bool:
        """Whether it is an HTTP API."""
        return self.protocol == "HTTP"


def find(things: Mapping[str, T], key: str, what: str) -> T:
    """A thing by its id; raises ``NotFoundException``. ``what``: "Route", "Integration"."""
    found = things.get(key)
    if found is None:
        raise not_found(f"Invalid {what} identifier specified {key}")
    return found


def given(params: Mapping[str, Any], members: tuple[str, ...]) -> Document:
    """The members that a request has."""
    return {member: params[member] for member in members if params.get(member) is not None}


def change(document: Document, params: Mapping[str, Any], members: tuple[str, ...]) -> None:
    """Lay a request's members over a document; an empty text takes a member away, as in API Gateway."""
    for member, value in given(params, members).items():
        if value == "":
            document.pop(member, None)
        else:
            document[member] = value


def not_found(message: str) -> AwsError:
    """``NotFoundException``."""
    return AwsError(404, "NotFoundException", message)


def bad_request(message: str) -> AwsError:
    """``BadRequestException``."""
    return AwsError(400, "BadRequestException", message)


def conflict(message: str) -> AwsError:
    """``ConflictException``."""
    return AwsError(409, "ConflictException", message)
