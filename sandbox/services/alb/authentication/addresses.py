"""Addresses that a browser is sent to: AWS's for a client that came by AWS's name, else the sandbox's own."""

from __future__ import annotations

from urllib.parse import urlsplit

from sandbox.control.elbv2 import Document
from sandbox.services.alb.call import Call


def own(call: Call) -> str:
    """What stands before the path in the client's address. On AWS it is always HTTPS, as its listener is.

    TLS may be left out before the sandbox, so a client that came by one of its names gets the scheme that it used.
    """
    host, sent = _host(call), bytes(call.scope.get("sent_raw_path") or b"")
    prefix = sent.removesuffix(call.raw_path).decode("latin-1") if sent.startswith(b"/_aws/") else ""
    return f"{_scheme(call)}://{host}{prefix}"


def authorization(call: Call, action: Document) -> str:
    """The provider's authorization endpoint."""
    if action["Type"] == "authenticate-oidc":
        return str(action["AuthenticateOidcConfig"]["AuthorizationEndpoint"])
    config = action["AuthenticateCognitoConfig"]
    domain, region = config["UserPoolDomain"], config["UserPoolArn"].split(":")[3]
    host = _host(call)
    name = urlsplit(f"//{host}").hostname or ""
    if "." in domain or not _is_local(name):
        full = domain if "." in domain else f"{domain}.auth.{region}.amazoncognito.com"
        return f"https://{full}/oauth2/authorize"
    if bytes(call.scope.get("sent_raw_path") or b"").startswith(b"/_aws/"):
        return f"{_scheme(call)}://{host}/_aws/cognito/{domain}/oauth2/authorize"
    _, mark, port = host.rpartition(":")
    return f"{_scheme(call)}://{domain}.auth.{region}.localhost{mark}{port if mark else ''}/oauth2/authorize"


def _host(call: Call) -> str:
    return call.header("host") or call.header(":authority") or ""


def _is_local(name: str) -> bool:
    return name in ("localhost", "127.0.0.1", "::1") or name.endswith(".localhost")


def _scheme(call: Call) -> str:
    name = urlsplit(f"//{_host(call)}").hostname or ""
    return "http" if _is_local(name) and call.scope.get("scheme") in ("http", "ws") else "https"
