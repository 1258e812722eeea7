"""Cognito: groups and users of a user pool; identity pools and their roles."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.types.base import Request, ResourceType

USERS, IDENTITIES = "cognito-idp", "cognito-identity"


class UserPoolGroup(ResourceType):
    type = "AWS::Cognito::UserPoolGroup"
    spec = "Description GroupName* Precedence RoleArn UserPoolId!*"

    async def create(self, r: Request) -> None:
        name = r.get("GroupName") or r.name(128)
        await r.send(USERS, "CreateGroup", {**r.properties, "GroupName": name})
        r.physical_id = name

    async def update(self, r: Request) -> None:
        await r.send(USERS, "UpdateGroup", {**r.properties, "GroupName": r.physical_id})

    async def delete(self, r: Request) -> None:
        await r.call(USERS, "DeleteGroup", UserPoolId=r["UserPoolId"], GroupName=r.physical_id)


class UserPoolUser(ResourceType):
    """All of a user's properties need a new user (the type's public schema)."""

    type = "AWS::Cognito::UserPoolUser"
    spec = (
        "ClientMetadata* DesiredDeliveryMediums*[] ForceAliasCreation* MessageAction* UserAttributes*[] "
        "UserPoolId!* Username* ValidationData*[]"
    )

    async def create(self, r: Request) -> None:
        name = r.get("Username") or r.name(128)
        made = await r.send(USERS, "AdminCreateUser", {**r.properties, "Username": name})
        r.physical_id = made["User"]["Username"]

    async def delete(self, r: Request) -> None:
        await r.call(USERS, "AdminDeleteUser", UserPoolId=r["UserPoolId"], Username=r.physical_id)


class UserPoolUserToGroupAttachment(ResourceType):
    type = "AWS::Cognito::UserPoolUserToGroupAttachment"
    spec = "GroupName!* UserPoolId!* Username!*"

    async def create(self, r: Request) -> None:
        await r.call(USERS, "AdminAddUserToGroup", **r.pick("GroupName UserPoolId Username"))
        r.physical_id = r.name(128)

    async def delete(self, r: Request) -> None:
        await r.call(USERS, "AdminRemoveUserFromGroup", **r.pick("GroupName UserPoolId Username"))


class IdentityPool(ResourceType):
    type = "AWS::Cognito::IdentityPool"
    spec = (
        "AllowClassicFlow AllowUnauthenticatedIdentities! CognitoEvents{} CognitoIdentityProviders[] "
        "CognitoStreams{} DeveloperProviderName IdentityPoolName IdentityPoolTags[] OpenIdConnectProviderARNs[] "
        "PushSync{} SamlProviderARNs[] SupportedLoginProviders{}"
    )
    attributes = "Id Name"

    async def create(self, r: Request) -> None:
        name = r.get("IdentityPoolName") or r.name(128)
        made = await r.send(IDENTITIES, "CreateIdentityPool", _pool(r, name))
        r.physical_id = made["IdentityPoolId"]
        r.attributes = {"Id": made["IdentityPoolId"], "Name": name}

    async def update(self, r: Request) -> None:
        name = r.get("IdentityPoolName") or r.attributes["Name"]
        await r.send(IDENTITIES, "UpdateIdentityPool", _pool(r, name), IdentityPoolId=r.physical_id)
        r.attributes = {"Id": r.physical_id, "Name": name}

    async def delete(self, r: Request) -> None:
        await r.call(IDENTITIES, "DeleteIdentityPool", IdentityPoolId=r.physical_id)


def _pool(r: Request, name: str) -> dict[str, Any]:
    """Cognito Sync's properties (events, streams, push) have no counterpart: Sync is not emulated."""
    sync = ("CognitoEvents", "CognitoStreams", "PushSync")
    given = {key: value for key, value in r.properties.items() if key not in sync}
    return {**given, "IdentityPoolName": name}


class IdentityPoolRoleAttachment(ResourceType):
    type = "AWS::Cognito::IdentityPoolRoleAttachment"
    spec = "IdentityPoolId!* RoleMappings{} Roles{}"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        r.physical_id = r.name(128)
        r.attributes = {"Id": r.physical_id}
        await self.update(r)

    async def update(self, r: Request) -> None:
        """A mapping's key is its ``IdentityProvider`` or, without one, its own name."""
        mappings = {
            str(mapping.get("IdentityProvider", name)): {
                k: v for k, v in mapping.items() if k != "IdentityProvider"
            }
            for name, mapping in (r.get("RoleMappings") or {}).items()
        }
        given = {"Roles": r.get("Roles") or {}, **({"RoleMappings": mappings} if mappings else {})}
        await r.send(IDENTITIES, "SetIdentityPoolRoles", given, IdentityPoolId=r["IdentityPoolId"])

    async def delete(self, r: Request) -> None:
        await r.call(IDENTITIES, "SetIdentityPoolRoles", IdentityPoolId=r["IdentityPoolId"], Roles={})
