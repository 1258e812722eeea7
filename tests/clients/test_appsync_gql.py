"""gql, unmodified, on both endpoints of an AppSync API that boto3's operations made: every mode that it knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials
from gql import Client, GraphQLRequest, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.appsync_auth import (
    AppSyncApiKeyAuthentication,
    AppSyncAuthentication,
    AppSyncIAMAuthentication,
    AppSyncJWTAuthentication,
)
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportQueryError, TransportServerError
from gql.transport.httpx import HTTPXAsyncTransport

import sandbox.clock
from sandbox.app import open_sandbox

SCHEMA = b"""
type Message @aws_api_key @aws_iam @aws_cognito_user_pools { room: ID! text: String by: String }
type Query { none: String }
type Mutation {
  send(room: ID!, text: String): Message @aws_api_key @aws_iam @aws_cognito_user_pools
}
type Subscription {
  onSend(room: ID): Message @aws_subscribe(mutations: ["send"]) @aws_api_key @aws_iam @aws_cognito_user_pools
}
"""
CODE = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { return { payload: { ...ctx.args, by: util.authType() } }; }
export function response(ctx) { return ctx.result; }
"""
SEND = "mutation Send($room: ID!, $text: String) { send(room: $room, text: $text) { room text by } }"
ON_SEND = "subscription OnSend($room: ID) { onSend(room: $room) { text by } }"


def asked(query: str, **variables: Any) -> GraphQLRequest:
    return GraphQLRequest(gql(query), variable_values=variables)


@dataclass
class Api:
    box: Any
    label: str
    key: str
    token: str

    @property
    def host(self) -> str:
        return f"{self.label}.appsync-api.us-east-1.amazonaws.com"

    @property
    def realtime(self) -> str:
        return f"ws://127.0.0.1:{self.box.settings.port}/_aws/appsync/{self.label}/graphql"

    def auth(self, mode: str, good: bool = True) -> AppSyncAuthentication:
        if mode == "key":
            return AppSyncApiKeyAuthentication(self.host, self.key if good else "da2-nobody")
        if mode == "token":
            return AppSyncJWTAuthentication(self.host, self.token if good else "not.a.token")
        credentials = Credentials("test" if good else "AKIANOBODY", "test")
        return AppSyncIAMAuthentication(self.host, credentials=credentials)

    @asynccontextmanager
    async def subscriber(self, mode: str, good: bool = True) -> AsyncIterator[Any]:
        transport = AppSyncWebsocketsTransport(self.realtime, auth=self.auth(mode, good))
        async with Client(transport=transport) as session:
            yield session

    def subscribed(self) -> asyncio.Event:
        """Set once a subscription stands."""
        event = asyncio.Event()
        self.box.timeline.listen(lambda one: event.set() if one.name == "subscribed" else None)
        return event


async def user(call: Any) -> tuple[str, str]:
    """(pool, token) of a user of a new pool."""
    pool = (await call("cognito-idp", "CreateUserPool", PoolName="p"))["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = await call(
        "cognito-idp", "CreateUserPoolClient", UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows
    )
    client = made["UserPoolClient"]["ClientId"]
    name = {"UserPoolId": pool, "Username": "ann"}
    await call("cognito-idp", "AdminCreateUser", **name, MessageAction="SUPPRESS")
    await call("cognito-idp", "AdminSetUserPassword", **name, Password="Secret-123", Permanent=True)
    parameters = {"USERNAME": "ann", "PASSWORD": "Secret-123"}
    flow = {"AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": parameters}
    login = await call("cognito-idp", "AdminInitiateAuth", UserPoolId=pool, ClientId=client, **flow)
    return pool, login["AuthenticationResult"]["IdToken"]


def run(script: Any) -> Any:
    async def main(clock: Any) -> Any:
        async with open_sandbox(clock) as box:
            call = box.control.call
            pool, token = await user(call)
            config = {"userPoolId": pool, "awsRegion": "us-east-1"}
            others = [
                {"authenticationType": "AWS_IAM"},
                {"authenticationType": "AMAZON_COGNITO_USER_POOLS", "userPoolConfig": config},
            ]
            modes = {"authenticationType": "API_KEY", "additionalAuthenticationProviders": others}
            made = (await call("appsync", "CreateGraphqlApi", name="chat", **modes))["graphqlApi"]
            api = made["apiId"]
            await call("appsync", "StartSchemaCreation", apiId=api, definition=SCHEMA)
            await call("appsync", "CreateDataSource", apiId=api, name="none", type="NONE")
            runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
            field = {"typeName": "Mutation", "fieldName": "send", "dataSourceName": "none"}
            await call("appsync", "CreateResolver", apiId=api, **field, code=CODE, runtime=runtime)
            key = (await call("appsync", "CreateApiKey", apiId=api))["apiKey"]["id"]
            host = urlsplit(made["uris"]["GRAPHQL"]).hostname or ""
            with clock.in_flight("the test's client"):
                return await script(Api(box, host.partition(".")[0], key, token))

    return sandbox.clock.run(main)


MODES = {"key": "API Key Authorization", "iam": "IAM Authorization", "token": "User Pool Authorization"}


@pytest.mark.fact("5.6", "5.7", "5.8", "5.13")
@pytest.mark.parametrize("mode", MODES)
def test_a_subscriber_gets_what_another_client_sends(mode: str) -> None:
    async def script(api: Api) -> Any:
        async def first() -> Any:
            async with (
                api.subscriber(mode) as session,
                aclosing(session.subscribe(asked(ON_SEND, room="a"))) as results,
            ):
                return await anext(results)

        stands = api.subscribed()
        waiting = asyncio.get_running_loop().create_task(first())
        await stands.wait()
        url = f"http://127.0.0.1:{api.box.settings.port}/graphql"
        async with Client(transport=AIOHTTPTransport(url, auth=api.auth(mode))) as session:
            await session.execute(asked(SEND, room="b", text="elsewhere"))
            answer = await session.execute(asked(SEND, room="a", text="hello"))
        return answer, await waiting

    answer, received = run(script)
    assert answer == {"send": {"room": "a", "text": "hello", "by": MODES[mode]}}
    assert received == {"onSend": {"text": "hello", "by": MODES[mode]}}


@pytest.mark.fact("5.9", "5.11")
@pytest.mark.parametrize("mode", MODES)
def test_wrong_credentials_are_refused_at_connect(mode: str) -> None:
    async def script(api: Api) -> Any:
        with pytest.raises(TransportServerError) as refused:
            async with api.subscriber(mode, good=False):
                pass
        return str(refused.value)

    wanted = "UnrecognizedClientException" if mode == "iam" else "UnauthorizedException"
    assert wanted in run(script)


@pytest.mark.fact("5.9", "5.11")
def test_credentials_that_expire_between_connect_and_start() -> None:
    async def script(api: Api) -> Any:
        async with api.subscriber("token") as session:
            await asyncio.sleep(3600)  # what a token lives
            with pytest.raises(TransportQueryError) as refused:
                await anext(session.subscribe(asked(ON_SEND)))
        return refused.value.errors

    (payload,) = run(script)
    (error,) = payload["errors"]
    assert (error["errorType"], error["message"]) == ("UnauthorizedException", "Token has expired.")


@pytest.mark.fact("5.10")
def test_http_without_a_key_and_with_a_wrong_one() -> None:
    async def script(api: Api) -> Any:
        url = f"http://127.0.0.1:{api.box.settings.port}/_aws/appsync/{api.label}/graphql"
        told = []
        for headers in ({}, {"x-api-key": "da2-nobody"}):
            async with Client(transport=HTTPXAsyncTransport(url, headers=headers)) as session:
                with pytest.raises((TransportQueryError, TransportServerError)) as refused:
                    await session.execute(asked(SEND, room="a"))
                told.append(getattr(refused.value, "errors", None) or str(refused.value))
        return told

    none, wrong = run(script)
    assert none == [
        {"errorType": "UnauthorizedException", "message": "Valid authorization header not provided."}
    ]
    assert wrong[0]["message"] == "You are not authorized to make this call."
