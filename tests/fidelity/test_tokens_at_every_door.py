"""Every service that takes a user pool's tokens refuses the same ones: one library function verifies for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sandbox.aws.errors import AwsError
from tests.fidelity.test_api_http import permit, protected_api
from tests.fidelity.test_cognito import CLAIMS, forged, log_in, make_pool, protected

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

Door = Callable[[str], Awaitable[bool]]  # whether it lets a token in
USERS = "AMAZON_COGNITO_USER_POOLS"


async def rest_api(world: World, pool: str, client: str) -> Door:
    url = await protected(world, pool)

    async def ask(token: str) -> bool:
        answer = await world.http.get(url, headers={"authorization": token})
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    return ask


async def http_api(world: World, pool: str, client: str) -> Door:
    await world.python("jwt", CLAIMS.replace('["claims"]', '["jwt"]["claims"]'))
    await permit(world, "jwt")
    api = await protected_api(world, "jwt", pool, client)

    async def ask(token: str) -> bool:
        answer = await world.http.get(f"{api}/", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 401)
        assert answer.status_code == 200 or answer.content == b'{"message":"Unauthorized"}'
        return answer.status_code == 200

    return ask


async def graphql_api(world: World, pool: str, client: str) -> Door:
    users = {
        "userPoolId": pool,
        "awsRegion": "us-east-1",
        "defaultAction": "ALLOW",
        "appIdClientRegex": client,
    }
    made = await world.aws(
        "appsync", "CreateGraphqlApi", name="g", authenticationType=USERS, userPoolConfig=users
    )
    api = made["graphqlApi"]
    schema = b"type Query { hello: String }"
    await world.aws("appsync", "StartSchemaCreation", apiId=api["apiId"], definition=schema)
    label = api["uris"]["GRAPHQL"].partition("//")[2].partition(".")[0]
    url = f"{world.sandbox.endpoint}/_aws/appsync/{label}/graphql"

    async def ask(token: str) -> bool:
        answer = await world.http.post(url, json={"query": "{hello}"}, headers={"authorization": token})
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    return ask


async def event_api(world: World, pool: str, client: str) -> Door:
    users = {"userPoolId": pool, "awsRegion": "us-east-1", "appIdClientRegex": client}
    modes = [{"authType": USERS}]
    config = {
        "authProviders": [{"authType": USERS, "cognitoConfig": users}],
        "connectionAuthModes": modes,
        "defaultPublishAuthModes": modes,
        "defaultSubscribeAuthModes": modes,
    }
    api = (await world.aws("appsync", "CreateApi", name="e", eventConfig=config))["api"]
    await world.aws("appsync", "CreateChannelNamespace", apiId=api["apiId"], name="chat")
    url = f"{world.sandbox.endpoint}/_aws/appsync/{api['dns']['HTTP'].partition('.')[0]}/event"

    async def ask(token: str) -> bool:
        said = {"channel": "/chat/a", "events": ['"hello"']}
        answer = await world.http.post(url, json=said, headers={"authorization": token})
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    return ask


async def identity_pool(world: World, pool: str, client: str) -> Door:
    provider = f"cognito-idp.us-east-1.amazonaws.com/{pool}"
    made = await world.aws(
        "cognito-identity",
        "CreateIdentityPool",
        IdentityPoolName="i",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": client}],
    )

    async def ask(token: str) -> bool:
        try:
            await world.aws(
                "cognito-identity", "GetId", IdentityPoolId=made["IdentityPoolId"], Logins={provider: token}
            )
        except AwsError as refusal:
            if refusal.code != "NotAuthorizedException":
                raise
            return False
        return True

    return ask


async def user_pool(world: World, pool: str, client: str) -> Door:
    async def ask(token: str) -> bool:
        try:
            await world.aws("cognito-idp", "GetUser", AccessToken=token)
        except AwsError as refusal:
            if refusal.code != "NotAuthorizedException":
                raise
            return False
        return True

    return ask


DOORS = {
    "a REST API": (rest_api, {"IdToken"}),
    "an HTTP API": (http_api, {"IdToken", "AccessToken"}),
    "a GraphQL API": (graphql_api, {"IdToken", "AccessToken"}),
    "an Event API": (event_api, {"IdToken", "AccessToken"}),
    "an identity pool": (identity_pool, {"IdToken"}),
    "the user pool itself": (user_pool, {"AccessToken"}),
}


async def other_client(world: World, pool: str) -> str:
    made = await world.aws(
        "cognito-idp",
        "CreateUserPoolClient",
        UserPoolId=pool,
        ClientName="other",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
    )
    found: str = made["UserPoolClient"]["ClientId"]
    return found


def test_every_door_takes_its_own_tokens_and_refuses_all_others(play: Play) -> None:
    async def main(world: World) -> None:
        pool, client = await make_pool(world)
        doors = {name: await door(world, pool, client) for name, (door, _) in DOORS.items()}
        mine = await log_in(world, client)
        _, strangers = await make_pool(world)
        other = await log_in(world, strangers)
        keys = (await world.http.get(f"{world.sandbox.endpoint}/{pool}/.well-known/jwks.json")).json()["keys"]
        kinds = ("IdToken", "AccessToken")
        bad = {f"{kind}, {what}": token for kind in kinds for what, token in forged(mine[kind], keys).items()}
        bad |= {f"{kind} of another pool": other[kind] for kind in kinds}
        bad |= {"RefreshToken": mine["RefreshToken"], "no token": "nonsense"}
        for name, ask in doors.items():
            right = DOORS[name][1]
            assert {kind for kind in kinds if await ask(mine[kind])} == right, name
            # Another pool's access token is good at its own pool, which GetUser asks by itself.
            own = {"AccessToken of another pool"} if name == "the user pool itself" else set()
            assert {what for what, token in bad.items() if await ask(token)} == own, name
        audience = await log_in(world, await other_client(world, pool))
        narrow = ("an HTTP API", "a GraphQL API", "an Event API", "an identity pool")
        assert [(name, kind) for name in narrow for kind in kinds if await doors[name](audience[kind])] == []
        await world.clock.advance(3600)
        late = [(name, kind) for name, ask in doors.items() for kind in kinds if await ask(mine[kind])]
        assert late == []

    play(main)
