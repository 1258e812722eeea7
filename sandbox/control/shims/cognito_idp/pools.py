"""What moto lacks of pools, clients and users that an administrator makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.control.message import Request, Response
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.cognito_idp import errors, messages, passwords, triggers, views
from sandbox.control.shims.cognito_idp.state import LETTERS, State

TOKENS = {"AccessToken": "access", "IdToken": "id", "RefreshToken": "refresh"}


class Pools:
    """Checks before moto's own work, and what comes back from it."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateUserPool": self.create_pool,
            "UpdateUserPool": self.update_pool,
            "CreateUserPoolClient": self.create_client,
            "UpdateUserPoolClient": self.update_client,
            "CreateUserPoolDomain": self.create_domain,
            "UpdateResourceServer": self.update_server,
            "DeleteResourceServer": self.delete_server,
            "AdminCreateUser": self.create_user,
            "AdminSetUserPassword": self.set_password,
        }

    async def create_pool(self, call: Call) -> Response:
        """``CreateUserPool``: its id in Cognito's form, Region and nine letters and digits."""
        triggers.check(call.params.get("LambdaConfig"))
        answer = await call.moto()
        if answer.status != 200:
            return answer
        body = json.loads(answer.body)
        made = body["UserPool"]
        new_id = f"{call.target.region}_{self._state.ids.text(9, LETTERS)}"
        made["Arn"] = await self._state.moto.run(lambda: _rename_pool(made["Id"], new_id))
        made["Id"] = new_id
        return replace(answer, body=json.dumps(body).encode())

    async def update_pool(self, call: Call) -> Response:
        """``UpdateUserPool``."""
        triggers.check(call.params.get("LambdaConfig"))
        return await call.moto()

    async def create_client(self, call: Call) -> Response:
        """``CreateUserPoolClient``: validity checked, ids and secrets in Cognito's form."""
        self._check_validity(call.params)
        answer = await call.moto()
        if answer.status != 200:
            return answer
        body = json.loads(answer.body)
        made = body["UserPoolClient"]
        new_id = self._state.ids.text(26)
        secret = self._state.ids.text(52)
        made["ClientId"] = await self._state.moto.run(
            lambda: _rename(made["UserPoolId"], made["ClientId"], new_id, secret)
        )
        if "ClientSecret" in made:
            made["ClientSecret"] = secret
        return replace(answer, body=json.dumps(body).encode())

    async def update_client(self, call: Call) -> Response:
        """``UpdateUserPoolClient``."""
        self._check_validity(call.params)
        return await call.moto()

    def _check_validity(self, params: Mapping[str, Any]) -> None:
        for token, name in TOKENS.items():
            seconds = views.validity_s(params, token)
            row = self._state.sandbox.limits.row(f"cognito.token.{name}")
            if seconds is not None and not (row.min or 0) <= seconds <= (row.max or seconds):
                raise errors.invalid("Invalid range for token validity.")

    async def create_domain(self, call: Call) -> Response:
        """``CreateUserPoolDomain``: a prefix is nobody else's."""
        domain = call.params["Domain"]
        if await self._state.moto.run(lambda: domain_pool(domain)):
            raise errors.invalid(f"Domain already associated with another user pool: {domain}")
        return await call.moto()

    async def update_server(self, call: Call) -> Mapping[str, Any]:
        """``UpdateResourceServer``."""
        params = call.params
        made = await self._state.in_moto(lambda: _server(params, change=True).to_json())
        return {"ResourceServer": made}

    async def delete_server(self, call: Call) -> None:
        """``DeleteResourceServer``."""
        params = call.params
        await self._state.in_moto(lambda: _delete_server(params))

    async def create_user(self, call: Call) -> Response | Mapping[str, Any]:
        """``AdminCreateUser``: a temporary password is made when none is given, and is told on the timeline."""
        params = call.params
        if params.get("MessageAction") == "RESEND":
            return await self._invite_again(params)
        pool = await self._state.moto.run(lambda: _pool_config(params["UserPoolId"]))
        if pool is None:
            raise errors.no_pool(params["UserPoolId"])
        if await self._state.user(params["UserPoolId"], params["Username"]):
            raise errors.refuse("UsernameExistsException", "User account already exists")
        password = params.get("TemporaryPassword") or passwords.temporary(self._state.ids)
        passwords.check(pool, password)
        answer = await call.moto(_with(call.request, TemporaryPassword=password))
        if answer.status == 200 and params.get("MessageAction") != "SUPPRESS":
            await self._invited(params, params["Username"], password)
        return answer

    async def _invite_again(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new temporary password for a user who never logged in."""
        user = await self._state.user(params["UserPoolId"], params["Username"])
        if user is None:
            raise errors.no_user()
        if user.status != "FORCE_CHANGE_PASSWORD":
            raise errors.refuse(
                "UnsupportedUserStateException",
                f"Resend not possible. {user.username} status is not FORCE_CHANGE_PASSWORD",
            )
        password = params.get("TemporaryPassword") or passwords.temporary(self._state.ids)
        shown: dict[str, Any] = {}

        def change(found: Any) -> None:
            found.password = password
            shown.update(found.to_json(extended=True))

        await self._state.change(params["UserPoolId"], user.username, change)
        await self._invited(params, user.username, password)
        return {"User": shown}

    async def _invited(self, params: Mapping[str, Any], username: str, password: str) -> None:
        pool_id, metadata = params["UserPoolId"], params.get("ClientMetadata")
        user = await self._state.user(pool_id, username)
        client = await self._state.in_moto(lambda: views.no_client(pool_id))
        written: dict[str, str] = {}
        if user is not None:
            media = params.get("DesiredDeliveryMediums") or ["SMS"]
            medium = "SMS" if "SMS" in media and "phone_number" in user.attributes else "EMAIL"
            written = await messages.written_by(
                self._state, client, user, "AdminCreateUser", password, medium, metadata
            )
        self._state.sandbox.timeline.record(
            "cognito", "invitation_sent", "", username=username, password=password, **written
        )

    async def set_password(self, call: Call) -> Mapping[str, Any]:
        """``AdminSetUserPassword``."""
        params = call.params
        pool = await self._state.moto.run(lambda: _pool_config(params["UserPoolId"]))
        if pool is None:
            raise errors.no_pool(params["UserPoolId"])
        passwords.check(pool, params["Password"])
        await self._state.change(
            params["UserPoolId"],
            params["Username"],
            lambda user: _set_password(user, params["Password"], bool(params.get("Permanent"))),
        )
        return {}


def domain_pool(domain: str) -> str | None:
    """The id of the pool that has a domain. In moto's worker."""
    from moto.cognitoidp.models import cognitoidp_backends

    for regions in list(cognitoidp_backends.values()):
        for backend in list(regions.values()):
            if domain in backend.user_pool_domains:
                return str(backend.user_pool_domains[domain].user_pool_id)
    return None


def _server(params: Mapping[str, Any], *, change: bool = False) -> Any:
    """moto's resource server, with a new name and scopes when it changes."""
    pool_id = params["UserPoolId"]
    found = views.backend_of(pool_id).describe_resource_server(pool_id, params["Identifier"])
    if change:
        found.name, found.scopes = params["Name"], list(params.get("Scopes") or ())
    return found


def _delete_server(params: Mapping[str, Any]) -> None:
    found = _server(params)
    del views.find_pool(params["UserPoolId"]).resource_servers[found.identifier]  # type: ignore[union-attr]


def _pool_config(pool_id: str) -> Mapping[str, Any] | None:
    pool = views.find_pool(pool_id)
    return dict(pool.extended_config) if pool is not None else None


def _rename_pool(pool_id: str, new_id: str) -> str:
    """Give moto's new pool an id; its ARN."""
    backend = views.backend_of(pool_id)
    pool = backend.user_pools.pop(pool_id)
    pool.id, pool.arn = new_id, pool.arn.replace(pool_id, new_id)
    backend.user_pools[new_id] = pool
    return str(pool.arn)


def _rename(pool_id: str, client_id: str, new_id: str, secret: str) -> str:
    """Give moto's new client an id and a secret in Cognito's form (lower-case letters and digits)."""
    pool = views.find_pool(pool_id)
    if pool is None:
        raise errors.no_pool(pool_id)
    client = pool.clients.pop(client_id)
    client.id, client.secret = new_id, secret
    pool.clients[new_id] = client
    return new_id


def _set_password(user: Any, password: str, permanent: bool) -> None:
    from moto.cognitoidp.models import UserStatus

    user.password = password
    user.status = UserStatus.CONFIRMED if permanent else UserStatus.FORCE_CHANGE_PASSWORD


def _with(request: Request, **changes: Any) -> Request:
    return replace(request, body=json.dumps({**json.loads(request.body or b"{}"), **changes}).encode())
