"""IAM: roles, users, groups and what they may do."""

from __future__ import annotations

from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.types.base import (
    Request,
    ResourceType,
    is_gone,
    policy_text,
    tags_changed,
)


class _Principal(ResourceType):
    """Roles, users and groups: the same operations under three names."""

    word: str  # "Role"
    id_attribute: str = ""

    async def _attach(self, r: Request) -> None:
        """Bring inline and managed policies from the previous state to the wanted one."""
        name = {f"{self.word}Name": r.physical_id}
        new = {p["PolicyName"]: policy_text(p["PolicyDocument"]) for p in r.get("Policies") or []}
        old = {p["PolicyName"]: policy_text(p["PolicyDocument"]) for p in r.previous.get("Policies") or []}
        for policy, text in new.items():
            if old.get(policy) != text:
                await r.call("iam", f"Put{self.word}Policy", **name, PolicyName=policy, PolicyDocument=text)
        for policy in old.keys() - new.keys():
            await r.call("iam", f"Delete{self.word}Policy", **name, PolicyName=policy)
        wanted, held = (dict.fromkeys(p.get("ManagedPolicyArns") or []) for p in (r.properties, r.previous))
        for arn in [a for a in wanted if a not in held]:
            await r.call("iam", f"Attach{self.word}Policy", **name, PolicyArn=arn)
        for arn in [a for a in held if a not in wanted]:
            await r.call("iam", f"Detach{self.word}Policy", **name, PolicyArn=arn)

    async def _detach_all(self, r: Request) -> None:
        name = {f"{self.word}Name": r.physical_id}
        attached = await r.call("iam", f"ListAttached{self.word}Policies", **name)
        for policy in attached["AttachedPolicies"]:
            await r.call("iam", f"Detach{self.word}Policy", **name, PolicyArn=policy["PolicyArn"])
        for policy in (await r.call("iam", f"List{self.word}Policies", **name))["PolicyNames"]:
            await r.call("iam", f"Delete{self.word}Policy", **name, PolicyName=policy)

    async def _retag(self, r: Request) -> None:
        added, removed = tags_changed(r)
        name = {f"{self.word}Name": r.physical_id}
        if added:
            await r.call("iam", f"Tag{self.word}", **name, Tags=added)
        if removed:
            await r.call("iam", f"Untag{self.word}", **name, TagKeys=removed)

    async def delete(self, r: Request) -> None:
        await self._detach_all(r)
        await r.call("iam", f"Delete{self.word}", **{f"{self.word}Name": r.physical_id})


class Role(_Principal):
    type = "AWS::IAM::Role"
    spec = (
        "AssumeRolePolicyDocument! Description ManagedPolicyArns[] MaxSessionDuration Path* "
        "PermissionsBoundary Policies[] RoleName* Tags[]"
    )
    attributes = "Arn RoleId"
    iam_name = "RoleName"
    word = "Role"

    async def create(self, r: Request) -> None:
        name = r.get("RoleName") or r.name(64)
        values = r.pick(
            "AssumeRolePolicyDocument Description MaxSessionDuration Path PermissionsBoundary Tags"
        )
        answer = await r.send("iam", "CreateRole", {**values, "RoleName": name})
        r.physical_id = name
        r.attributes = {"Arn": answer["Role"]["Arn"], "RoleId": answer["Role"]["RoleId"]}
        await self._attach(r)

    async def update(self, r: Request) -> None:
        if r.changed("AssumeRolePolicyDocument"):
            await r.call(
                "iam",
                "UpdateAssumeRolePolicy",
                RoleName=r.physical_id,
                PolicyDocument=policy_text(r["AssumeRolePolicyDocument"]),
            )
        if r.changed("Description", "MaxSessionDuration"):
            values = {
                "Description": "",
                "MaxSessionDuration": 3600,
                **r.pick("Description MaxSessionDuration"),
            }
            await r.send("iam", "UpdateRole", {**values, "RoleName": r.physical_id})
        if r.changed("PermissionsBoundary"):
            await _boundary(r, "Role")
        await self._attach(r)
        await self._retag(r)


async def _boundary(r: Request, word: str) -> None:
    name = {f"{word}Name": r.physical_id}
    if "PermissionsBoundary" in r.properties:
        await r.call(
            "iam", f"Put{word}PermissionsBoundary", **name, PermissionsBoundary=r["PermissionsBoundary"]
        )
    else:
        await r.call("iam", f"Delete{word}PermissionsBoundary", **name)


class User(_Principal):
    type = "AWS::IAM::User"
    spec = "Groups[] LoginProfile{} ManagedPolicyArns[] Path PermissionsBoundary Policies[] Tags[] UserName*"
    attributes = "Arn"
    iam_name = "UserName"
    word = "User"

    async def create(self, r: Request) -> None:
        name = r.get("UserName") or r.name(64)
        answer = await r.send(
            "iam", "CreateUser", {**r.pick("Path PermissionsBoundary Tags"), "UserName": name}
        )
        r.physical_id = name
        r.attributes = {"Arn": answer["User"]["Arn"]}
        if "LoginProfile" in r.properties:
            await r.send("iam", "CreateLoginProfile", {**r["LoginProfile"], "UserName": name})
        await self._groups(r)
        await self._attach(r)

    async def update(self, r: Request) -> None:
        if r.changed("Path"):
            await r.call("iam", "UpdateUser", UserName=r.physical_id, NewPath=r.get("Path", "/"))
        if r.changed("PermissionsBoundary"):
            await _boundary(r, "User")
        if r.changed("LoginProfile"):
            operation = "UpdateLoginProfile" if "LoginProfile" in r.previous else "CreateLoginProfile"
            if "LoginProfile" in r.properties:
                await r.send("iam", operation, {**r["LoginProfile"], "UserName": r.physical_id})
            else:
                await r.call("iam", "DeleteLoginProfile", UserName=r.physical_id)
        await self._groups(r)
        await self._attach(r)
        await self._retag(r)

    async def _groups(self, r: Request) -> None:
        new, old = r.get("Groups") or [], r.previous.get("Groups") or []
        for group in [g for g in new if g not in old]:
            await r.call("iam", "AddUserToGroup", GroupName=group, UserName=r.physical_id)
        for group in [g for g in old if g not in new]:
            await r.call("iam", "RemoveUserFromGroup", GroupName=group, UserName=r.physical_id)

    async def delete(self, r: Request) -> None:
        for group in (await r.call("iam", "ListGroupsForUser", UserName=r.physical_id))["Groups"]:
            await r.call("iam", "RemoveUserFromGroup", GroupName=group["GroupName"], UserName=r.physical_id)
        if "LoginProfile" in r.properties:
            await r.call("iam", "DeleteLoginProfile", UserName=r.physical_id)
        await super().delete(r)


class Group(_Principal):
    type = "AWS::IAM::Group"
    spec = "GroupName* ManagedPolicyArns[] Path Policies[]"
    attributes = "Arn"
    iam_name = "GroupName"
    word = "Group"

    async def create(self, r: Request) -> None:
        name = r.get("GroupName") or r.name(128)
        answer = await r.send("iam", "CreateGroup", {**r.pick("Path"), "GroupName": name})
        r.physical_id = name
        r.attributes = {"Arn": answer["Group"]["Arn"]}
        await self._attach(r)

    async def update(self, r: Request) -> None:
        if r.changed("Path"):
            await r.call("iam", "UpdateGroup", GroupName=r.physical_id, NewPath=r.get("Path", "/"))
        await self._attach(r)


_TARGETS = (("Groups", "Group"), ("Roles", "Role"), ("Users", "User"))


class Policy(ResourceType):
    type = "AWS::IAM::Policy"
    spec = "Groups[] PolicyDocument! PolicyName! Roles[] Users[]"
    attributes = "Id"
    iam_name = ""

    async def create(self, r: Request) -> None:
        r.physical_id = r.name(64)
        r.attributes = {"Id": r.physical_id}
        await self.update(r)

    async def update(self, r: Request) -> None:
        text = policy_text(r["PolicyDocument"])
        for key, word in _TARGETS:
            for name in r.get(key) or []:
                await r.call(
                    "iam",
                    f"Put{word}Policy",
                    **{f"{word}Name": name, "PolicyName": r["PolicyName"], "PolicyDocument": text},
                )
            kept = (r.get(key) or []) if not r.changed("PolicyName") else []
            await self._take(r, word, [n for n in r.previous.get(key) or [] if n not in kept], r.previous)

    async def delete(self, r: Request) -> None:
        for key, word in _TARGETS:
            await self._take(r, word, r.get(key) or [], r.properties)

    async def _take(self, r: Request, word: str, names: list[str], values: dict[str, Any]) -> None:
        for name in names:
            try:
                await r.call(
                    "iam", f"Delete{word}Policy", **{f"{word}Name": name, "PolicyName": values["PolicyName"]}
                )
            except AwsError as e:
                if not is_gone(e):
                    raise


class _InlinePolicy(ResourceType):
    """AWS::IAM::RolePolicy and its brothers."""

    word: str

    async def create(self, r: Request) -> None:
        await self.update(r)
        r.physical_id = f"{r['PolicyName']}|{r[self.word + 'Name']}"

    async def update(self, r: Request) -> None:
        await r.send("iam", f"Put{self.word}Policy", r.properties)

    async def delete(self, r: Request) -> None:
        await r.send("iam", f"Delete{self.word}Policy", r.pick(f"PolicyName {self.word}Name"))


class RolePolicy(_InlinePolicy):
    type = "AWS::IAM::RolePolicy"
    spec = "PolicyDocument PolicyName!* RoleName!*"
    iam_name = ""
    word = "Role"


class UserPolicy(_InlinePolicy):
    type = "AWS::IAM::UserPolicy"
    spec = "PolicyDocument PolicyName!* UserName!*"
    iam_name = ""
    word = "User"


class GroupPolicy(_InlinePolicy):
    type = "AWS::IAM::GroupPolicy"
    spec = "GroupName!* PolicyDocument PolicyName!*"
    iam_name = ""
    word = "Group"
