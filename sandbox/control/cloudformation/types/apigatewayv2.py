"""API Gateway HTTP and WebSocket APIs: the parts of an API that one operation each makes, changes and removes."""

from __future__ import annotations

from typing import Any, ClassVar

from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType

SERVICE = "apigatewayv2"
INTEGRATION = (
    "ConnectionId ConnectionType ContentHandlingStrategy CredentialsArn Description IntegrationMethod "
    "IntegrationSubtype IntegrationType IntegrationUri PassthroughBehavior PayloadFormatVersion RequestParameters "
    "RequestTemplates ResponseParameters TemplateSelectionExpression TimeoutInMillis TlsConfig"
)


class Part(ResourceType):
    """Something that ``Create<thing>`` makes and that has an id. ``parents``: properties that say where."""

    thing: ClassVar[str]
    parents: ClassVar[tuple[str, ...]] = ("ApiId",)
    values: ClassVar[str]
    fixed: ClassVar[tuple[str, ...]] = ()  # CreateX takes them, UpdateX does not
    key: ClassVar[str] = ""  # the member that names it, when it is not <thing>Id

    @property
    def id_name(self) -> str:
        return self.key or f"{self.thing}Id"

    def values_of(self, r: Request) -> dict[str, Any]:
        """The API's members from the properties."""
        return r.pick(self.values)

    def where(self, r: Request) -> dict[str, Any]:
        return {name: r[name] for name in self.parents}

    async def create(self, r: Request) -> None:
        made = await r.send(SERVICE, f"Create{self.thing}", {**self.where(r), **self.values_of(r)})
        r.physical_id = made[self.id_name]
        r.attributes = {self.id_name: r.physical_id}

    async def update(self, r: Request) -> None:
        values = {name: value for name, value in self.values_of(r).items() if name not in self.fixed}
        for name in self.values.split():
            # A text that the template no longer has is taken away.
            if name not in r.properties and isinstance(r.previous.get(name), str) and name not in self.fixed:
                values[name] = ""
        ids = {**self.where(r), self.id_name: r.physical_id}
        await r.send(SERVICE, f"Update{self.thing}", {**ids, **values})

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, f"Delete{self.thing}", **self.where(r), **{self.id_name: r.physical_id})


class Route(Part):
    type = "AWS::ApiGatewayV2::Route"
    thing = "Route"
    values = (
        "ApiKeyRequired AuthorizationScopes AuthorizationType AuthorizerId ModelSelectionExpression OperationName "
        "RequestModels RequestParameters RouteKey RouteResponseSelectionExpression Target"
    )
    spec = (
        "ApiId!* ApiKeyRequired AuthorizationScopes[] AuthorizationType AuthorizerId ModelSelectionExpression "
        "OperationName RequestModels{} RequestParameters{} RouteKey! RouteResponseSelectionExpression Target"
    )
    attributes = "RouteId"


class Integration(Part):
    type = "AWS::ApiGatewayV2::Integration"
    thing = "Integration"
    values = INTEGRATION
    spec = f"ApiId!* {INTEGRATION}".replace("IntegrationType ", "IntegrationType! ")
    attributes = "IntegrationId"

    def values_of(self, r: Request) -> dict[str, Any]:
        values = super().values_of(r)
        if "ResponseParameters" in values:
            values["ResponseParameters"] = {
                status: mappings(given) for status, given in values["ResponseParameters"].items()
            }
        return values


def mappings(given: Any) -> dict[str, str]:
    """``{"ResponseParameters": [{"Source": ..., "Destination": ...}]}`` as the API has it; its own form as it is."""
    if not isinstance(given, dict):
        # The text is UNSOURCED.
        raise ResourceError(f"ResponseParameters must be an object for each status, not {given!r}")
    if "ResponseParameters" not in given:
        return given
    return {item["Destination"]: str(item["Source"]) for item in given["ResponseParameters"]}


class IntegrationResponse(Part):
    type = "AWS::ApiGatewayV2::IntegrationResponse"
    thing = "IntegrationResponse"
    parents = ("ApiId", "IntegrationId")
    values = (
        "ContentHandlingStrategy IntegrationResponseKey ResponseParameters ResponseTemplates "
        "TemplateSelectionExpression"
    )
    spec = (
        "ApiId!* IntegrationId!* ContentHandlingStrategy IntegrationResponseKey! ResponseParameters{} "
        "ResponseTemplates{} TemplateSelectionExpression"
    )
    attributes = "IntegrationResponseId"


class RouteResponse(Part):
    type = "AWS::ApiGatewayV2::RouteResponse"
    thing = "RouteResponse"
    parents = ("ApiId", "RouteId")
    values = "ModelSelectionExpression ResponseModels ResponseParameters RouteResponseKey"
    spec = (
        "ApiId!* RouteId!* ModelSelectionExpression ResponseModels{} ResponseParameters{} RouteResponseKey!"
    )
    attributes = "RouteResponseId"


class Authorizer(Part):
    type = "AWS::ApiGatewayV2::Authorizer"
    thing = "Authorizer"
    values = (
        "AuthorizerCredentialsArn AuthorizerPayloadFormatVersion AuthorizerResultTtlInSeconds AuthorizerType "
        "AuthorizerUri EnableSimpleResponses IdentitySource IdentityValidationExpression JwtConfiguration Name"
    )
    spec = (
        "ApiId!* AuthorizerCredentialsArn AuthorizerPayloadFormatVersion AuthorizerResultTtlInSeconds "
        "AuthorizerType! AuthorizerUri EnableSimpleResponses IdentitySource[] IdentityValidationExpression "
        "JwtConfiguration{} Name!"
    )
    attributes = "AuthorizerId"

    def values_of(self, r: Request) -> dict[str, Any]:
        return {"IdentitySource": [], **super().values_of(r)}


class Model(Part):
    type = "AWS::ApiGatewayV2::Model"
    thing = "Model"
    values = "ContentType Description Name Schema"
    spec = "ApiId!* ContentType Description Name! Schema!"
    attributes = "ModelId"


class Deployment(Part):
    type = "AWS::ApiGatewayV2::Deployment"
    thing = "Deployment"
    values = "Description StageName"
    fixed = ("StageName",)
    spec = "ApiId!* Description StageName"
    attributes = "DeploymentId"


class ApiMapping(Part):
    type = "AWS::ApiGatewayV2::ApiMapping"
    thing = "ApiMapping"
    parents = ("DomainName",)
    values = "ApiId ApiMappingKey Stage"
    spec = "DomainName!* ApiId! ApiMappingKey Stage!"
    attributes = "ApiMappingId"


class VpcLink(Part):
    type = "AWS::ApiGatewayV2::VpcLink"
    thing = "VpcLink"
    parents = ()
    values = "Name SecurityGroupIds SubnetIds Tags"
    fixed = ("SecurityGroupIds", "SubnetIds", "Tags")
    spec = "Name! SecurityGroupIds*[] SubnetIds!*[] Tags{}"
    attributes = "VpcLinkId"
