"""What AppSync's APIs are made of, as the API shows it. No behaviour but looking things up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.aws.errors import AwsError

Document = dict[str, Any]  # a structure by the names of botocore's model
T = TypeVar("T")


@dataclass(slots=True)
class Owner:
    """What GraphQL APIs and Event APIs have in common: an endpoint, keys and data sources.

    ``endpoint``: the first label of its host names; as on AWS it is not the API's id. ``epoch`` rises with each
    change.
    """

    info: Document
    region: str
    endpoint: str
    keys: dict[str, Document] = field(default_factory=dict)  # by id
    data_sources: dict[str, Document] = field(default_factory=dict)  # by name
    epoch: int = 0

    @property
    def id(self) -> str:
        """The API's id."""
        return str(self.info["apiId"])


@dataclass(slots=True)
class GraphqlRecord(Owner):
    """A GraphQL API. ``schema`` is empty until one was given; ``status``: of the last creation of one."""

    schema: str = ""
    status: str = "NOT_APPLICABLE"
    details: str = ""
    functions: dict[str, Document] = field(default_factory=dict)  # by id
    resolvers: dict[tuple[str, str], Document] = field(default_factory=dict)  # by (type, field)
    environment: dict[str, str] = field(default_factory=dict)
    cache: Document | None = None

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self.info["arn"])


@dataclass(slots=True)
class EventRecord(Owner):
    """An Event API."""

    namespaces: dict[str, Document] = field(default_factory=dict)  # by name

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self.info["apiArn"])


def given(params: Mapping[str, Any], members: tuple[str, ...]) -> Document:
    """The members that a request has."""
    return {member: params[member] for member in members if params.get(member) is not None}


def find(things: Mapping[str, T], key: str, message: str) -> T:
    """A thing by its key; raises ``NotFoundException`` with the message."""
    found = things.get(key)
    if found is None:
        raise not_found(message)
    return found


def not_found(message: str) -> AwsError:
    """``NotFoundException``."""
    return AwsError(404, "NotFoundException", message)


def bad_request(message: str, **fields: object) -> AwsError:
    """``BadRequestException``."""
    return AwsError(400, "BadRequestException", message, fields=fields)


def conflict(message: str) -> AwsError:
    """``ConflictException``."""
    return AwsError(409, "ConflictException", message)
