"""AppSync in templates, by its own types and by SAM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

GRAPHQL = """\
Parameters: {Name: {Type: String, Default: chat}}
Resources:
  Api:
    Type: AWS::AppSync::GraphQLApi
    Properties:
      Name: !Ref Name
      AuthenticationType: API_KEY
      AdditionalAuthenticationProviders:
        - {AuthenticationType: AMAZON_COGNITO_USER_POOLS, UserPoolConfig: {UserPoolId: us-east-1_x}}
      EnvironmentVariables: {TABLE: tokens}
      Tags: [{Key: team, Value: chat}]
      XrayEnabled: true
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties:
      ApiId: !GetAtt Api.ApiId
      %s
  Key:
    Type: AWS::AppSync::ApiKey
    Properties: {ApiId: !GetAtt Api.ApiId}
  None:
    Type: AWS::AppSync::DataSource
    Properties: {ApiId: !GetAtt Api.ApiId, Name: none, Type: NONE}
  First:
    Type: AWS::AppSync::FunctionConfiguration
    Properties:
      ApiId: !GetAtt Api.ApiId
      Name: first
      DataSourceName: !GetAtt None.Name
      Runtime: {Name: APPSYNC_JS, RuntimeVersion: 1.0.0}
      Code: "export const request = () => ({}); export const response = (ctx) => ctx.result;"
  Resolver:
    Type: AWS::AppSync::Resolver
    DependsOn: Schema
    Properties:
      ApiId: !GetAtt Api.ApiId
      TypeName: Query
      FieldName: hello
      Kind: PIPELINE
      PipelineConfig: {Functions: [!GetAtt First.FunctionId]}
      Runtime: {Name: APPSYNC_JS, RuntimeVersion: 1.0.0}
      %s
  Cache:
    Type: AWS::AppSync::ApiCache
    Properties:
      {ApiId: !GetAtt Api.ApiId, ApiCachingBehavior: PER_RESOLVER_CACHING, Ttl: '60', Type: SMALL}
Outputs:
  Url: {Value: !GetAtt Api.GraphQLUrl}
  Id: {Value: !GetAtt Api.ApiId}
  Key: {Value: !GetAtt Key.ApiKey}
  Arn: {Value: !Ref Api}
"""
INLINE = "Definition: 'type Query { hello: String }'"
CODE = (
    "export function request(ctx) { return {}; }\nexport function response(ctx) { return ctx.prev.result; }"
)
IN_S3 = "CodeS3Location: s3://code/resolver.js"

EVENTS = """\
Resources:
  Api:
    Type: AWS::AppSync::Api
    Properties:
      Name: live
      EventConfig:
        AuthProviders: [{AuthType: API_KEY}]
        ConnectionAuthModes: [{AuthType: API_KEY}]
        DefaultPublishAuthModes: [{AuthType: API_KEY}]
        DefaultSubscribeAuthModes: [{AuthType: API_KEY}]
  Namespace:
    Type: AWS::AppSync::ChannelNamespace
    Properties:
      ApiId: !GetAtt Api.ApiId
      Name: chat
      CodeHandlers: "export function onPublish(ctx) { return ctx.events; }"
  Key:
    Type: AWS::AppSync::ApiKey
    Properties: {ApiId: !GetAtt Api.ApiId, Description: %s}
Outputs:
  Http: {Value: !GetAtt Api.Dns.Http}
  Realtime: {Value: !GetAtt Api.Dns.Realtime}
  Key: {Value: !GetAtt Key.ApiKey}
"""

SAM = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::Serverless::GraphQLApi
    Properties:
      SchemaInline: |
        type Query { hello: String }
      Auth: {Type: API_KEY}
      ApiKeys: {Main: {Description: for clients}}
      Functions:
        first:
          Runtime: {Name: APPSYNC_JS, Version: 1.0.0}
          DataSource: NONE
          InlineCode: "export const request = () => ({}); export const response = (ctx) => ctx.result;"
      Resolvers:
        Query:
          hello:
            Runtime: {Name: APPSYNC_JS, Version: 1.0.0}
            Pipeline: [first]
"""


def test_a_graphql_api_with_all_its_parts(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.aws("s3", "CreateBucket", Bucket="code")
        await lab.aws("s3", "PutObject", Bucket="code", Key="resolver.js", Body=CODE.encode())
        stack = await lab.create(GRAPHQL % (INLINE, IN_S3))
        assert stack["StackStatus"] == "CREATE_COMPLETE", await lab.events()
        outputs = lab.outputs(stack)
        read = await lab.sandbox.control.resources.appsync.graphql_api(
            outputs["Url"].split("/")[2].split(".")[0]
        )
        assert read.id == outputs["Id"]
        assert read.arn == outputs["Arn"]
        assert list(read.keys) == [outputs["Key"]]
        assert read.auth[1].user_pool == {"userPoolId": "us-east-1_x", "awsRegion": "us-east-1"}
        assert read.environment == {"TABLE": "tokens"}
        assert read.resolvers["Query", "hello"].mapped.code == CODE
        assert len(read.resolvers["Query", "hello"].functions) == 1
        changed = "Definition: 'type Query { hello: String, more: Int }'"
        renamed = [{"ParameterKey": "Name", "ParameterValue": "other"}]
        stack = await lab.update(GRAPHQL % (changed, IN_S3), Parameters=renamed)
        assert stack["StackStatus"] == "UPDATE_COMPLETE", await lab.events()
        again = await lab.sandbox.control.resources.appsync.graphql_api(
            outputs["Url"].split("/")[2].split(".")[0]
        )
        assert (again.name, again.id) == ("other", read.id)
        assert "more: Int" in again.schema
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"
        assert (await lab.aws("appsync", "ListGraphqlApis"))["graphqlApis"] == []

    play(body)


def test_a_schema_that_is_none_fails_the_stack(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(GRAPHQL % ("Definition: 'typ Query'", "Code: ''"))
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert (await lab.reason("Schema")).startswith(
            "Schema Creation Status is FAILED with details: Failed to parse schema document"
        )

    play(body)


def test_an_event_api(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(EVENTS % "one")
        assert stack["StackStatus"] == "CREATE_COMPLETE", await lab.events()
        outputs = lab.outputs(stack)
        read = await lab.sandbox.control.resources.appsync.event_api(outputs["Http"].split(".")[0])
        assert outputs["Realtime"].split(".")[:2] == [outputs["Http"].split(".")[0], "appsync-realtime-api"]
        assert read.namespaces["chat"].code == "export function onPublish(ctx) { return ctx.events; }"
        assert list(read.keys) == [outputs["Key"]]
        assert (await lab.update(EVENTS % "two"))["StackStatus"] == "UPDATE_COMPLETE"
        keys = await lab.aws("appsync", "ListApiKeys", apiId=read.id)
        assert [key["description"] for key in keys["apiKeys"]] == ["two"]
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"

    play(body)


def test_a_graphql_api_of_sam(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(SAM)
        assert stack["StackStatus"] == "CREATE_COMPLETE", await lab.events()
        (api,) = (await lab.aws("appsync", "ListGraphqlApis"))["graphqlApis"]
        read = await lab.sandbox.control.resources.appsync.graphql_api(api["dns"]["GRAPHQL"].split(".")[0])
        assert read.resolvers["Query", "hello"].kind == "PIPELINE"
        assert len(read.keys) == 1

    play(body)


def test_a_domain_name(play: Any) -> None:
    async def body(lab: Any) -> None:
        template = (
            EVENTS % "one"
            + """\
  Domain: {Value: !GetAtt Domain.AppSyncDomainName}
"""
        )
        template = template.replace(
            "Outputs:",
            """\
  Domain:
    Type: AWS::AppSync::DomainName
    Properties:
      DomainName: live.example.com
      CertificateArn: arn:aws:acm:us-east-1:000000000000:certificate/1
  Association:
    Type: AWS::AppSync::DomainNameApiAssociation
    Properties: {DomainName: !GetAtt Domain.DomainName, ApiId: !GetAtt Api.ApiId}
Outputs:""",
        )
        stack = await lab.create(template)
        assert stack["StackStatus"] == "CREATE_COMPLETE", await lab.events()
        reading = lab.sandbox.control.resources.appsync
        label = await reading.domain("live.example.com")
        assert (await reading.event_api(label)).name == "live"
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"
        assert await reading.domain("live.example.com") is None

    play(body)


def test_a_template_that_cdk_wrote(play: Any) -> None:
    """``cdk synth`` of a GraphQL API with every kind of resolver and an Event API, its metadata left out."""

    async def body(lab: Any) -> None:
        await lab.aws(
            "ssm", "PutParameter", Name="/cdk-bootstrap/hnb659fds/version", Value="21", Type="String"
        )
        template = (Path(__file__).parent / "appsync_chat.template.json").read_text()
        stack = await lab.create(template)
        assert stack["StackStatus"] == "CREATE_COMPLETE", await lab.events()
        outputs, reading = lab.outputs(stack), lab.sandbox.control.resources.appsync
        api = await reading.graphql_api(outputs["Url"].split("/")[2].split(".")[0])
        assert [provider.type for provider in api.auth] == [
            "API_KEY",
            "AWS_IAM",
            "AMAZON_COGNITO_USER_POOLS",
        ]
        kinds = {key: (one.kind, one.mapped.runtime) for key, one in api.resolvers.items()}
        assert kinds == {
            ("Mutation", "put"): ("UNIT", "APPSYNC_JS"),
            ("Query", "note"): ("UNIT", None),
            ("Mutation", "ask"): ("PIPELINE", "APPSYNC_JS"),
        }
        assert list(api.keys) == [outputs["Key"]]
        events = await reading.event_api(outputs["Http"].split(".")[0])
        assert list(events.keys) == [outputs["EventKey"]]
        assert events.namespaces["straight"].handlers["onPublish"]["behavior"] == "DIRECT"
        assert events.namespaces["chat"].code == "export const onPublish = (ctx) => ctx.events;"
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"
        assert (await lab.aws("appsync", "ListApis"))["apis"] == []

    play(body)
