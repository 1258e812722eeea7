"""Logins whose steps Lambda functions decide on (CUSTOM_AUTH), and challenges that end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.auth.tokens import unverified_claims
from sandbox.aws.errors import AwsError
from tests.fidelity.test_cognito import PASSWORD, arn

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

# Three tries at a word; the functions see what came before, and the client's metadata.
TRIES = """
def handler(event, context):
    source, request, response = event["triggerSource"], event["request"], event["response"]
    if source == "DefineAuthChallenge_Authentication":
        rounds = request["session"]
        response["issueTokens"] = bool(rounds) and rounds[-1]["challengeResult"]
        response["failAuthentication"] = len(rounds) == 3 and not response["issueTokens"]
        if not response["issueTokens"] and not response["failAuthentication"]:
            response["challengeName"] = "CUSTOM_CHALLENGE"
    if source == "CreateAuthChallenge_Authentication":
        number = len(request["session"]) + 1
        response["publicChallengeParameters"] = {"hint": "a bird", "try": str(number)}
        response["privateChallengeParameters"] = {"word": "raven"}
        response["challengeMetadata"] = f"TRY_{number}"
    if source == "VerifyAuthChallengeResponse_Authentication":
        response["answerCorrect"] = request["challengeAnswer"] == request["privateChallengeParameters"]["word"]
    return event
"""
TRIGGERS = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
BAD = """
def handler(event, context):
    return "no event"
"""


class Login:
    """ada's pool, and a client that logs her in."""

    def __init__(self, world: World, pool: str, client: str) -> None:
        self.world, self.pool, self.client = world, pool, client

    async def start(self, name: str = "ada", **more: Any) -> dict[str, Any]:
        given = {"USERNAME": name}
        return await self.world.aws(
            "cognito-idp",
            "InitiateAuth",
            AuthFlow="CUSTOM_AUTH",
            ClientId=self.client,
            AuthParameters=given,
            **more,
        )

    async def answer(self, asked: dict[str, Any], word: str, **more: Any) -> dict[str, Any]:
        return await self.world.aws(
            "cognito-idp", "RespondToAuthChallenge", ClientId=self.client, ChallengeName="CUSTOM_CHALLENGE",
            Session=asked["Session"], ChallengeResponses={"USERNAME": "ada", "ANSWER": word}, **more,
        )  # fmt: skip


async def make(
    world: World, source: str = TRIES, triggers: tuple[str, ...] = TRIGGERS, **client: Any
) -> Login:
    if source:
        await world.python("steps", source)
    config = dict.fromkeys(triggers, arn("steps"))
    made = await world.aws("cognito-idp", "CreateUserPool", PoolName="people", LambdaConfig=config)
    at = {"UserPoolId": made["UserPool"]["Id"]}
    given = {"ClientName": "web", "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"], **client}
    made_client = await world.aws("cognito-idp", "CreateUserPoolClient", **given, **at)
    await world.aws("cognito-idp", "AdminCreateUser", Username="ada", MessageAction="SUPPRESS", **at)
    await world.aws(
        "cognito-idp", "AdminSetUserPassword", Username="ada", Password=PASSWORD, Permanent=True, **at
    )
    return Login(world, at["UserPoolId"], made_client["UserPoolClient"]["ClientId"])


def test_the_functions_ask_until_they_are_content(play: Play) -> None:
    async def main(world: World) -> None:
        login = await make(world)
        asked = await login.start()
        assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
        assert asked["ChallengeParameters"] == {"hint": "a bird", "try": "1", "USERNAME": "ada"}
        again = await login.answer(asked, "crow", ClientMetadata={"app": "chat"})
        assert again["ChallengeParameters"]["try"] == "2"
        with pytest.raises(AwsError, match=r"Invalid session for the user\."):
            await login.answer(asked, "raven")  # a session counts once
        made = (await login.answer(again, "raven"))["AuthenticationResult"]
        assert unverified_claims(made["AccessToken"])["username"] == "ada"

    play(main)


def test_the_third_wrong_answer_is_the_last(play: Play) -> None:
    async def main(world: World) -> None:
        login = await make(world)
        asked = await login.start()
        for _ in range(2):
            asked = await login.answer(asked, "crow")
        with pytest.raises(AwsError) as refused:
            await login.answer(asked, "crow")
        assert (refused.value.code, refused.value.message) == (
            "NotAuthorizedException",
            "Incorrect username or password.",
        )
        missing = await login.start()
        with pytest.raises(AwsError, match="Missing required parameter ANSWER"):
            await login.answer(missing, "")

    play(main)


def test_a_challenge_ends_after_three_minutes(play: Play) -> None:
    async def main(world: World) -> None:
        login = await make(world)
        asked, late = await login.start(), await login.start()
        await world.clock.advance(170)
        assert (await login.answer(asked, "raven"))["AuthenticationResult"]
        await world.clock.advance(10)
        with pytest.raises(AwsError, match=r"Invalid session for the user, session is expired\."):
            await login.answer(late, "raven")

    play(main)


def test_what_the_functions_are_told_of_a_user_who_is_not_there(play: Play) -> None:
    async def main(world: World) -> None:
        login = await make(world)
        with pytest.raises(AwsError, match=r"User does not exist\."):
            await login.start("eve")
        hiding = await world.aws(
            "cognito-idp", "CreateUserPoolClient", UserPoolId=login.pool, ClientName="hiding",
            ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"], PreventUserExistenceErrors="ENABLED",
        )  # fmt: skip
        login.client = hiding["UserPoolClient"]["ClientId"]
        asked = await login.start("eve")
        assert asked["ChallengeParameters"]["USERNAME"] == "eve"
        with pytest.raises(AwsError, match="Incorrect username or password"):
            await login.answer(asked, "raven")  # even the right answer is that of nobody

    play(main)


@pytest.mark.parametrize(
    ("source", "triggers", "code", "message"),
    [
        (
            "",
            (),
            "InvalidParameterException",
            "Custom auth lambda trigger is not configured for the user pool.",
        ),
        (BAD, TRIGGERS, "InvalidLambdaResponseException", "Unrecognizable lambda output"),
    ],
)
def test_pools_without_functions_or_with_broken_ones(
    play: Play, source: str, triggers: tuple[str, ...], code: str, message: str
) -> None:
    async def main(world: World) -> None:
        login = await make(world, source, triggers)
        with pytest.raises(AwsError) as refused:
            await login.start()
        assert (refused.value.code, refused.value.message) == (code, message)

    play(main)
