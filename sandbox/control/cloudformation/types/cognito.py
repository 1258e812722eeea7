"""Cognito user pools: the pool, its clients and its domain."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.types.base import Request, ResourceType

SERVICE = "cognito-idp"


class UserPool(ResourceType):
    type = "AWS::Cognito::UserPool"
    spec = (
        "AccountRecoverySetting{} AdminCreateUserConfig{} AliasAttributes*[] AutoVerifiedAttributes[] "
        "DeletionProtection DeviceConfiguration{} EmailAuthenticationMessage EmailAuthenticationSubject "
        "EmailConfiguration{} EmailVerificationMessage EmailVerificationSubject EnabledMfas[] LambdaConfig{} "
        "MfaConfiguration Policies{} Schema[] SmsAuthenticationMessage SmsConfiguration{} "
        "SmsVerificationMessage UserAttributeUpdateSettings{} UserPoolAddOns{} UserPoolName UserPoolTags{} "
        "UserPoolTier UsernameAttributes*[] UsernameConfiguration*{} VerificationMessageTemplate{} "
        "WebAuthnRelyingPartyID WebAuthnUserVerification"
    )
    attributes = "Arn ProviderName ProviderURL UserPoolId"

    async def create(self, r: Request) -> None:
        made = await r.send(
            SERVICE, "CreateUserPool", _pool(r), PoolName=r.get("UserPoolName") or r.name(128)
        )
        pool = made["UserPool"]
        r.physical_id = pool["Id"]
        provider = f"cognito-idp.{r.region}.amazonaws.com/{pool['Id']}"
        r.attributes = {
            "Arn": pool["Arn"],
            "ProviderName": provider,
            "ProviderURL": f"https://{provider}",
            "UserPoolId": pool["Id"],
        }
        await _set_mfa(r)

    async def update(self, r: Request) -> None:
        """Attributes of the schema can only be added, as on AWS."""
        fixed = ("Schema", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
        given = {name: value for name, value in _pool(r).items() if name not in fixed}
        await r.send(SERVICE, "UpdateUserPool", given, UserPoolId=r.physical_id)
        before = [one.get("Name") for one in r.previous.get("Schema") or ()]
        added = [one for one in r.get("Schema") or () if one.get("Name") not in before]
        if added:
            custom = {"CustomAttributes": added}
            await r.send(SERVICE, "AddCustomAttributes", custom, UserPoolId=r.physical_id)
        await _set_mfa(r)

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteUserPool", UserPoolId=r.physical_id)


def _pool(r: Request) -> dict[str, Any]:
    ours = ("UserPoolName", "EnabledMfas", "MfaConfiguration")
    return {name: value for name, value in r.properties.items() if name not in ours}


async def _set_mfa(r: Request) -> None:
    mode = r.get("MfaConfiguration", "OFF")
    if mode == "OFF" and r.previous.get("MfaConfiguration", "OFF") == "OFF":
        return
    enabled = r.get("EnabledMfas") or ()
    given: dict[str, Any] = {"MfaConfiguration": mode}
    if "SOFTWARE_TOKEN_MFA" in enabled:
        given["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
    if "SMS_MFA" in enabled and r.get("SmsConfiguration"):
        given["SmsMfaConfiguration"] = {"SmsConfiguration": r["SmsConfiguration"]}
    await r.send(SERVICE, "SetUserPoolMfaConfig", given, UserPoolId=r.physical_id)


class UserPoolClient(ResourceType):
    type = "AWS::Cognito::UserPoolClient"
    spec = (
        "AccessTokenValidity AllowedOAuthFlows[] AllowedOAuthFlowsUserPoolClient AllowedOAuthScopes[] "
        "AnalyticsConfiguration{} AuthSessionValidity CallbackURLs[] ClientName DefaultRedirectURI "
        "EnablePropagateAdditionalUserContextData EnableTokenRevocation ExplicitAuthFlows[] GenerateSecret* "
        "IdTokenValidity LogoutURLs[] PreventUserExistenceErrors ReadAttributes[] RefreshTokenRotation{} "
        "RefreshTokenValidity SupportedIdentityProviders[] TokenValidityUnits{} UserPoolId!* "
        "WriteAttributes[]"
    )
    attributes = "ClientId ClientSecret Name"

    async def create(self, r: Request) -> None:
        name = r.get("ClientName") or r.name(128)
        made = await r.send(SERVICE, "CreateUserPoolClient", {**r.properties, "ClientName": name})
        client = made["UserPoolClient"]
        r.physical_id = client["ClientId"]
        r.attributes = {"ClientId": client["ClientId"], "Name": name}
        if client.get("ClientSecret"):
            r.attributes["ClientSecret"] = client["ClientSecret"]

    async def update(self, r: Request) -> None:
        given = {name: value for name, value in r.properties.items() if name != "GenerateSecret"}
        given.setdefault("ClientName", r.attributes.get("Name"))
        await r.send(SERVICE, "UpdateUserPoolClient", given, ClientId=r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteUserPoolClient", UserPoolId=r["UserPoolId"], ClientId=r.physical_id)


class UserPoolDomain(ResourceType):
    type = "AWS::Cognito::UserPoolDomain"
    spec = "CustomDomainConfig{} Domain!* ManagedLoginVersion UserPoolId!*"
    attributes = "CloudFrontDistribution Id"

    async def create(self, r: Request) -> None:
        made = await r.send(SERVICE, "CreateUserPoolDomain", r.properties)
        r.physical_id = r["Domain"]
        r.attributes = {"Id": r["Domain"], "CloudFrontDistribution": made.get("CloudFrontDomain", "")}

    async def update(self, r: Request) -> None:
        await r.send(SERVICE, "UpdateUserPoolDomain", r.properties)

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteUserPoolDomain", Domain=r["Domain"], UserPoolId=r["UserPoolId"])


class UserPoolResourceServer(ResourceType):
    type = "AWS::Cognito::UserPoolResourceServer"
    spec = "Identifier!* Name! Scopes[] UserPoolId!*"

    async def create(self, r: Request) -> None:
        await r.send(SERVICE, "CreateResourceServer", r.properties)
        r.physical_id = r["Identifier"]

    async def update(self, r: Request) -> None:
        await r.send(SERVICE, "UpdateResourceServer", r.properties)

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteResourceServer", UserPoolId=r["UserPoolId"], Identifier=r["Identifier"])
