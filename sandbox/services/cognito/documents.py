"""The public documents of a user pool."""

from __future__ import annotations

from html import escape
from typing import Any


def configuration(pool_id: str, domain_host: str | None) -> dict[str, Any]:
    """The OpenID configuration; the addresses of a hosted domain are in it when the pool has one."""
    region = pool_id.partition("_")[0]
    issuer = f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"
    found: dict[str, Any] = {
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code", "token"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    if domain_host:
        base = f"https://{domain_host}"
        found |= {
            "authorization_endpoint": f"{base}/oauth2/authorize",
            "end_session_endpoint": f"{base}/logout",
            "revocation_endpoint": f"{base}/oauth2/revoke",
            "token_endpoint": f"{base}/oauth2/token",
            "userinfo_endpoint": f"{base}/oauth2/userInfo",
        }
    return dict(sorted(found.items()))


def login_form(action: str, message: str = "") -> bytes:
    """A plain login page, with the field names of Cognito's."""
    note = f"<p>{escape(message)}</p>" if message else ""
    return (
        f'<!doctype html><title>Sign in</title>{note}<form method="post" action="{escape(action)}">'
        '<label>Username <input name="username" autocomplete="username"></label> '
        '<label>Password <input name="password" type="password" autocomplete="current-password"></label> '
        "<button>Sign in</button></form>"
    ).encode()
