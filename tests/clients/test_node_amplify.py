"""Amplify v6, unmodified, on Event APIs and GraphQL APIs: over TLS, as it insists on, and on virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox.stories.handle import SandboxHandle

if TYPE_CHECKING:
    from tests.clients.conftest import Run

KEY = {"authType": "API_KEY"}
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


def graphql_api(appsync: Any, mode: str) -> Any:
    """A GraphQL API whose mutation ``say`` gives its arguments back."""
    api = appsync.create_graphql_api(name="chat", authenticationType=mode)["graphqlApi"]
    appsync.start_schema_creation(apiId=api["apiId"], definition=SCHEMA.encode())
    appsync.create_data_source(apiId=api["apiId"], name="none", type="NONE")
    at = {"apiId": api["apiId"], "typeName": "Mutation", "fieldName": "say"}
    appsync.create_resolver(**at, dataSourceName="none", runtime=RUNTIME, code=ECHO)
    return api


@pytest.mark.fact("5.7", "5.21", "5.22", "5.23")
def test_events_of_amplify(sandbox: SandboxHandle, run_node: Run, authority: Path):
    appsync: Any = sandbox.client("appsync")
    api = event_api(appsync, KEY)
    key = appsync.create_api_key(apiId=api["apiId"])["apiKey"]["id"]
    endpoint = address(sandbox, api["dns"]["HTTP"], "/event")
    said = run_node("amplify_events.mjs", sandbox.endpoint, authority, api=endpoint, key=key, wanted=3)
    assert said[:2] == [{"failed": 0}, {"came": [{"n": 1}, "two", {"n": 3}]}]
    assert "refused" in said[2]


@pytest.mark.fact("5.6", "5.7", "5.8", "5.10")
def test_graphql_of_amplify(sandbox: SandboxHandle, run_node: Run, authority: Path):
    appsync: Any = sandbox.client("appsync")
    api = graphql_api(appsync, "API_KEY")
    key = appsync.create_api_key(apiId=api["apiId"])["apiKey"]["id"]
    endpoint = address(sandbox, api["dns"]["GRAPHQL"], "/graphql")
    said = run_node("amplify_graphql.mjs", sandbox.endpoint, authority, api=endpoint, key=key, wanted=2)
    assert said[:3] == [
        {"said": "one"},
        {"said": "two"},
        {"came": [{"room": "a", "text": "one"}, {"room": "a", "text": "two"}]},
    ]
    assert said[3] == {"refused": "Unauthorized"}


@pytest.mark.fact("5.7", "5.13", "5.22", "5.23")
def test_amplify_signs_what_is_verified(sandbox: SandboxHandle, run_node: Run, authority: Path):
    appsync: Any = sandbox.client("appsync")
    events, graphql = event_api(appsync, {"authType": "AWS_IAM"}), graphql_api(appsync, "AWS_IAM")
    said = run_node(
        "amplify_iam.mjs",
        sandbox.endpoint,
        authority,
        events=address(sandbox, events["dns"]["HTTP"], "/event"),
        graphql=address(sandbox, graphql["dns"]["GRAPHQL"], "/graphql"),
        credentials={"accessKeyId": "test", "secretAccessKey": "test"},
    )
    assert said == [
        {"event": {"text": "<b> & ü"}},
        {"event": {"text": "over the WebSocket"}},
        {"said": {"text": "ü"}},
    ]
