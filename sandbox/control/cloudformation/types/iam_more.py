"""IAM: managed policies, keys, profiles, memberships."""

from __future__ import annotations

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.types.base import Request, ResourceType, is_gone, policy_text

_TARGETS = (("Groups", "Group"), ("Roles", "Role"), ("Users", "User"))


class ManagedPolicy(ResourceType):
    type = "AWS::IAM::ManagedPolicy"
    spec = "Description* Groups[] ManagedPolicyName* Path* PolicyDocument! Roles[] Users[]"
    attributes = (
        "AttachmentCount CreateDate DefaultVersionId IsAttachable PermissionsBoundaryUsageCount PolicyArn "
        "PolicyId "
        "UpdateDate"
    )
    iam_name = "ManagedPolicyName"

    async def create(self, r: Request) -> None:
        name = r.get("ManagedPolicyName") or r.name(128)
        answer = await r.send(
            "iam",
            "CreatePolicy",
            {
                **r.pick("Description Path"),
                "PolicyName": name,
                "PolicyDocument": policy_text(r["PolicyDocument"]),
            },
        )
        policy = answer["Policy"]
        r.physical_id = policy["Arn"]
        r.attributes = {"PolicyArn": policy["Arn"]} | {
            key: str(policy[key]) for key in self.attributes.split() if key in policy
        }
        await self._attach(r)

    async def update(self, r: Request) -> None:
        if r.changed("PolicyDocument"):
            versions = (await r.call("iam", "ListPolicyVersions", PolicyArn=r.physical_id))["Versions"]
            old = [v["VersionId"] for v in versions if not v["IsDefaultVersion"]]
            if len(versions) >= 5:  # a policy holds five; source: IAM User Guide, "IAM and AWS STS quotas"
                await r.call("iam", "DeletePolicyVersion", PolicyArn=r.physical_id, VersionId=old[-1])
            await r.call(
                "iam", "CreatePolicyVersion", PolicyArn=r.physical_id, SetAsDefault=True,
                PolicyDocument=policy_text(r["PolicyDocument"]),
            )  # fmt: skip
        await self._attach(r)

    async def _attach(self, r: Request) -> None:
        for key, word in _TARGETS:
            new, old = r.get(key) or [], r.previous.get(key) or []
            for name in [n for n in new if n not in old]:
                await r.call(
                    "iam", f"Attach{word}Policy", **{f"{word}Name": name, "PolicyArn": r.physical_id}
                )
            for name in [n for n in old if n not in new]:
                await _detach(r, word, name)

    async def delete(self, r: Request) -> None:
        for key, word in _TARGETS:
            for name in r.get(key) or []:
                await _detach(r, word, name)
        versions = (await r.call("iam", "ListPolicyVersions", PolicyArn=r.physical_id))["Versions"]
        for version in versions:
            if not version["IsDefaultVersion"]:
                await r.call(
                    "iam", "DeletePolicyVersion", PolicyArn=r.physical_id, VersionId=version["VersionId"]
                )
        await r.call("iam", "DeletePolicy", PolicyArn=r.physical_id)


async def _detach(r: Request, word: str, name: str) -> None:
    try:
        await r.call("iam", f"Detach{word}Policy", **{f"{word}Name": name, "PolicyArn": r.physical_id})
    except AwsError as e:
        if not is_gone(e):
            raise


class AccessKey(ResourceType):
    type = "AWS::IAM::AccessKey"
    spec = "Serial* Status UserName!*"
    attributes = "Id SecretAccessKey"
    iam_name = ""

    async def create(self, r: Request) -> None:
        key = (await r.call("iam", "CreateAccessKey", UserName=r["UserName"]))["AccessKey"]
        r.physical_id = key["AccessKeyId"]
        r.attributes = {"Id": r.physical_id, "SecretAccessKey": key["SecretAccessKey"]}
        if r.get("Status", "Active") != "Active":
            await self.update(r)

    async def update(self, r: Request) -> None:
        await r.call(
            "iam", "UpdateAccessKey", UserName=r["UserName"], AccessKeyId=r.physical_id,
            Status=r.get("Status", "Active"),
        )  # fmt: skip

    async def delete(self, r: Request) -> None:
        await r.call("iam", "DeleteAccessKey", UserName=r["UserName"], AccessKeyId=r.physical_id)


class InstanceProfile(ResourceType):
    type = "AWS::IAM::InstanceProfile"
    spec = "InstanceProfileName* Path* Roles![]"
    attributes = "Arn"
    iam_name = "InstanceProfileName"

    async def create(self, r: Request) -> None:
        name = r.get("InstanceProfileName") or r.name(128)
        answer = await r.call("iam", "CreateInstanceProfile", InstanceProfileName=name, **r.pick("Path"))
        r.physical_id = name
        r.attributes = {"Arn": answer["InstanceProfile"]["Arn"]}
        await self.update(r)

    async def update(self, r: Request) -> None:
        new, old = r["Roles"], r.previous.get("Roles") or []
        for role in [x for x in old if x not in new]:
            await self._role(r, "RemoveRoleFromInstanceProfile", role)
        for role in [x for x in new if x not in old]:
            await self._role(r, "AddRoleToInstanceProfile", role)

    async def delete(self, r: Request) -> None:
        for role in r["Roles"]:
            try:
                await self._role(r, "RemoveRoleFromInstanceProfile", role)
            except AwsError as e:
                if not is_gone(e):
                    raise
        await r.call("iam", "DeleteInstanceProfile", InstanceProfileName=r.physical_id)

    async def _role(self, r: Request, operation: str, role: str) -> None:
        await r.call("iam", operation, InstanceProfileName=r.physical_id, RoleName=role)


class UserToGroupAddition(ResourceType):
    type = "AWS::IAM::UserToGroupAddition"
    spec = "GroupName! Users![]"
    attributes = "Id"
    iam_name = ""

    async def create(self, r: Request) -> None:
        r.physical_id = r.name(64)
        r.attributes = {"Id": r.physical_id}
        await self.update(r)

    async def update(self, r: Request) -> None:
        same = r.get("GroupName") == r.previous.get("GroupName")
        old = r.previous.get("Users") or []
        for user in [u for u in r["Users"] if not same or u not in old]:
            await r.call("iam", "AddUserToGroup", GroupName=r["GroupName"], UserName=user)
        for user in [u for u in old if not same or u not in r["Users"]]:
            await r.call("iam", "RemoveUserFromGroup", GroupName=r.previous["GroupName"], UserName=user)

    async def delete(self, r: Request) -> None:
        for user in r["Users"]:
            try:
                await r.call("iam", "RemoveUserFromGroup", GroupName=r["GroupName"], UserName=user)
            except AwsError as e:
                if not is_gone(e):
                    raise


class ServiceLinkedRole(ResourceType):
    type = "AWS::IAM::ServiceLinkedRole"
    spec = "AWSServiceName* CustomSuffix* Description"
    attributes = "RoleName"

    async def create(self, r: Request) -> None:
        answer = await r.send("iam", "CreateServiceLinkedRole", r.properties)
        r.physical_id = answer["Role"]["RoleName"]
        r.attributes = {"RoleName": r.physical_id}

    async def update(self, r: Request) -> None:
        await r.call("iam", "UpdateRole", RoleName=r.physical_id, Description=r.get("Description", ""))

    async def delete(self, r: Request) -> None:
        await r.call("iam", "DeleteServiceLinkedRole", RoleName=r.physical_id)
