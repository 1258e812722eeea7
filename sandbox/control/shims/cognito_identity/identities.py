"""Identities and their credentials: the enhanced flow.

Messages as users of Cognito quote them in public issues (amplify-js, aws-sdk-js); those marked so are UNSOURCED.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.auth import tokens
from sandbox.auth.tokens import TokenError, verify_jwt
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_identity import roles
from sandbox.control.shims.cognito_identity.state import Identity, IdentityPool, State

USER_POOL = re.compile(r"cognito-idp\.[a-z0-9-]+\.amazonaws\.com/[\w-]+")
CREDENTIALS_S = 3600
SESSION_NAME = "CognitoIdentityCredentials"
TOKEN_FAULTS = {
    tokens.WRONG_AUDIENCE: "Incorrect token audience.",
    tokens.WRONG_ISSUER: "Issuer doesn't match providerName",
    tokens.WRONG_USE: "Not a valid OpenId Connect identity token.",
    tokens.NOT_THREE_PARTS: "Not a valid OpenId Connect identity token.",
    tokens.MALFORMED: "Not a valid OpenId Connect identity token.",
}


class PoolIdentities:
    """The operations that an application calls without a signature."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"GetId": self.get_id, "GetCredentialsForIdentity": self.credentials}

    async def get_id(self, call: Call) -> Mapping[str, Any]:
        """``GetId``: the same login has the same identity."""
        pool = self._state.pool(call.params["IdentityPoolId"])
        logins = call.params.get("Logins") or {}
        users = {name: str((await self._claims(pool, name, token))["sub"]) for name, token in logins.items()}
        if not users:
            _check_unauthenticated(pool)
            return {"IdentityId": self._new(pool, {}).id}
        for identity in pool.identities.values():
            if any(identity.logins.get(name) == sub for name, sub in users.items()):
                identity.logins.update(users)
                return {"IdentityId": identity.id}
        return {"IdentityId": self._new(pool, users).id}

    def _new(self, pool: IdentityPool, users: dict[str, str]) -> Identity:
        region = pool.id.partition(":")[0]
        sandbox = self._state.sandbox
        identity = Identity(f"{region}:{sandbox.ids.uuid()}", sandbox.clock.utcnow(), users)
        pool.identities[identity.id] = identity
        return identity

    async def credentials(self, call: Call) -> Mapping[str, Any]:
        """``GetCredentialsForIdentity``: a session of the role that the pool gives to the identity."""
        pool, identity = self._state.identity(call.params["IdentityId"])
        role = await self._role(pool, identity, call.params)
        logins = tuple(call.params.get("Logins") or ())
        context = {  # IAM User Guide, "Available keys for AWS web identity federation"
            "cognito-identity.amazonaws.com:aud": pool.id,
            "cognito-identity.amazonaws.com:sub": identity.id,
            "cognito-identity.amazonaws.com:amr": ("authenticated", *logins)
            if logins
            else ("unauthenticated",),
        }
        made = await self._state.sessions.assume(role, SESSION_NAME, CREDENTIALS_S, context)
        return {
            "IdentityId": identity.id,
            "Credentials": {
                "AccessKeyId": made.access_key,
                "SecretKey": made.secret_key,
                "SessionToken": made.session_token,
                "Expiration": made.expires,
            },
        }

    async def _role(self, pool: IdentityPool, identity: Identity, params: Mapping[str, Any]) -> str:
        logins = params.get("Logins") or {}
        if not logins:
            if identity.logins:
                raise _refused(f"Access to Identity '{identity.id}' is forbidden.")
            _check_unauthenticated(pool)
            return roles.of(pool, "unauthenticated")
        chosen = ""
        for provider, token in logins.items():
            claims = await self._claims(pool, provider, token)
            known = identity.logins.setdefault(provider, str(claims["sub"]))
            if known != claims["sub"]:
                raise _refused(
                    "Logins don't match. Please include at least one valid login for this identity."
                )
            chosen = chosen or roles.of_login(pool, provider, claims, params.get("CustomRoleArn"))
        return chosen

    async def _claims(self, pool: IdentityPool, provider: str, token: str) -> Mapping[str, Any]:
        """The claims of a login's token. Raises ``NotAuthorizedException``."""
        if not USER_POOL.fullmatch(provider):
            raise NotEmulatedError(f"the login provider {provider} of Cognito identity pools")
        clients = [
            one["ClientId"]
            for one in pool.config.get("CognitoIdentityProviders") or ()
            if one.get("ProviderName") == provider
        ]
        if not clients:
            raise _refused("Token is not from a supported provider of this identity pool.")
        try:
            return await verify_jwt(
                token,
                issuer=f"https://{provider}",
                audiences=clients,
                keys=self._keys,
                now=self._state.sandbox.clock.epoch(),
                uses=("id",),
            )
        except TokenError as wrong:
            raise _refused(f"Invalid login token. {self._reason(wrong, token)}") from wrong

    def _reason(self, wrong: TokenError, token: str) -> str:
        if wrong.description == tokens.EXPIRED:
            ended = tokens.unverified_claims(token).get("exp")
            return f"Token expired: {int(self._state.sandbox.clock.epoch())} >= {ended}"
        return TOKEN_FAULTS.get(wrong.description, "Token signature invalid.")  # the last one is UNSOURCED

    async def _keys(self, issuer: str) -> Sequence[Mapping[str, Any]]:
        return await self._state.keys(issuer) or ()


def _check_unauthenticated(pool: IdentityPool) -> None:
    if not pool.config.get("AllowUnauthenticatedIdentities"):
        raise _refused("Unauthenticated access is not supported for this identity pool.")


def _refused(message: str) -> AwsError:
    return AwsError(400, "NotAuthorizedException", message)
