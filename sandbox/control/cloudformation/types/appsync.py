"""AppSync: GraphQL APIs, their schemas, keys, data sources, resolvers and functions."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType

SERVICE = "appsync"
API = (
    "AdditionalAuthenticationProviders AuthenticationType EnhancedMetricsConfig IntrospectionConfig "
    "LambdaAuthorizerConfig LogConfig MergedApiExecutionRoleArn Name OpenIDConnectConfig OwnerContact "
    "QueryDepthLimit ResolverCountLimit UserPoolConfig XrayEnabled"
)
MAPPING = "Code RequestMappingTemplate ResponseMappingTemplate"


async def from_s3(r: Request, location: str) -> str:
    """The text that an address in S3 has: ``s3://bucket/key`` or ``https://bucket.s3.../key``."""
    parts = urlsplit(location)
    bucket, key = parts.netloc, unquote(parts.path.lstrip("/"))
    if parts.scheme in ("http", "https"):
        host = parts.netloc.partition(":")[0]
        if host.startswith(("s3.", "s3-")):
            bucket, _, key = key.partition("/")
        else:
            bucket = host.partition(".s3")[0]
    elif parts.scheme != "s3":
        raise ResourceError(f"{location!r} is no address in S3 (s3://bucket/key)")
    content = (await r.call("s3", "GetObject", Bucket=bucket, Key=key))["Body"]
    data = content if isinstance(content, bytes) else content.read()
    return str(data.decode("utf-8"))


async def with_s3(r: Request, names: str) -> dict[str, Any]:
    """The texts of these properties, each given itself or by its ``...S3Location``."""
    found = r.pick(names)
    for name in names.split():
        if location := r.get(f"{name}S3Location"):
            found[name] = await from_s3(r, location)
    return found


async def retag(r: Request, arn: str) -> None:
    """Bring a thing's tags from the old properties to the new ones."""
    new = {tag["Key"]: str(tag["Value"]) for tag in r.get("Tags") or []}
    gone = [tag["Key"] for tag in r.previous.get("Tags") or [] if tag["Key"] not in new]
    if gone:
        await r.call(SERVICE, "UntagResource", resourceArn=arn, tagKeys=gone)
    if new and r.changed("Tags"):
        await r.call(SERVICE, "TagResource", resourceArn=arn, tags=new)


class GraphQLApi(ResourceType):
    type = "AWS::AppSync::GraphQLApi"
    spec = (
        "AdditionalAuthenticationProviders[] ApiType* AuthenticationType! EnhancedMetricsConfig{} "
        "EnvironmentVariables{} IntrospectionConfig LambdaAuthorizerConfig{} LogConfig{} MergedApiExecutionRoleArn "
        "Name! OpenIDConnectConfig{} OwnerContact QueryDepthLimit ResolverCountLimit Tags[] UserPoolConfig{} "
        "Visibility* XrayEnabled"
    )
    attributes = "ApiId Arn GraphQLDns GraphQLEndpointArn GraphQLUrl RealtimeDns RealtimeUrl"

    async def create(self, r: Request) -> None:
        made = (await r.send(SERVICE, "CreateGraphqlApi", {**_api(r), **r.pick("ApiType Tags Visibility")}))[
            "graphqlApi"
        ]
        r.physical_id = made["arn"]
        host = made["dns"]["GRAPHQL"]
        r.attributes = {
            "ApiId": made["apiId"],
            "Arn": made["arn"],
            "GraphQLDns": host,
            "GraphQLEndpointArn": r.arn(SERVICE, f"endpoints/graphql-api/{host.partition('.')[0]}"),
            "GraphQLUrl": made["uris"]["GRAPHQL"],
            "RealtimeDns": made["dns"]["REALTIME"],
            "RealtimeUrl": made["uris"]["REALTIME"],
        }
        await _set_environment(r)

    async def update(self, r: Request) -> None:
        await r.send(SERVICE, "UpdateGraphqlApi", {**_api(r), "ApiId": api_id(r.physical_id)})
        if r.changed("EnvironmentVariables"):
            await _set_environment(r)
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteGraphqlApi", apiId=api_id(r.physical_id))


def api_id(arn: str) -> str:
    """The id of an API by its ARN or that of a part of it."""
    return arn.partition(":apis/")[2].partition("/")[0]


def _api(r: Request) -> dict[str, Any]:
    """A template need not say Region and default action of a user pool; the API wants them."""
    given = r.pick(API)
    pool = {"AwsRegion": r.region, "DefaultAction": "ALLOW"}
    if "UserPoolConfig" in given:
        given["UserPoolConfig"] = {**pool, **given["UserPoolConfig"]}
    if "AdditionalAuthenticationProviders" in given:
        given["AdditionalAuthenticationProviders"] = [
            {**provider, "UserPoolConfig": {"AwsRegion": r.region, **provider["UserPoolConfig"]}}
            if "UserPoolConfig" in provider
            else provider
            for provider in given["AdditionalAuthenticationProviders"]
        ]
    return given


async def _set_environment(r: Request) -> None:
    variables = r.get("EnvironmentVariables")
    if variables is None and "EnvironmentVariables" not in r.previous:
        return
    given = {"ApiId": api_id(r.physical_id), "EnvironmentVariables": variables or {}}
    await r.send(SERVICE, "PutGraphqlApiEnvironmentVariables", given)


class GraphQLSchema(ResourceType):
    type = "AWS::AppSync::GraphQLSchema"
    spec = "ApiId!* Definition DefinitionS3Location"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        await self.update(r)
        r.physical_id = f"{r['ApiId']}GraphQLSchema"
        r.attributes = {"Id": r.physical_id}

    async def update(self, r: Request) -> None:
        definition = (await with_s3(r, "Definition")).get("Definition")
        if definition is None:
            raise ResourceError("Definition or DefinitionS3Location is required")
        await r.call(SERVICE, "StartSchemaCreation", apiId=r["ApiId"], definition=str(definition).encode())
        while True:
            found = await r.call(SERVICE, "GetSchemaCreationStatus", apiId=r["ApiId"])
            if found["status"] == "FAILED":
                raise ResourceError(
                    f"Schema Creation Status is FAILED with details: {found.get('details', '')}"
                )
            if found["status"] != "PROCESSING":
                return
            await asyncio.sleep(1)

    async def delete(self, r: Request) -> None:
        """A schema goes with its API."""


class ApiKey(ResourceType):
    type = "AWS::AppSync::ApiKey"
    spec = "ApiId!* ApiKeyId Description Expires"
    attributes = "ApiKey ApiKeyId Arn"

    async def create(self, r: Request) -> None:
        made = (await r.send(SERVICE, "CreateApiKey", r.pick("ApiId Description Expires")))["apiKey"]
        r.physical_id = r.arn(SERVICE, f"apis/{r['ApiId']}/apikeys/{made['id']}")
        r.attributes = {"ApiKey": made["id"], "ApiKeyId": made["id"], "Arn": r.physical_id}

    async def update(self, r: Request) -> None:
        given = {**r.pick("ApiId Description Expires"), "Id": r.physical_id.rpartition("/")[2]}
        await r.send(SERVICE, "UpdateApiKey", given)

    async def delete(self, r: Request) -> None:
        key = r.physical_id.rpartition("/")[2]
        await r.call(SERVICE, "DeleteApiKey", apiId=api_id(r.physical_id), id=key)


class DataSource(ResourceType):
    type = "AWS::AppSync::DataSource"
    values = (
        "ApiId Description DynamoDBConfig ElasticsearchConfig EventBridgeConfig HttpConfig LambdaConfig "
        "MetricsConfig Name OpenSearchServiceConfig RelationalDatabaseConfig ServiceRoleArn Type"
    )
    spec = (
        "ApiId!* Description DynamoDBConfig{} ElasticsearchConfig{} EventBridgeConfig{} HttpConfig{} LambdaConfig{} "
        "MetricsConfig Name!* OpenSearchServiceConfig{} RelationalDatabaseConfig{} ServiceRoleArn Type!"
    )
    attributes = "DataSourceArn Name"

    async def create(self, r: Request) -> None:
        made = (await r.send(SERVICE, "CreateDataSource", r.pick(self.values)))["dataSource"]
        r.physical_id = made["dataSourceArn"]
        r.attributes = {"DataSourceArn": r.physical_id, "Name": made["name"]}

    async def update(self, r: Request) -> None:
        await r.send(SERVICE, "UpdateDataSource", r.pick(self.values))

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteDataSource", apiId=r["ApiId"], name=r["Name"])


class Resolver(ResourceType):
    type = "AWS::AppSync::Resolver"
    values = (
        "ApiId CachingConfig DataSourceName FieldName Kind MaxBatchSize MetricsConfig PipelineConfig Runtime "
        "SyncConfig TypeName"
    )
    spec = (
        "ApiId!* CachingConfig{} Code CodeS3Location DataSourceName FieldName!* Kind MaxBatchSize MetricsConfig "
        "PipelineConfig{} RequestMappingTemplate RequestMappingTemplateS3Location ResponseMappingTemplate "
        "ResponseMappingTemplateS3Location Runtime{} SyncConfig{} TypeName!*"
    )
    attributes = "FieldName ResolverArn TypeName"

    async def create(self, r: Request) -> None:
        given = {**r.pick(self.values), **await with_s3(r, MAPPING)}
        made = (await r.send(SERVICE, "CreateResolver", given))["resolver"]
        r.physical_id = made["resolverArn"]
        r.attributes = {
            "FieldName": made["fieldName"],
            "ResolverArn": r.physical_id,
            "TypeName": made["typeName"],
        }

    async def update(self, r: Request) -> None:
        await r.send(SERVICE, "UpdateResolver", {**r.pick(self.values), **await with_s3(r, MAPPING)})

    async def delete(self, r: Request) -> None:
        names = {"apiId": r["ApiId"], "typeName": r["TypeName"], "fieldName": r["FieldName"]}
        await r.call(SERVICE, "DeleteResolver", **names)


class FunctionConfiguration(ResourceType):
    type = "AWS::AppSync::FunctionConfiguration"
    values = "ApiId DataSourceName Description FunctionVersion MaxBatchSize Name Runtime SyncConfig"
    spec = (
        "ApiId!* Code CodeS3Location DataSourceName! Description FunctionVersion MaxBatchSize Name! "
        "RequestMappingTemplate RequestMappingTemplateS3Location ResponseMappingTemplate "
        "ResponseMappingTemplateS3Location Runtime{} SyncConfig{}"
    )
    attributes = "DataSourceName FunctionArn FunctionId Name"

    async def create(self, r: Request) -> None:
        given = {**r.pick(self.values), **await with_s3(r, MAPPING)}
        self._made(r, await r.send(SERVICE, "CreateFunction", given))

    def _made(self, r: Request, answer: dict[str, Any]) -> None:
        made = answer["functionConfiguration"]
        r.physical_id = made["functionArn"]
        r.attributes = {
            "DataSourceName": made["dataSourceName"],
            "FunctionArn": made["functionArn"],
            "FunctionId": made["functionId"],
            "Name": made["name"],
        }

    async def update(self, r: Request) -> None:
        given = {**r.pick(self.values), **await with_s3(r, MAPPING)}
        given["FunctionId"] = r.physical_id.rpartition("/")[2]
        self._made(r, await r.send(SERVICE, "UpdateFunction", given))

    async def delete(self, r: Request) -> None:
        function = r.physical_id.rpartition("/")[2]
        await r.call(SERVICE, "DeleteFunction", apiId=r["ApiId"], functionId=function)
