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


@pytest.mark.fact("5.7", "5.21", "5.22", "5.23")
def test_events_of_amplify(sandbox: SandboxHandle, run_node: Run, authority: Path):
    appsync: Any = sandbox.client("appsync")
    config = {
        "authProviders": [KEY],
        "connectionAuthModes": [KEY],
        "defaultPublishAuthModes": [KEY],
        "defaultSubscribeAuthModes": [KEY],
    }
    api = appsync.create_api(name="live", eventConfig=config)["api"]
    key = appsync.create_api_key(apiId=api["apiId"])["apiKey"]["id"]
    appsync.create_channel_namespace(apiId=api["apiId"], name="chat")
    endpoint = address(sandbox, api["dns"]["HTTP"], "/event")
    said = run_node("amplify_events.mjs", sandbox.endpoint, authority, api=endpoint, key=key, wanted=3)
    assert said[:2] == [{"failed": 0}, {"came": [{"n": 1}, "two", {"n": 3}]}]
    assert "refused" in said[2]


@pytest.mark.fact("5.6", "5.7", "5.8", "5.10")
def test_graphql_of_amplify(sandbox: SandboxHandle, run_node: Run, authority: Path):
    appsync: Any = sandbox.client("appsync")
    api = appsync.create_graphql_api(name="chat", authenticationType="API_KEY")["graphqlApi"]
    key = appsync.create_api_key(apiId=api["apiId"])["apiKey"]["id"]
    appsync.start_schema_creation(apiId=api["apiId"], definition=SCHEMA.encode())
    appsync.create_data_source(apiId=api["apiId"], name="none", type="NONE")
    appsync.create_resolver(
        apiId=api["apiId"],
        typeName="Mutation",
        fieldName="say",
        dataSourceName="none",
        runtime=RUNTIME,
        code=ECHO,
    )
    endpoint = address(sandbox, api["dns"]["GRAPHQL"], "/graphql")
    said = run_node("amplify_graphql.mjs", sandbox.endpoint, authority, api=endpoint, key=key, wanted=2)
    assert said[:3] == [
        {"said": "one"},
        {"said": "two"},
        {"came": [{"room": "a", "text": "one"}, {"room": "a", "text": "two"}]},
    ]
    assert said[3] == {"refused": "Unauthorized"}
