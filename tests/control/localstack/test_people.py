"""IAM in LocalStack, as signatures and permissions want it."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.auth.credentials import Credential
from sandbox.aws.errors import AwsError
from sandbox.control.localstack.people import LocalStackPeople
from sandbox.control.message import Request, Response
from sandbox.control.people import Role

ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
CREATED = (
    "<CreateAccessKeyResult><AccessKey><UserName>ann</UserName><AccessKeyId>AKIA1</AccessKeyId>"
    "<SecretAccessKey>a/b&amp;c</SecretAccessKey></AccessKey></CreateAccessKeyResult>"
)
ANSWERS: dict[str, Any] = {
    "GetRole": {"Role": {"Arn": "arn:aws:iam::000000000000:role/r", "RoleId": "AROA1"}},
    "ListRolePolicies": {"PolicyNames": ["inline"]},
    "GetRolePolicy": {"PolicyDocument": ALLOW},
    "ListAttachedRolePolicies": {"AttachedPolicies": [{"PolicyArn": "arn:p"}]},
    "GetPolicy": {"Policy": {"DefaultVersionId": "v2"}},
    "GetPolicyVersion": {"PolicyVersion": {"Document": quote('{"Statement": []}')}},
    "GetAccessKeyLastUsed": {"UserName": "ann"},
    "ListAccessKeys": {"AccessKeyMetadata": [{"AccessKeyId": "AKIA1", "Status": "Active"}]},
    "GetUser": {"User": {"Arn": "arn:aws:iam::000000000000:user/ann", "UserId": "AIDA1"}},
    "ListUserPolicies": {"PolicyNames": []},
    "ListAttachedUserPolicies": {"AttachedPolicies": []},
    "ListGroupsForUser": {"Groups": [{"GroupName": "g"}]},
    "ListGroupPolicies": {"PolicyNames": ["inline"]},
    "GetGroupPolicy": {"PolicyDocument": ALLOW},
    "ListAttachedGroupPolicies": {"AttachedPolicies": []},
}


class Nobody:
    """Who is asked when LocalStack has no IAM."""

    async def role(self, arn: str) -> Role | None:
        return Role("AROA-moto", ())

    async def user(self, access_key: str) -> Credential | None:
        return None


def people(has_iam: bool = True, **changes: Any) -> LocalStackPeople:
    answers = ANSWERS | changes

    async def ask(service: str, operation: str, **params: Any) -> dict[str, Any]:
        answer = answers[operation]
        if isinstance(answer, AwsError):
            raise answer
        found: dict[str, Any] = answer
        return found

    async def has() -> bool:
        return has_iam

    return LocalStackPeople(ask, has, Nobody())


def told(made: LocalStackPeople) -> LocalStackPeople:
    """After the secret went by."""
    made.note(
        Request("POST", "h", "/", body=b"Action=CreateAccessKey&UserName=ann"),
        Response(200, (), CREATED.encode()),
    )
    return made


def test_a_role_has_its_inline_and_its_attached_policies() -> None:
    role = asyncio.run(people().role("arn:aws:iam::000000000000:role/r"))
    assert role == Role("AROA1", (ALLOW, {"Statement": []}))


def test_a_role_of_that_name_under_another_path_is_another() -> None:
    assert asyncio.run(people().role("arn:aws:iam::000000000000:role/other/r")) is None


def test_a_role_that_does_not_exist_and_an_error_are_two_things() -> None:
    gone = AwsError(404, "NoSuchEntity", "no")
    assert asyncio.run(people(GetRole=gone).role("arn:aws:iam::0:role/r")) is None
    with pytest.raises(AwsError, match="ServiceUnavailable"):
        asyncio.run(people(GetRole=AwsError(503, "ServiceUnavailable", "")).role("arn:aws:iam::0:role/r"))


def test_a_secret_is_kept_as_it_passes() -> None:
    assert asyncio.run(people().user("AKIA1")) is None
    found = asyncio.run(told(people()).user("AKIA1"))
    assert found is not None
    assert (found.secret_key, found.user_id, found.policies) == ("a/b&c", "AIDA1", (ALLOW,))


def test_an_inactive_key_and_a_forgotten_one_are_unknown() -> None:
    inactive = {"AccessKeyMetadata": [{"AccessKeyId": "AKIA1", "Status": "Inactive"}]}
    assert asyncio.run(told(people(ListAccessKeys=inactive)).user("AKIA1")) is None
    made = told(people())
    made.reset()
    assert asyncio.run(made.user("AKIA1")) is None


def test_without_iam_somebody_else_is_asked() -> None:
    assert asyncio.run(people(has_iam=False).role("arn:aws:iam::0:role/r")) == Role("AROA-moto", ())
