"""IAM in LocalStack, read by its own API; the secrets of access keys are kept as they pass."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from xml.sax.saxutils import unescape

from sandbox.auth.credentials import Credential
from sandbox.aws.errors import AwsError
from sandbox.control.message import Request, Response
from sandbox.control.people import People, Role, policy_document

Ask = Callable[..., Awaitable[dict[str, Any]]]
_KEY = re.compile(r"<AccessKeyId>([^<]+)</AccessKeyId>")
_SECRET = re.compile(r"<SecretAccessKey>([^<]+)</SecretAccessKey>")
_GONE = "NoSuchEntity"


class LocalStackPeople:
    """Roles and users, asked at each question: somebody else may change them. ``ask``: calls of IAM.

    ``otherwise``: who knows them when LocalStack turns out to have no IAM.
    IAM tells a secret once, to who creates the key. So a key is known here when it was created through the sandbox.
    """

    def __init__(self, ask: Ask, has_iam: Callable[[], Awaitable[bool]], otherwise: People) -> None:
        self._ask = ask
        self._has_iam = has_iam
        self._otherwise = otherwise
        self._secrets: dict[str, str] = {}

    def reset(self) -> None:
        """Forget the secrets."""
        self._secrets.clear()

    def note(self, request: Request, answer: Response) -> None:
        """Keep the secret that an answer of IAM's ``CreateAccessKey`` tells."""
        if answer.status == 200 and b"Action=CreateAccessKey" in request.body:
            text = answer.body.decode()
            key, secret = _KEY.search(text), _SECRET.search(text)
            if key and secret:
                self._secrets[key[1]] = unescape(secret[1])

    async def role(self, arn: str) -> Role | None:
        """A role by its ARN."""
        if not await self._has_iam():
            return await self._otherwise.role(arn)
        name = arn.rpartition("/")[2]
        try:
            found = (await self._ask("iam", "GetRole", RoleName=name))["Role"]
            if found["Arn"] != arn:
                return None
            return Role(found["RoleId"], tuple(await self._policies("Role", name)))
        except AwsError as error:
            _unless_gone(error)
            return None

    async def user(self, access_key: str) -> Credential | None:
        """What belongs to an access key that was created through the sandbox."""
        if not await self._has_iam():
            return await self._otherwise.user(access_key)
        secret = self._secrets.get(access_key)
        if secret is None:
            return None
        try:
            name = (await self._ask("iam", "GetAccessKeyLastUsed", AccessKeyId=access_key))["UserName"]
            keys = await self._ask("iam", "ListAccessKeys", UserName=name)
            if (access_key, "Active") not in {
                (k["AccessKeyId"], k["Status"]) for k in keys["AccessKeyMetadata"]
            }:
                return None
            user = (await self._ask("iam", "GetUser", UserName=name))["User"]
            policies = await self._policies("User", name)
            for group in (await self._ask("iam", "ListGroupsForUser", UserName=name))["Groups"]:
                policies += await self._policies("Group", group["GroupName"])
        except AwsError as error:
            _unless_gone(error)
            return None
        return Credential(
            access_key, secret, None, user["Arn"], policies=tuple(policies), user_id=user["UserId"]
        )

    async def _policies(self, kind: str, name: str) -> list[Mapping[str, Any]]:
        """The documents of the inline and the attached policies of a role, user or group."""
        whose = {f"{kind}Name": name}
        found = []
        for policy in (await self._ask("iam", f"List{kind}Policies", **whose))["PolicyNames"]:
            inline = await self._ask("iam", f"Get{kind}Policy", **whose, PolicyName=policy)
            found.append(policy_document(inline["PolicyDocument"]))
        attached = await self._ask("iam", f"ListAttached{kind}Policies", **whose)
        for policy in attached["AttachedPolicies"]:
            arn = policy["PolicyArn"]
            default = (await self._ask("iam", "GetPolicy", PolicyArn=arn))["Policy"]["DefaultVersionId"]
            version = await self._ask("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=default)
            found.append(policy_document(version["PolicyVersion"]["Document"]))
        return found


def _unless_gone(error: AwsError) -> None:
    """Raise the error again, unless IAM says that it knows no such thing."""
    if error.code not in (_GONE, f"{_GONE}Exception"):
        raise error
