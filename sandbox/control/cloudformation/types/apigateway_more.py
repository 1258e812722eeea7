"""API Gateway (REST): authorizers, models, validators, gateway responses, documentation."""

from __future__ import annotations

from typing import Any, ClassVar

from sandbox.control.cloudformation.types.apigateway_patch import mapping, scalars, values
from sandbox.control.cloudformation.types.base import Request, ResourceType, document

_SERVICE = "apigateway"


class Authorizer(ResourceType):
    type = "AWS::ApiGateway::Authorizer"
    spec = (
        "AuthType AuthorizerCredentials AuthorizerResultTtlInSeconds AuthorizerUri IdentitySource "
        "IdentityValidationExpression Name! ProviderARNs[] RestApiId!* Type!"
    )
    attributes = "AuthorizerId"

    async def create(self, r: Request) -> None:
        made = await r.send(_SERVICE, "CreateAuthorizer", r.properties)
        r.physical_id = made["id"]
        r.attributes = {"AuthorizerId": r.physical_id}

    async def update(self, r: Request) -> None:
        patches = scalars(
            r, "AuthType AuthorizerCredentials AuthorizerResultTtlInSeconds AuthorizerUri IdentitySource "
            "IdentityValidationExpression Name Type",
        )  # fmt: skip
        patches += values("/providerARNs", r.previous.get("ProviderARNs"), r.get("ProviderARNs"))
        await r.call(
            _SERVICE, "UpdateAuthorizer", restApiId=r["RestApiId"], authorizerId=r.physical_id,
            patchOperations=patches,
        )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteAuthorizer", restApiId=r["RestApiId"], authorizerId=r.physical_id)


class Model(ResourceType):
    type = "AWS::ApiGateway::Model"
    spec = "ContentType* Description Name* RestApiId!* Schema"

    async def create(self, r: Request) -> None:
        name = r.get("Name") or "".join(c for c in r.name(64) if c.isalnum())
        given = {"ContentType": "application/json", **r.properties, "Name": name}
        await r.send(_SERVICE, "CreateModel", given)
        r.physical_id = name

    async def update(self, r: Request) -> None:
        await r.call(
            _SERVICE, "UpdateModel", restApiId=r["RestApiId"], modelName=r.physical_id,
            patchOperations=scalars(r, "Description Schema"),
        )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteModel", restApiId=r["RestApiId"], modelName=r.physical_id)


class RequestValidator(ResourceType):
    type = "AWS::ApiGateway::RequestValidator"
    spec = "Name* RestApiId!* ValidateRequestBody ValidateRequestParameters"
    attributes = "RequestValidatorId"

    async def create(self, r: Request) -> None:
        made = await r.send(_SERVICE, "CreateRequestValidator", r.properties)
        r.physical_id = made["id"]
        r.attributes = {"RequestValidatorId": r.physical_id}

    async def update(self, r: Request) -> None:
        defaults = {"ValidateRequestBody": False, "ValidateRequestParameters": False}
        r.properties = {**defaults, **r.properties}
        await r.call(
            _SERVICE, "UpdateRequestValidator", restApiId=r["RestApiId"], requestValidatorId=r.physical_id,
            patchOperations=scalars(r, "ValidateRequestBody ValidateRequestParameters"),
        )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call(
            _SERVICE, "DeleteRequestValidator", restApiId=r["RestApiId"], requestValidatorId=r.physical_id
        )


class GatewayResponse(ResourceType):
    type = "AWS::ApiGateway::GatewayResponse"
    spec = "ResponseParameters{} ResponseTemplates{} ResponseType!* RestApiId!* StatusCode"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        await self.update(r)
        r.physical_id = f"{r['RestApiId']}|{r['ResponseType']}"
        r.attributes = {"Id": r.physical_id}

    async def update(self, r: Request) -> None:
        await r.send(_SERVICE, "PutGatewayResponse", r.properties)

    async def delete(self, r: Request) -> None:
        await r.send(_SERVICE, "DeleteGatewayResponse", r.pick("RestApiId ResponseType"))


class DocumentationPart(ResourceType):
    type = "AWS::ApiGateway::DocumentationPart"
    spec = "Location!*{} Properties! RestApiId!*"
    attributes = "DocumentationPartId"

    async def create(self, r: Request) -> None:
        made = await r.send(_SERVICE, "CreateDocumentationPart", r.properties)
        r.physical_id = made["id"]
        r.attributes = {"DocumentationPartId": r.physical_id}

    async def update(self, r: Request) -> None:
        patch = {"op": "replace", "path": "/properties", "value": document(r["Properties"])}
        await r.call(
            _SERVICE, "UpdateDocumentationPart", restApiId=r["RestApiId"], documentationPartId=r.physical_id,
            patchOperations=[patch],
        )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call(
            _SERVICE, "DeleteDocumentationPart", restApiId=r["RestApiId"], documentationPartId=r.physical_id
        )


class DocumentationVersion(ResourceType):
    type = "AWS::ApiGateway::DocumentationVersion"
    spec = "Description DocumentationVersion!* RestApiId!*"

    async def create(self, r: Request) -> None:
        await r.send(_SERVICE, "CreateDocumentationVersion", r.properties)
        r.physical_id = r["DocumentationVersion"]

    async def update(self, r: Request) -> None:
        await r.call(
            _SERVICE, "UpdateDocumentationVersion", restApiId=r["RestApiId"],
            documentationVersion=r.physical_id, patchOperations=scalars(r, "Description"),
        )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call(
            _SERVICE,
            "DeleteDocumentationVersion",
            restApiId=r["RestApiId"],
            documentationVersion=r.physical_id,
        )


class ClientCertificate(ResourceType):
    type = "AWS::ApiGateway::ClientCertificate"
    spec = "Description Tags[]"
    attributes = "ClientCertificateId"

    async def create(self, r: Request) -> None:
        made = await r.send(_SERVICE, "GenerateClientCertificate", r.properties)
        r.physical_id = made["clientCertificateId"]
        r.attributes = {"ClientCertificateId": r.physical_id}

    async def update(self, r: Request) -> None:
        await r.call(
            _SERVICE, "UpdateClientCertificate", clientCertificateId=r.physical_id,
            patchOperations=scalars(r, "Description"),
        )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteClientCertificate", clientCertificateId=r.physical_id)


class VpcLink(ResourceType):
    type = "AWS::ApiGateway::VpcLink"
    spec = "Description Name! Tags[] TargetArns!*[]"
    attributes = "VpcLinkId"

    async def create(self, r: Request) -> None:
        made = await r.send(_SERVICE, "CreateVpcLink", r.properties)
        r.physical_id = made["id"]
        r.attributes = {"VpcLinkId": r.physical_id}

    async def update(self, r: Request) -> None:
        patches = scalars(r, "Description Name")
        await r.call(_SERVICE, "UpdateVpcLink", vpcLinkId=r.physical_id, patchOperations=patches)

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteVpcLink", vpcLinkId=r.physical_id)


class Account(ResourceType):
    type = "AWS::ApiGateway::Account"
    spec = "CloudWatchRoleArn"
    attributes = "Id"
    path: ClassVar[str] = "/cloudwatchRoleArn"

    async def create(self, r: Request) -> None:
        await self.update(r)
        r.physical_id = r.name(64)
        r.attributes = {"Id": r.physical_id}

    async def update(self, r: Request) -> None:
        value: Any = r.get("CloudWatchRoleArn", "")
        await r.call(
            _SERVICE, "UpdateAccount", patchOperations=[{"op": "replace", "path": self.path, "value": value}]
        )

    async def delete(self, r: Request) -> None:
        """The account's setting stays, as on AWS."""


class BasePathMapping(ResourceType):
    type = "AWS::ApiGateway::BasePathMapping"
    spec = "BasePath* DomainName!* RestApiId Stage"

    async def create(self, r: Request) -> None:
        await r.send(_SERVICE, "CreateBasePathMapping", r.properties)
        r.physical_id = f"{r['DomainName']}|{r.get('BasePath', '(none)')}"

    async def update(self, r: Request) -> None:
        await r.call(
            _SERVICE, "UpdateBasePathMapping", domainName=r["DomainName"], basePath=r.get("BasePath", "(none)"),
            patchOperations=scalars(r, "", RestApiId="/restapiId", Stage="/stage"),
        )  # fmt: skip

    async def delete(self, r: Request) -> None:
        base = r.get("BasePath", "(none)")
        await r.call(_SERVICE, "DeleteBasePathMapping", domainName=r["DomainName"], basePath=base)


class DomainName(ResourceType):
    type = "AWS::ApiGateway::DomainName"
    spec = (
        "CertificateArn DomainName* EndpointAccessMode EndpointConfiguration{} MutualTlsAuthentication{} "
        "OwnershipVerificationCertificateArn RegionalCertificateArn RoutingMode SecurityPolicy Tags[]"
    )
    attributes = (
        "DistributionDomainName DistributionHostedZoneId DomainNameArn RegionalDomainName "
        "RegionalHostedZoneId"
    )

    async def create(self, r: Request) -> None:
        made = await r.send(_SERVICE, "CreateDomainName", r.properties)
        r.physical_id = made["domainName"]
        r.attributes = {
            name: made[key] for name in self.attributes.split() if (key := name[0].lower() + name[1:]) in made
        }

    async def update(self, r: Request) -> None:
        patches = scalars(
            r, "CertificateArn EndpointAccessMode OwnershipVerificationCertificateArn RegionalCertificateArn "
            "RoutingMode SecurityPolicy",
        )  # fmt: skip
        old, new = (p.get("MutualTlsAuthentication") for p in (r.previous, r.properties))
        lowered = [{k[0].lower() + k[1:]: v for k, v in (m or {}).items()} for m in (old, new)]
        patches += mapping("/mutualTlsAuthentication", lowered[0], lowered[1])
        await r.call(_SERVICE, "UpdateDomainName", domainName=r.physical_id, patchOperations=patches)

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteDomainName", domainName=r.physical_id)
