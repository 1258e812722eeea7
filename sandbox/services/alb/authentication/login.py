"""OpenID Connect's authorization code flow: to the provider, back with a code, on with a session.

The attributes of the nonce's cookie, and that a state is refused before its code is spent, are what users of AWS
tell; the parts of the state are ours, sealed as AWS's is.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.auth.tokens import TokenError, unverified_claims
from sandbox.context import Sandbox
from sandbox.control.elbv2 import Document, login_config
from sandbox.services.alb.authentication.addresses import authorization, own
from sandbox.services.alb.authentication.errors import LoginError, denied
from sandbox.services.alb.authentication.provider import Provider, of_action
from sandbox.services.alb.authentication.session import Session, Vault, cookies, shards
from sandbox.services.alb.call import Call
from sandbox.services.alb.fixed import Answer

CALLBACK = b"/oauth2/idpresponse"
NONCE = "AWSALBAuthNonce"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_NONCE_LENGTH = 16
_DEFAULT_S = 3600  # of an access token whose answer says nothing of it; RFC 6749 leaves it open


class Login:
    """Begins logins, finishes them and renews sessions."""

    def __init__(self, sandbox: Sandbox, vault: Vault) -> None:
        self._sandbox = sandbox
        self._limits = sandbox.limits
        self._vault = vault

    def begin(self, call: Call, action: Document, config: Document) -> Answer:
        """Send a user to the provider. Raises :class:`LoginError`."""
        if not call.header("host") and not call.header(":authority"):
            raise LoginError("AuthMissingHostHeader").answer(self._limits)
        nonce = self._sandbox.ids.text(_NONCE_LENGTH, _LETTERS)
        base = own(call)
        state = {
            "nonce": nonce,
            "back": base + call.target.decode("latin-1"),
            "client": of_action(self._sandbox, action).client,
            "at": self._sandbox.clock.epoch(),
        }
        query = {
            "client_id": state["client"],
            "redirect_uri": base + CALLBACK.decode(),
            "response_type": "code",
            "scope": config["Scope"],
            "state": self._vault.seal(state),
            **config.get("AuthenticationRequestExtraParams", {}),
        }
        endpoint = authorization(call, action)
        mark = "&" if "?" in endpoint else "?"
        pairs = [("set-cookie", f"{NONCE}={nonce}; Path=/; Secure; HttpOnly")]
        return _moved(f"{endpoint}{mark}{urlencode(query)}", pairs)

    async def finish(self, call: Call, actions: Sequence[Document]) -> Answer:
        """Take the code that the provider gave. Raises :class:`LoginError`, ``AlbError``."""
        query = dict(parse_qsl(call.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        state = self._state(call, query)
        if "error" in query:
            if query["error"] == "access_denied":
                raise denied(self._limits, "the identity provider denied access")
            raise LoginError("AuthInvalidGrantError", query["error"])
        if not query.get("code"):
            raise LoginError("AuthMissingCodeParam")
        action = next((a for a in actions if of_action(self._sandbox, a).client == state["client"]), None)
        config = login_config(action) if action is not None else None
        if action is None or config is None:
            raise LoginError("AuthInvalidStateParam", "no rule has that client any more")
        form = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": own(call) + CALLBACK.decode(),
        }
        until = self._sandbox.clock.epoch() + float(config["SessionTimeout"])
        provider = of_action(self._sandbox, action)
        session = await self._made(provider, await provider.tokens(form), until)
        name, largest = config["SessionCookieName"], int(self._limits.value("alb.auth.cookie"))
        before = len(shards(call.cookies, name))
        cors = call.header("origin") is not None
        made = cookies(self._vault, name, session, before, largest, cors=cors)
        return _moved(state["back"], [("set-cookie", value) for value in made])

    def _state(self, call: Call, query: Mapping[str, str]) -> dict[str, Any]:
        """What this client was sent away with. Raises :class:`LoginError`, ``AlbError`` when it took too long."""
        if not query.get("state"):
            raise LoginError("AuthMissingStateParam")
        state = self._vault.open(query["state"])
        if not isinstance(state, dict):
            raise LoginError("AuthInvalidStateParam")
        nonce = call.cookies.get(NONCE)
        if nonce is None:
            raise LoginError("AuthMissingAWSALBAuthNonce")
        if not hmac.compare_digest(nonce.encode(), str(state["nonce"]).encode()):
            raise LoginError("AuthInvalidAWSALBAuthNonce")
        limit = float(self._limits.value("alb.auth.login_timeout"))
        if self._sandbox.clock.epoch() - state["at"] >= limit:
            raise denied(self._limits, f"the login took longer than {limit:g} s")
        return state

    async def renew(self, provider: Provider, session: Session) -> Session:
        """A session with a new access token and new claims. Raises :class:`LoginError`."""
        assert session.refresh is not None
        answer = await provider.tokens({"grant_type": "refresh_token", "refresh_token": session.refresh})
        return await self._made(provider, answer, session.until, before=session)

    async def _made(
        self, provider: Provider, answer: Mapping[str, Any], until: float, before: Session | None = None
    ) -> Session:
        """The session that a token endpoint's answer gives. Raises :class:`LoginError`."""
        now = self._sandbox.clock.epoch()
        access = answer.get("access_token")
        if not isinstance(access, str):
            raise LoginError("AuthInvalidTokenResponse", "there is no access token")
        if before is None or "id_token" in answer:
            _check_id_token(answer.get("id_token"), provider, now)
        raw = await provider.user_info(access)
        if len(raw) + len(access) > int(self._limits.value("alb.auth.claims")):
            raise LoginError("AuthUserinfoResponseSizeExceeded")
        try:
            found = json.loads(raw)
        except ValueError as error:
            raise LoginError("AuthInvalidUserinfoResponse", str(error)) from error
        if not isinstance(found, dict) or "sub" not in found:
            raise LoginError("AuthInvalidUserinfoResponse", "there is no sub")
        lasts = answer.get("expires_in", _DEFAULT_S)
        refresh = answer.get("refresh_token", before.refresh if before else None)
        return Session(provider.issuer, provider.client, found, access, now + float(lasts), refresh, until)


def _check_id_token(token: Any, provider: Provider, now: float) -> None:
    """OpenID Connect Core, 3.1.3.7: issuer, audience, end. It came over TLS from the provider, which stands for its
    signature; the load balancer is told no address of keys."""
    if not isinstance(token, str):
        raise LoginError("AuthInvalidIdToken", "the scope gives no id token")
    try:
        claims = unverified_claims(token)
    except TokenError as error:
        raise LoginError("AuthInvalidIdToken", str(error)) from error
    audience = claims.get("aud")
    if claims.get("iss") != provider.issuer:
        raise LoginError("AuthInvalidIdToken", f"its issuer is {claims.get('iss')}, not {provider.issuer}")
    if provider.client not in (audience if isinstance(audience, list) else [audience]):
        raise LoginError("AuthInvalidIdToken", f"it is for {audience}")
    if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= now:
        raise LoginError("AuthInvalidIdToken", "it has expired")


def _moved(location: str, pairs: list[tuple[str, str]]) -> Answer:
    head = [("server", "awselb/2.0"), ("content-type", "text/html"), ("location", location)]
    return Answer(302, [*head, *pairs], b"")
