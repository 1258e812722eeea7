"""Key sets of user pools and their hosted domains, on the sandbox's port."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.aws.errors import NotEmulatedError
from sandbox.context import Address, Receive, Sandbox, Scope, Send
from sandbox.control.user_pools import Credentials, OauthError
from sandbox.services.cognito import documents
from sandbox.services.exchange import BodyTooLargeError, ClientGoneError, Exchange

_API_HOST = re.compile(r"cognito-(idp|identity)(\.[a-z0-9-]+)?\.(amazonaws\.com|localhost)")
_DOMAIN_HOST = re.compile(
    r"(?P<domain>[a-z0-9-]+)\.auth(\.[a-z]{2}(-[a-z]+)+-\d)?\.(amazoncognito\.com|localhost)"
)
_DOCUMENT = re.compile(
    r"/(?P<pool>[a-z0-9-]+_[A-Za-z0-9]+)/\.well-known/(?P<document>jwks\.json|openid-configuration)"
)
_LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))
LARGEST_FORM = 2**18

JSON = [
    ("content-type", "application/json;charset=UTF-8"),
    ("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),
]
Answer = tuple[int, list[tuple[str, str]], bytes]
Handler = Callable[[str, Scope, bytes], Coroutine[Any, Any, Answer]]


class CognitoService:
    """Answers ``/{poolId}/.well-known/...``, ``<domain>.auth...``, and the preflights of browsers."""

    name = "cognito"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._routes: Mapping[tuple[str, str], Handler] = {
            ("POST", "/oauth2/token"): self._token,
            ("GET", "/oauth2/authorize"): self._authorize,
            ("GET", "/login"): self._form,
            ("POST", "/login"): self._login,
            ("GET", "/oauth2/userInfo"): self._user_info,
            ("POST", "/oauth2/userInfo"): self._user_info,
            ("POST", "/oauth2/revoke"): self._revoke,
        }

    def match(self, address: Address) -> Mapping[str, str] | None:
        """A document of a pool, a hosted domain, or a preflight for the (unsigned) API."""
        hosted = _DOMAIN_HOST.fullmatch(address.host)
        if hosted:
            return {"domain": hosted["domain"]}
        api = bool(_API_HOST.fullmatch(address.host))
        if not api and address.host not in _LOCAL:
            return None
        if address.method == "OPTIONS":
            asked = address.headers.get("access-control-request-headers", "").lower()
            unsigned = "x-amz-target" in asked and "authorization" not in asked
            return {"preflight": "yes"} if "origin" in address.headers and (api or unsigned) else None
        document = _DOCUMENT.fullmatch(address.path) if address.method in ("GET", "HEAD") else None
        return document.groupdict() if document else None

    async def start(self) -> None:
        """Nothing to do before the first request."""

    async def stop(self) -> None:
        """Nothing is kept."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            raise NotEmulatedError(f"{scope['type']} at Cognito's addresses")
        async with Exchange(
            self._sandbox, self.name, self._sandbox.ids.uuid(), scope, receive, send
        ) as exchange:
            try:
                body = await exchange.read(LARGEST_FORM)
                status, headers, content = await self._answer(scope, body)
            except ClientGoneError:
                return
            except BodyTooLargeError:
                status, headers, content = _json(413, {"error": "invalid_request"})
            except OauthError as refused:
                status, headers, content = _refusal(refused)
            await exchange.answer(status, [*headers, *_cors(scope)], content)

    async def _answer(self, scope: Scope, body: bytes) -> Answer:
        asked: Mapping[str, str] = scope["aws"]
        if scope["method"] == "OPTIONS":
            return 200, [], b""
        if "document" in asked:
            return await self._document(asked["pool"], asked["document"])
        pool_id = await self._sandbox.control.user_pools.domain(asked["domain"])
        if pool_id is None:
            return _json(400, {"error": "invalid_request", "error_description": "There is no such domain."})
        handler = self._routes.get((scope["method"], scope["path"]))
        if handler is None:
            raise NotEmulatedError(f"{scope['method']} {scope['path']} of a Cognito domain")
        return await handler(pool_id, scope, body)

    async def _document(self, pool_id: str, document: str) -> Answer:
        pools = self._sandbox.control.user_pools
        keys = await pools.keys(pool_id)
        if keys is None:
            text = f"User pool {pool_id} does not exist."
            return _json(400, {"code": "BadRequest", "message": text})
        if document == "jwks.json":
            return _json(200, {"keys": keys})
        domain = await pools.domain_of(pool_id)
        region = pool_id.partition("_")[0]
        host = domain if domain and "." in domain else f"{domain}.auth.{region}.amazoncognito.com"
        return _json(200, documents.configuration(pool_id, host if domain else None))

    async def _token(self, pool_id: str, scope: Scope, body: bytes) -> Answer:
        form = _form(body)
        asks = _credentials(scope, form)
        return _json(200, await self._sandbox.control.user_pools.tokens(pool_id, asks, form))

    async def _authorize(self, pool_id: str, scope: Scope, body: bytes) -> Answer:
        """Parameters that do not fit are told here; others lead to the login page."""
        await self._sandbox.control.user_pools.check_authorize(pool_id, _query(scope))
        return 302, [("location", f"{_base(scope)}/login?{scope['query_string'].decode()}")], b""

    async def _form(self, pool_id: str, scope: Scope, body: bytes) -> Answer:
        await self._sandbox.control.user_pools.check_authorize(pool_id, _query(scope))
        return _page(200, scope)

    async def _login(self, pool_id: str, scope: Scope, body: bytes) -> Answer:
        form, query = _form(body), _query(scope)
        try:
            code = await self._sandbox.control.user_pools.code(
                pool_id, query, form.get("username", ""), form.get("password", "")
            )
        except OauthError as refused:
            if refused.error != "access_denied":
                raise
            return _page(400, scope, refused.description)
        given = {"code": code, **({"state": query["state"]} if "state" in query else {})}
        mark = "&" if "?" in query["redirect_uri"] else "?"
        return 302, [("location", f"{query['redirect_uri']}{mark}{urlencode(given)}")], b""

    async def _user_info(self, pool_id: str, scope: Scope, body: bytes) -> Answer:
        kind, _, token = _header(scope, b"authorization").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise OauthError("invalid_request", "Authorization header is required", 400)
        return _json(200, await self._sandbox.control.user_pools.user_info(pool_id, token.strip()))

    async def _revoke(self, pool_id: str, scope: Scope, body: bytes) -> Answer:
        form = _form(body)
        asks = _credentials(scope, form)
        await self._sandbox.control.user_pools.revoke(pool_id, asks, form.get("token", ""))
        return 200, [], b""


def _json(status: int, value: Mapping[str, Any]) -> Answer:
    return status, list(JSON), json.dumps(value).encode()


def _page(status: int, scope: Scope, message: str = "") -> Answer:
    action = f"{_base(scope)}/login?{scope['query_string'].decode('latin-1')}"
    return status, [("content-type", "text/html;charset=UTF-8")], documents.login_form(action, message)


def _base(scope: Scope) -> str:
    """What stands before the path in the address that the client used (path style has a prefix)."""
    sent = scope.get("sent_raw_path") or b""
    return sent[: -len(scope["raw_path"])].decode("latin-1") if sent.startswith(b"/_aws/") else ""


def _refusal(refused: OauthError) -> Answer:
    status, headers, body = _json(
        refused.status,
        {
            "error": refused.error,
            **({"error_description": refused.description} if refused.description else {}),
        },
    )
    if refused.status == 401:
        told = f'error="{refused.error}", error_description="{refused.description}"'
        headers.append(("www-authenticate", f"Bearer {told}"))
    return status, headers, body


def _cors(scope: Scope) -> list[tuple[str, str]]:
    """What a browser needs from another origin: everything is allowed, without cookies."""
    if not _header(scope, b"origin"):
        return []
    allow = [("access-control-allow-origin", "*")]
    if scope["method"] == "OPTIONS":
        asked = _header(scope, b"access-control-request-headers")
        allow.append(("access-control-allow-methods", "GET, POST, OPTIONS"))
        allow.append(("access-control-allow-headers", asked or "*"))
        allow.append(("access-control-max-age", "172800"))
    return allow


def _header(scope: Scope, name: bytes) -> str:
    found: bytes = dict(scope["headers"]).get(name, b"")
    return found.decode("latin-1")


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _credentials(scope: Scope, form: Mapping[str, str]) -> Credentials:
    """By HTTP Basic, or in the form. Raises ``OauthError``."""
    kind, _, encoded = _header(scope, b"authorization").partition(" ")
    if kind.lower() != "basic":
        return Credentials(form.get("client_id", ""), form.get("client_secret"))
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as wrong:
        raise OauthError("invalid_client") from wrong
    if form.get("client_id", client_id) != client_id:
        raise OauthError("invalid_request")
    return Credentials(client_id, secret)
