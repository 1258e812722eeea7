"""AppSync's management API through boto3: what is stored, what is refused, what the data planes read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.control.helpers import Served, refused

SCHEMA = """
type Query { hello(name: String): AWSJSON @aws_api_key }
type Mutation { token(text: String!): Token }
type Token { text: String! }
type Subscription { onToken: Token @aws_subscribe(mutations: ["token"]) }
"""
CODE = "export function request(ctx) { return {}; }\nexport const response = (ctx) => ctx.result;"
RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
KEY = {"authType": "API_KEY"}
EVENTS = {
    "authProviders": [KEY, {"authType": "AWS_IAM"}],
    "connectionAuthModes": [KEY],
    "defaultPublishAuthModes": [KEY],
    "defaultSubscribeAuthModes": [KEY],
}


@pytest.fixture
def client(served: Served) -> Any:
    return served.client("appsync")


def graphql_api(client: Any, **more: Any) -> dict[str, Any]:
    given = {"name": "chat", "authenticationType": "API_KEY", **more}
    made: dict[str, Any] = client.create_graphql_api(**given)["graphqlApi"]
    return made


def with_schema(client: Any, definition: str = SCHEMA) -> str:
    api = str(graphql_api(client)["apiId"])
    assert client.start_schema_creation(apiId=api, definition=definition)["status"] == "PROCESSING"
    return api


def label(api: dict[str, Any]) -> str:
    return str(api["uris"]["GRAPHQL"].split("//")[1].split(".")[0])


def test_a_new_graphql_api(client: Any, served: Served) -> None:
    made = graphql_api(client, tags={"a": "b"}, xrayEnabled=True)
    port, endpoint = served.port, label(made)
    assert made["uris"] == {
        "GRAPHQL": f"http://{endpoint}.appsync-api.us-east-1.localhost:{port}/graphql",
        "REALTIME": f"ws://{endpoint}.appsync-realtime-api.us-east-1.localhost:{port}/graphql",
    }
    assert endpoint != made["apiId"]
    assert (len(endpoint), len(made["apiId"])) == (26, 26)
    assert made["arn"] == f"arn:aws:appsync:us-east-1:000000000000:apis/{made['apiId']}"
    assert (made["introspectionConfig"], made["queryDepthLimit"], made["visibility"]) == (
        "ENABLED",
        0,
        "GLOBAL",
    )
    assert client.list_graphql_apis()["graphqlApis"][0]["apiId"] == made["apiId"]
    client.tag_resource(resourceArn=made["arn"], tags={"c": "d"})
    client.untag_resource(resourceArn=made["arn"], tagKeys=["a"])
    assert client.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"c": "d"}
    changed = client.update_graphql_api(apiId=made["apiId"], name="other", authenticationType="AWS_IAM")
    assert (changed["graphqlApi"]["name"], changed["graphqlApi"]["xrayEnabled"]) == ("other", True)
    client.delete_graphql_api(apiId=made["apiId"])
    assert refused(client.get_graphql_api, apiId=made["apiId"])[:2] == (404, "NotFoundException")


def test_a_mode_without_its_config_is_refused(client: Any) -> None:
    with pytest.raises(ClientError, match="userPoolConfig is required"):
        graphql_api(client, authenticationType="AMAZON_COGNITO_USER_POOLS")
    with pytest.raises(ClientError, match="API_KEY can be specified only once"):
        graphql_api(client, additionalAuthenticationProviders=[{"authenticationType": "API_KEY"}])
    with pytest.raises(ClientError, match="Member must satisfy regular expression pattern"):
        client.create_data_source(apiId=graphql_api(client)["apiId"], name="with-dash", type="NONE")


def test_a_schema(client: Any) -> None:
    api = with_schema(client)
    assert client.get_schema_creation_status(apiId=api)["status"] == "SUCCESS"
    sdl = client.get_introspection_schema(apiId=api, format="SDL")["schema"].read().decode()
    assert sdl == SCHEMA
    bare = client.get_introspection_schema(apiId=api, format="SDL", includeDirectives=False)["schema"].read()
    assert b"@" not in bare
    answer = json.loads(client.get_introspection_schema(apiId=api, format="JSON")["schema"].read())
    assert "Token" in [found["name"] for found in answer["data"]["__schema"]["types"]]


def test_a_bad_schema_leaves_the_old_one(client: Any) -> None:
    api = with_schema(client)
    client.start_schema_creation(apiId=api, definition="type Query { a: Nowhere }")
    status = client.get_schema_creation_status(apiId=api)
    assert (status["status"], status["details"]) == (
        "FAILED",
        "Unknown type 'Nowhere'. [Unknown type 'Nowhere'.]",
    )
    client.start_schema_creation(apiId=api, definition="typ Query {}")
    details = client.get_schema_creation_status(apiId=api)["details"]
    assert details.startswith("Failed to parse schema document - ensure it's a valid SDL-formatted document.")
    assert "line 1, column 1" in details
    assert client.get_introspection_schema(apiId=api, format="SDL")["schema"].read().decode() == SCHEMA


def test_types_one_by_one(client: Any) -> None:
    api = with_schema(client)
    made = client.create_type(apiId=api, definition='"A part" type Part { id: ID! }', format="SDL")["type"]
    assert (made["name"], made["description"]) == ("Part", "A part")
    client.update_type(apiId=api, typeName="Part", definition="type Part { name: String }", format="SDL")
    found = client.get_type(apiId=api, typeName="Part", format="JSON")["type"]["definition"]
    assert [its["name"] for its in json.loads(found)["fields"]] == ["name"]
    names = [its["name"] for its in client.list_types(apiId=api, format="SDL")["types"]]
    assert names == ["Query", "Mutation", "Token", "Subscription", "Part"]
    client.delete_type(apiId=api, typeName="Part")
    assert refused(client.get_type, apiId=api, typeName="Part", format="SDL")[0] == 404
    with pytest.raises(ClientError, match="already exists"):
        client.create_type(apiId=api, definition="type Token { id: ID }", format="SDL")


def test_keys_expire_on_the_hour(client: Any) -> None:
    api = graphql_api(client)["apiId"]
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)  # where the fixture's clock begins
    key = client.create_api_key(apiId=api)["apiKey"]
    assert key["id"].startswith("da2-")
    assert key["expires"] % 3600 == 0
    assert (
        timedelta(days=7) <= datetime.fromtimestamp(key["expires"], UTC) - now <= timedelta(days=7, hours=1)
    )
    assert key["deletes"] - key["expires"] == 60 * 86_400
    soon, late = now + timedelta(hours=20), now + timedelta(days=366)
    code = "ApiKeyValidityOutOfBoundsException"
    assert refused(client.create_api_key, apiId=api, expires=int(soon.timestamp())) == (
        400,
        code,
        "API key must be valid for a minimum of 1 days.",
    )
    assert refused(client.update_api_key, apiId=api, id=key["id"], expires=int(late.timestamp())) == (
        400,
        code,
        "API key can be valid for a maximum of 365 days.",
    )
    client.update_api_key(apiId=api, id=key["id"], description="mine")
    assert client.list_api_keys(apiId=api)["apiKeys"][0]["description"] == "mine"
    client.delete_api_key(apiId=api, id=key["id"])
    assert client.list_api_keys(apiId=api)["apiKeys"] == []


def test_resolvers_and_functions(client: Any, served: Served) -> None:
    made = graphql_api(client)
    api = made["apiId"]
    client.start_schema_creation(apiId=api, definition=SCHEMA)
    client.create_data_source(apiId=api, name="none", type="NONE")
    with pytest.raises(ClientError, match="lambdaConfig is required"):
        client.create_data_source(apiId=api, name="fn", type="AWS_LAMBDA")
    function = client.create_function(
        apiId=api, name="first", dataSourceName="none", runtime=RUNTIME, code=CODE
    )["functionConfiguration"]["functionId"]
    unit = {"apiId": api, "typeName": "Query", "fieldName": "hello", "dataSourceName": "none"}
    client.create_resolver(**unit, runtime=RUNTIME, code=CODE)
    assert refused(client.create_resolver, **unit)[2] == "Only one resolver is allowed per field."
    pipeline = {"apiId": api, "typeName": "Mutation", "fieldName": "token", "kind": "PIPELINE"}
    client.create_resolver(**pipeline, pipelineConfig={"functions": [function]}, runtime=RUNTIME, code=CODE)
    used = client.list_resolvers_by_function(apiId=api, functionId=function)["resolvers"]
    assert [(its["typeName"], its["fieldName"]) for its in used] == [("Mutation", "token")]
    assert "used by resolver" in refused(client.delete_function, apiId=api, functionId=function)[2]
    assert "is used by" in refused(client.delete_data_source, apiId=api, name="none")[2]
    missing = {**unit, "typeName": "Query", "fieldName": "nothing"}
    assert refused(client.create_resolver, **missing)[0] == 404
    read = served.ask(served.control.resources.appsync.graphql_api(label(made)))
    assert read is not None
    assert read.resolvers["Mutation", "token"].functions == (function,)
    assert read.resolvers["Query", "hello"].mapped.code == CODE
    assert read.functions[function].mapped.data_source == "none"
    before = read.epoch
    client.delete_resolver(apiId=api, typeName="Query", fieldName="hello")
    again = served.ask(served.control.resources.appsync.graphql_api(label(made)))
    assert again is not None
    assert again.epoch > before
    assert ("Query", "hello") not in again.resolvers


def test_bad_code_is_refused_with_its_place(client: Any) -> None:
    api = with_schema(client)
    client.create_data_source(apiId=api, name="none", type="NONE")
    code = "export function request(ctx) {\n  try { return 1 } catch (e) {}\n}\nexport function response() {}"
    with pytest.raises(ClientError) as raised:
        client.create_function(apiId=api, name="f", dataSourceName="none", runtime=RUNTIME, code=code)
    response = raised.value.response
    assert response["Error"]["Message"] == "The code contains one or more errors."
    assert response["reason"] == "CODE_ERROR"
    assert [error["location"] for error in response["detail"]["codeErrors"]] == [
        {"line": 2, "column": 3, "span": 29}
    ]


def test_environment_variables_and_caches(client: Any) -> None:
    api = graphql_api(client)["apiId"]
    put = client.put_graphql_api_environment_variables
    assert put(apiId=api, environmentVariables={"TABLE": "t"})["environmentVariables"] == {"TABLE": "t"}
    many = {f"N{n}": "x" for n in range(51)}
    assert refused(put, apiId=api, environmentVariables=many)[0] == 400
    found = client.get_graphql_api_environment_variables(apiId=api)
    assert found["environmentVariables"] == {"TABLE": "t"}
    assert refused(client.get_api_cache, apiId=api)[0] == 404
    client.create_api_cache(apiId=api, ttl=60, apiCachingBehavior="FULL_REQUEST_CACHING", type="SMALL")
    assert client.get_api_cache(apiId=api)["apiCache"]["status"] == "AVAILABLE"


def test_event_apis_and_namespaces(client: Any, served: Served) -> None:
    api = client.create_api(name="my events", eventConfig=EVENTS)["api"]
    endpoint = api["dns"]["HTTP"].split(".")[0]
    assert api["dns"]["REALTIME"] == f"{endpoint}.appsync-realtime-api.us-east-1.localhost:{served.port}"
    client.create_data_source(
        apiId=api["apiId"],
        name="fn",
        type="AWS_LAMBDA",
        lambdaConfig={"lambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f"},
    )
    direct = {
        "behavior": "DIRECT",
        "integration": {"dataSourceName": "fn", "lambdaConfig": {"invokeType": "EVENT"}},
    }
    made = client.create_channel_namespace(
        apiId=api["apiId"],
        name="chat",
        publishAuthModes=[{"authType": "AWS_IAM"}],
        handlerConfigs={"onPublish": direct},
    )["channelNamespace"]
    assert made["channelNamespaceArn"] == f"{api['apiArn']}/channelNamespace/chat"
    assert refused(client.create_channel_namespace, apiId=api["apiId"], name="chat")[1] == "ConflictException"
    with pytest.raises(ClientError, match="not one of the API's authProviders"):
        client.create_channel_namespace(
            apiId=api["apiId"], name="x", publishAuthModes=[{"authType": "AWS_LAMBDA"}]
        )
    client.create_api_key(apiId=api["apiId"])
    read = served.ask(served.control.resources.appsync.event_api(endpoint))
    assert read is not None
    assert read.namespaces["chat"].publish_auth == ("AWS_IAM",)
    assert read.namespaces["chat"].subscribe_auth is None
    assert read.namespaces["chat"].handlers["onPublish"]["behavior"] == "DIRECT"
    assert len(read.keys) == 1
    assert served.ask(served.control.resources.appsync.graphql_api(endpoint)) is None
    client.delete_channel_namespace(apiId=api["apiId"], name="chat")
    client.delete_api(apiId=api["apiId"])
    assert client.list_apis()["apis"] == []


def test_domain_names(client: Any, served: Served) -> None:
    api = graphql_api(client)
    arn = "arn:aws:acm:us-east-1:000000000000:certificate/1"
    made = client.create_domain_name(domainName="api.example.com", certificateArn=arn)["domainNameConfig"]
    assert made["hostedZoneId"] == "Z2FDTNDATAQYW2"
    client.associate_api(domainName="api.example.com", apiId=api["apiId"])
    assert served.ask(served.control.resources.appsync.domain("api.example.com")) == label(api)
    assert refused(client.delete_domain_name, domainName="api.example.com")[0] == 400
    client.disassociate_api(domainName="api.example.com")
    assert refused(client.get_api_association, domainName="api.example.com")[0] == 404
    client.delete_domain_name(domainName="api.example.com")


def test_code_can_be_evaluated(client: Any) -> None:
    code = "export function request(ctx) { console.log('seen'); ctx.stash.n = 1; return { a: ctx.args.x }; }"
    answer = client.evaluate_code(
        runtime=RUNTIME, code=code, context=json.dumps({"arguments": {"x": 5}}), function="request"
    )
    assert json.loads(answer["evaluationResult"]) == {"a": 5}
    assert json.loads(answer["stash"]) == {"n": 1}
    assert answer["logs"] == ["INFO - code.js: seen"]
    failed = client.evaluate_code(runtime=RUNTIME, code="export const request = () => ~1", context="{}")
    assert failed["error"]["codeErrors"][0]["errorType"] == "LINT_ERROR"


def test_templates_can_be_evaluated(client: Any) -> None:
    template = '$util.qr($ctx.stash.put("n", 1)){"a": $ctx.args.x, "b": $context.arguments.x}'
    context = json.dumps({"arguments": {"x": 5}})
    answer = client.evaluate_mapping_template(template=template, context=context)
    assert answer["evaluationResult"] == '{"a": 5, "b": 5}'
    assert json.loads(answer["stash"]) == {"n": 1}
    failed = client.evaluate_mapping_template(template='$util.error("no")', context="{}")
    assert failed["error"] == {"message": "no"}
    code, message = refused(client.evaluate_mapping_template, template="$util.nope(1)", context="{}")[1:]
    assert code == "NotImplemented"
    assert "$util.nope" in message


def test_what_is_not_there_is_named(client: Any) -> None:
    code, message = refused(client.get_data_source_introspection, introspectionId="x")[1:]
    assert code == "NotImplemented"
    assert "appsync GetDataSourceIntrospection" in message
