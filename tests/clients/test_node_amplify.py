"""Amplify v6, unmodified, on Event APIs and GraphQL APIs: over TLS, as it insists on, and on virtual time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.stories.handle import SandboxHandle

if TYPE_CHECKING:
    from tests.clients.conftest import Run

GEN2 = Path(__file__).parent / "amplify_gen2"
KEY, IAM = {"authType": "API_KEY"}, {"authType": "AWS_IAM"}
PASSWORD = "Pass-word-1"
SCHEMA = """
type Message { room: ID! text: String }
type Query { hello: String }
type Mutation { say(room: ID!, text: String!): Message }
type Subscription { onSay(room: ID): Message @aws_subscribe(mutations: ["say"]) }
"""
ECHO = "export const request = (ctx) => ({ payload: ctx.args }); export const response = (ctx) => ctx.result;"
RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}


@pytest.fixture
def authority(sandbox: SandboxHandle, tmp_path: Path) -> Path:
    """The sandbox's certificate authority."""
    file = tmp_path / "ca.pem"
    file.write_bytes(httpx.get(f"{sandbox.endpoint}/_sandbox/ca.pem").content)
    return file


def address(sandbox: SandboxHandle, host: str, path: str) -> str:
    """By path, since not every resolver knows names below localhost."""
    return f"{sandbox.endpoint}/_aws/appsync/{host.partition('.')[0]}{path}".replace("http://", "https://")


def event_api(appsync: Any, mode: dict[str, str]) -> Any:
    """An Event API with one way in and the namespace ``chat``."""
    config = {
        "authProviders": [mode],
        "connectionAuthModes": [mode],
        "defaultPublishAuthModes": [mode],
        "defaultSubscribeAuthModes": [mode],
    }
    api = appsync.create_api(name="live", eventConfig=config)["api"]
    appsync.create_channel_namespace(apiId=api["apiId"], name="chat")
    return api


def graphql_api(appsync: Any, mode: dict[str, str]) -> Any:
    """A GraphQL API whose mutation ``say`` gives its arguments back."""
    api = appsync.create_graphql_api(name="chat", authenticationType=mode["authType"])["graphqlApi"]
    appsync.start_schema_creation(apiId=api["apiId"], definition=SCHEMA.encode())
    appsync.create_data_source(apiId=api["apiId"], name="none", type="NONE")
    at = {"apiId": api["apiId"], "typeName": "Mutation", "fieldName": "say"}
    appsync.create_resolver(**at, dataSourceName="none", runtime=RUNTIME, code=ECHO)
    return api


def both(sandbox: SandboxHandle, mode: dict[str, str]) -> dict[str, Any]:
    """The addresses of an Event API and a GraphQL API with one way in, and their keys."""
    appsync: Any = sandbox.client("appsync")
    events, graphql = event_api(appsync, mode), graphql_api(appsync, mode)
    given = {
        "events": address(sandbox, events["dns"]["HTTP"], "/event"),
        "graphql": address(sandbox, graphql["dns"]["GRAPHQL"], "/graphql"),
    }
    if mode is KEY:
        given["eventsKey"] = appsync.create_api_key(apiId=events["apiId"])["apiKey"]["id"]
        given["graphqlKey"] = appsync.create_api_key(apiId=graphql["apiId"])["apiKey"]["id"]
    return given


@pytest.mark.fact("5.6", "5.7", "5.8", "5.10", "5.21", "5.22", "5.23")
def test_amplify_with_keys(sandbox: SandboxHandle, run_node: Run, authority: Path) -> None:
    said = run_node("amplify_key.mjs", sandbox.endpoint, authority, **both(sandbox, KEY))
    events, graphql = said[:3], said[3:]
    assert events[:2] == [{"failed": 0}, {"came": [{"n": 1}, "two", {"n": 3}]}]
    assert "refused" in events[2]
    assert graphql == [
        {"said": "one"},
        {"said": "two"},
        {"came": [{"room": "a", "text": "one"}, {"room": "a", "text": "two"}]},
        {"refused": "Unauthorized"},
    ]


@pytest.mark.fact("5.7", "5.13", "5.22", "5.23")
def test_amplify_signs_what_is_verified(sandbox: SandboxHandle, run_node: Run, authority: Path) -> None:
    credentials = {"accessKeyId": "test", "secretAccessKey": "test"}
    said = run_node(
        "amplify_iam.mjs", sandbox.endpoint, authority, credentials=credentials, **both(sandbox, IAM)
    )
    assert said == [
        {"event": {"text": "<b> & ü"}},
        {"event": {"text": "over the WebSocket"}},
        {"said": {"text": "ü"}},
    ]


def configuration(sandbox: SandboxHandle, stack: dict[str, str]) -> dict[str, Any]:
    """``amplify_outputs.json`` of the stack."""
    host = stack["awsAppsyncApiEndpoint"].partition("://")[2]
    return {
        "version": "1.3",
        "auth": {
            "aws_region": "us-east-1",
            "user_pool_id": stack["userPoolId"],
            "user_pool_client_id": stack["webClientId"],
            "identity_pool_id": stack["identityPoolId"],
            "username_attributes": ["email"],
            "standard_required_attributes": ["email"],
            "unauthenticated_identities_enabled": True,
        },
        "data": {
            "url": address(sandbox, host, "/graphql"),
            "aws_region": "us-east-1",
            "api_key": stack["awsAppsyncApiKey"],
            "default_authorization_type": "AMAZON_COGNITO_USER_POOLS",
            "authorization_types": ["API_KEY", "AWS_IAM"],
            "model_introspection": json.loads((GEN2 / "models.json").read_text()),
        },
    }


def people(sandbox: SandboxHandle, pool: str) -> list[str]:
    """Ann and Bob, who may log in: their ``sub``."""
    cognito: Any = sandbox.client("cognito-idp")
    found = []
    for name in ("ann@example.com", "bob@example.com"):
        attributes = [{"Name": "email", "Value": name}, {"Name": "email_verified", "Value": "true"}]
        who = {"UserPoolId": pool, "Username": name}
        made = cognito.admin_create_user(**who, UserAttributes=attributes, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(**who, Password=PASSWORD, Permanent=True)
        found += [a["Value"] for a in made["User"]["Attributes"] if a["Name"] == "sub"]
    return found


@pytest.mark.fact("5.8", "5.12", "5.13")
def test_front_end_of_a_gen_2_backend(sandbox: SandboxHandle, run_node: Run, authority: Path) -> None:
    stack = sandbox.deploy(GEN2 / "template.yaml")
    ann, _ = people(sandbox, stack["userPoolId"])
    said = run_node(
        "amplify_gen2.mjs",
        sandbox.endpoint,
        authority,
        outputs=configuration(sandbox, stack),
        cognito=f"{sandbox.endpoint}/",
        password=PASSWORD,
        ann=ann,
    )
    assert said == [
        {"asked": {"room": "a", "text": "you said two", "index": 0}},
        {"tokens": [["one", 2], ["you said two", 0]]},
        {"with the key": ["Unauthorized"]},
        {"made": {"content": "milk", "room": "a"}},
        {"owner": True},
        {"told": "milk"},
        {"changed": {"content": "cream", "room": "a"}},
        {"filtered": [{"content": "cream", "room": "a"}]},
        {"bob reads": ["Unauthorized"]},
        {"bob lists": []},
        {"bob changes": ["Unauthorized"]},
        {"bob deletes": ["Unauthorized"]},
        {"public": {"content": "cream", "room": "a"}},
    ]
