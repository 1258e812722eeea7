"""Dynamic references: what other services hold, in a resource's properties."""

from __future__ import annotations

from typing import Any

import pytest

TEMPLATE = """
Resources:
  Held: {Type: AWS::SSM::Parameter, Properties: {Name: /held, Type: String, Value: '%s'}}
"""
SECRET = "{{resolve:secretsmanager:pair:SecretString"


async def stores(lab: Any) -> None:
    for value in ("one", "two"):
        await lab.aws("ssm", "PutParameter", Name="/plain", Type="String", Value=value, Overwrite=True)
    await lab.aws("secretsmanager", "CreateSecret", Name="pair", SecretString='{"word": "first"}')
    await lab.aws("secretsmanager", "PutSecretValue", SecretId="pair", SecretString='{"word": "second"}')
    await lab.aws("secretsmanager", "CreateSecret", Name="text", SecretString="no JSON")


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("{{resolve:ssm:/plain}}", "two"),
        ("{{resolve:ssm:/plain:1}}", "one"),
        ("a {{resolve:ssm:/plain:1}} and {{resolve:ssm:/plain:2}}.", "a one and two."),
        ("{{resolve:secretsmanager:text}}", "no JSON"),
        ("{{resolve:secretsmanager:pair}}", '{"word": "second"}'),
        (f"{SECRET}:word}}}}", "second"),
        (f"{SECRET}:word:AWSPREVIOUS}}}}", "first"),
        ("{{resolve:secretsmanager:ARN:SecretString:word}}", "second"),
    ],
)
def test_what_is_held_elsewhere_is_put_in(play: Any, reference: str, value: str) -> None:
    async def body(lab: Any) -> None:
        await stores(lab)
        arn = (await lab.aws("secretsmanager", "DescribeSecret", SecretId="pair"))["ARN"]
        stack = await lab.create(TEMPLATE % reference.replace("ARN", arn))
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        found = await lab.aws("ssm", "GetParameter", Name="/held")
        assert found["Parameter"]["Value"] == value

    play(body)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (
            "{{resolve:ssm:/plain:prod}}",
            "Incorrect format is used in the following SSM reference: [{{resolve:ssm:/plain:prod}}]",
        ),
        (f"{SECRET}:other}}}}", "Could not find a value associated with JSONKey in SecretString"),
        ("{{resolve:secretsmanager:text:SecretString:word}}", "Could not parse SecretString JSON"),
        ("{{resolve:secretsmanager:text:SecretBinary}}", "does not name SecretString"),
        ("{{resolve:ssm:/nowhere}}", "Could not resolve dynamic reference {{resolve:ssm:/nowhere}}"),
    ],
)
def test_what_cannot_be_put_in_fails_the_resource(play: Any, reference: str, reason: str) -> None:
    async def body(lab: Any) -> None:
        await stores(lab)
        stack = await lab.create(TEMPLATE % reference)
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert reason in await lab.reason("Held")

    play(body)
