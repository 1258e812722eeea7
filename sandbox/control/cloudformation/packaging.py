"""Local files that a template names (``CodeUri: src/``) become objects in S3, as `sam package` does it.

Which properties may name files: AWS SAM CLI Command Reference, "sam package", and AWS CLI Command Reference,
"cloudformation package".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.control.cloudformation.errors import Path_, TemplateError
from sandbox.control.cloudformation.template.reader import Document
from sandbox.control.cloudformation.zips import zip_path

Reference = Callable[[str, str], Any]  # bucket, key -> what the template says instead of the local path


def _uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def _location(bucket: str, key: str) -> dict[str, str]:
    return {"S3Bucket": bucket, "S3Key": key}


def _body_location(bucket: str, key: str) -> dict[str, str]:
    return {"Bucket": bucket, "Key": key}


def _url(bucket: str, key: str) -> str:
    return f"https://s3.amazonaws.com/{bucket}/{key}"


# type -> (property, whether it is zipped, how the template then refers to it)
_PROPERTIES: dict[str, tuple[tuple[str, bool, Reference], ...]] = {
    "AWS::Serverless::Function": (("CodeUri", True, _uri),),
    "AWS::Serverless::LayerVersion": (("ContentUri", True, _uri),),
    "AWS::Serverless::Api": (("DefinitionUri", False, _uri),),
    "AWS::Serverless::HttpApi": (("DefinitionUri", False, _uri),),
    "AWS::Serverless::StateMachine": (("DefinitionUri", False, _uri),),
    "AWS::Serverless::Application": (("Location", False, _url),),
    "AWS::Lambda::Function": (("Code", True, _location),),
    "AWS::Lambda::LayerVersion": (("Content", True, _location),),
    "AWS::ApiGateway::RestApi": (("BodyS3Location", False, _body_location),),
    "AWS::ApiGatewayV2::Api": (("BodyS3Location", False, _body_location),),
    "AWS::AppSync::GraphQLSchema": (("DefinitionS3Location", False, _uri),),
    "AWS::AppSync::Resolver": (
        ("CodeS3Location", False, _uri),
        ("RequestMappingTemplateS3Location", False, _uri),
        ("ResponseMappingTemplateS3Location", False, _uri),
    ),
    "AWS::AppSync::FunctionConfiguration": (
        ("CodeS3Location", False, _uri),
        ("RequestMappingTemplateS3Location", False, _uri),
        ("ResponseMappingTemplateS3Location", False, _uri),
    ),
    "AWS::CloudFormation::Stack": (("TemplateURL", False, _url),),
    # The build context of a container's image, in the words in which AWS SAM has it for functions.
    "Metadata of AWS::ECS::TaskDefinition": (("DockerContext", True, _uri),),
}
_NESTED = {"AWS::CloudFormation::Stack", "AWS::Serverless::Application"}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A local file or folder that goes to S3. ``put(bucket)`` writes the reference into the template."""

    path: Path
    where: Path_
    zipped: bool
    owner: dict[str, Any]
    name: str
    reference: Reference
    nested: bool

    def content(self) -> bytes:
        """The bytes that are uploaded."""
        return zip_path(self.path) if self.zipped else self.path.read_bytes()

    def put(self, bucket: str, key: str) -> None:
        """Let the template speak of the uploaded object."""
        self.owner[self.name] = self.reference(bucket, key)


def key_of(content: bytes) -> str:
    """An object's key: the same content has the same key, so that an unchanged template stays unchanged."""
    return hashlib.sha256(content).hexdigest()[:32]


def artifacts(document: Document, template: Path) -> Iterator[Artifact]:
    """The local files that a template names. Raises :class:`TemplateError` for one that does not exist."""
    for owner, type_, where in _owners(document.value):
        for name, zipped, reference in _PROPERTIES.get(type_, ()):
            if _implied(type_, owner, where, document.value):
                owner[name] = "."
            value = owner.get(name)
            if not isinstance(value, str) or _remote(value):
                continue
            path = (template.parent / value).resolve()
            place = (*where, name)
            if not path.exists():
                raise TemplateError(
                    f"{name} names {value!r}, but there is no {path}", template, document.line(place)
                )
            if not zipped and not path.is_file():
                raise TemplateError(f"{name} must name a file, not {path}", template, document.line(place))
            yield Artifact(path, place, zipped, owner, name, reference, type_ in _NESTED)


def _owners(template: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, Path_]]:
    resources = template.get("Resources")
    for logical_id, resource in resources.items() if isinstance(resources, dict) else ():
        if not isinstance(resource, dict):
            continue
        properties = resource.setdefault("Properties", {})
        if isinstance(properties, dict):
            yield properties, str(resource.get("Type")), ("Resources", logical_id, "Properties")
        yield from _images(resource, ("Resources", logical_id, "Metadata"))
    shared = (template.get("Globals") or {}).get("Function")
    if isinstance(shared, dict) and "CodeUri" in shared:
        yield shared, "AWS::Serverless::Function", ("Globals", "Function")


def _images(resource: Mapping[str, Any], where: Path_) -> Iterator[tuple[dict[str, Any], str, Path_]]:
    """Where a task definition says what the images of its containers are made of."""
    metadata = resource.get("Metadata")
    images = resource.get("Type") in ("AWS::ECS::TaskDefinition", "AWS::AppRunner::Service")
    if not images or not isinstance(metadata, dict):
        return
    containers = metadata.get("Containers")
    of_each = containers.items() if isinstance(containers, dict) else ()
    places = [(metadata, where), *((one, (*where, "Containers", name)) for name, one in of_each)]
    for owner, place in places:
        if isinstance(owner, dict) and owner.keys() & {"Dockerfile", "DockerContext"}:
            owner.setdefault("DockerContext", ".")
            yield owner, "Metadata of AWS::ECS::TaskDefinition", place


def _implied(type_: str, owner: Mapping[str, Any], where: Path_, template: Mapping[str, Any]) -> bool:
    """A serverless function that says nothing about its code means the template's folder."""
    if type_ != "AWS::Serverless::Function" or where[0] == "Globals":
        return False
    shared = (template.get("Globals") or {}).get("Function") or {}
    both = {**shared, **owner}
    return not both.keys() & {"CodeUri", "InlineCode", "ImageUri"} and both.get("PackageType") != "Image"


def _remote(value: str) -> bool:
    return value.startswith(("s3://", "http://", "https://"))
