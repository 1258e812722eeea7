"""Actions that log users in: what AWS takes, and what it fills in. The words of the refusals are UNSOURCED."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from sandbox.aws.errors import AwsError
from sandbox.control.elbv2 import Document
from sandbox.control.shims.elbv2.state import State, invalid

# Source: botocore's elbv2 model, AuthenticateOidcActionConfig and AuthenticateCognitoActionConfig.
_DEFAULTS = {
    "SessionCookieName": "AWSELBAuthSessionCookie",
    "Scope": "openid",
    "OnUnauthenticatedRequest": "authenticate",
}
_NEEDED = {
    "AuthenticateOidcConfig": (
        "Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "ClientId",
    ),
    "AuthenticateCognitoConfig": ("UserPoolArn", "UserPoolClientId", "UserPoolDomain"),
}  # fmt: skip
_ENDPOINTS = ("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint")
_LOCAL = ("127.0.0.1", "localhost", "::1")


async def check(state: State, action: Document, before: Sequence[Document]) -> None:
    """Check an action and complete it. Raises ``AwsError``."""
    if action["Type"] == "jwt-validation":
        _check_tokens(action.get("JwtValidationConfig"))
        return
    cognito = action["Type"] == "authenticate-cognito"
    name = "AuthenticateCognitoConfig" if cognito else "AuthenticateOidcConfig"
    config: Document | None = action.get(name)
    if not config:
        raise invalid(f"A {name} must be specified for an action of type '{action['Type']}'")
    for member in _NEEDED[name]:
        if not config.get(member):
            raise invalid(f"{member} must be specified in {name}")
    for member, value in _DEFAULTS.items():
        config.setdefault(member, value)
    limits = state.sandbox.limits
    seconds = config.setdefault("SessionTimeout", int(limits.value("alb.auth.session_timeout")))
    config["SessionTimeout"] = int(seconds)
    if not 1 <= int(seconds) <= int(limits.value("alb.auth.session_timeout")):
        raise invalid(f"Session timeout '{seconds}' must be between 1 and 604800 seconds")
    if config["OnUnauthenticatedRequest"] not in ("deny", "allow", "authenticate"):
        raise invalid(f"'{config['OnUnauthenticatedRequest']}' must be one of deny, allow, authenticate")
    if len(config.get("AuthenticationRequestExtraParams") or {}) > 10:
        raise invalid("At most 10 authentication request extra parameters can be specified")
    if cognito:
        await _check_client(state, config)
    else:
        _check_provider(config, before)


def _check_tokens(config: Document | None) -> None:
    """Source: botocore's elbv2 model, JwtValidationActionConfig."""
    if not config or not config.get("JwksEndpoint") or not config.get("Issuer"):
        raise invalid("A JwtValidationConfig with JwksEndpoint and Issuer must be specified")
    for member in ("JwksEndpoint", "Issuer"):
        if len(config[member]) > 256:
            raise invalid(f"{member} can have at most 256 characters")
    _check_url("JwksEndpoint", config["JwksEndpoint"])
    claims = config.get("AdditionalClaims") or ()
    if len(claims) > 10:
        raise invalid("At most 10 additional claims can be specified")
    for claim in claims:
        if claim["Name"] in ("exp", "iss", "nbf", "iat"):
            raise invalid(f"The claim '{claim['Name']}' is validated by default")
        values, spaced = claim["Values"], claim["Format"] == "space-separated-values"
        if not 1 <= len(values) <= 10 or any(
            len(value) > 256 or (spaced and " " in value) for value in values
        ):
            raise invalid(f"The values of the claim '{claim['Name']}' are not valid")


def _check_url(member: str, url: str) -> None:
    parts = urlsplit(url)
    # A provider on this machine may go without TLS, which is the sandbox's own rule.
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOCAL):
        raise invalid(f"{member} '{url}' must be a full URL with protocol HTTPS")


def _check_provider(config: Document, before: Sequence[Document]) -> None:
    for member in _ENDPOINTS:
        _check_url(member, str(config[member]))
    reuse = config.pop("UseExistingClientSecret", False)
    if reuse and not config.get("ClientSecret"):
        config["ClientSecret"] = next(
            (
                held["ClientSecret"]
                for action in before
                if (held := action.get("AuthenticateOidcConfig")) and held["ClientId"] == config["ClientId"]
            ),
            None,
        )
    if not config.get("ClientSecret"):
        raise invalid("ClientSecret must be specified in AuthenticateOidcConfig")


async def _check_client(state: State, config: Document) -> None:
    """Pool, client and domain must be there, and the client must have a secret."""
    pool = str(config["UserPoolArn"]).rpartition("/")[2]
    control = state.sandbox.control
    try:
        found: dict[str, Any] = await control.call(
            "cognito-idp", "DescribeUserPoolClient", UserPoolId=pool, ClientId=config["UserPoolClientId"]
        )
    except AwsError as error:
        raise AwsError(
            400, "InvalidLoadBalancerAction", f"The user pool client is not valid: {error.message}"
        ) from error
    if not found["UserPoolClient"].get("ClientSecret"):
        raise AwsError(400, "InvalidLoadBalancerAction", "The user pool client must have a client secret")
    if await control.user_pools.domain(config["UserPoolDomain"]) != pool:
        raise AwsError(
            400,
            "InvalidLoadBalancerAction",
            f"The user pool {pool} has no domain '{config['UserPoolDomain']}'",
        )
