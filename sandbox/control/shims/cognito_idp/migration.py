"""UserMigration: a user who is not there is taken over from elsewhere, at a login by password or a forgotten one.

Source: Cognito developer guide, user-pool-lambda-migrate-user; of the function's answer ``userAttributes`` and
``finalUserStatus`` (RESET_REQUIRED unless CONFIRMED) count. A function that fails means that there is no such user:
the message is as clients quote it, its code is UNSOURCED. No welcome message is sent.
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.shims.cognito_idp import errors, triggers
from sandbox.control.shims.cognito_idp.state import State
from sandbox.control.shims.cognito_idp.views import Client, User, backend_of

NO_ANSWER = dict.fromkeys(
    (
        *("userAttributes", "finalUserStatus", "messageAction", "desiredDeliveryMediums"),
        *("forceAliasCreation", "enableSMSMFA"),
    )
)


async def migrate(
    state: State, client: Client, username: str, source: str, password: str | None = None
) -> User | None:
    """The user, taken over; ``None`` when the pool has no function for it. ``source``: "Authentication"."""
    function = client.triggers.get("UserMigration")
    if not function:
        return None
    request = {"password": password, "validationData": None}
    try:
        answer = await triggers.ask(
            state, client, username, f"UserMigration_{source}", function, "1", request, NO_ANSWER
        )
    except AwsError as failure:
        text = f"Exception migrating user in app client {client.id}"
        raise errors.refuse("UserNotFoundException", text) from failure
    given = answer.get("userAttributes")
    if not isinstance(given, dict):
        text = f"Exception migrating user in app client {client.id}"
        raise errors.refuse("UserNotFoundException", text)
    name = str(given.get("username") or username)
    attributes = [{"Name": n, "Value": str(v)} for n, v in given.items() if n != "username"]
    status = answer.get("finalUserStatus")
    await state.in_moto(lambda: _make(client.pool_id, name, password, attributes, status))
    return await state.user(client.pool_id, name)


def _make(
    pool_id: str, name: str, password: str | None, attributes: list[dict[str, str]], status: Any
) -> None:
    from moto.cognitoidp.models import UserStatus

    made = backend_of(pool_id).admin_create_user(pool_id, name, "SUPPRESS", password or "", attributes)
    made.password = password
    confirmed = status == "CONFIRMED" and password is not None
    made.status = UserStatus.CONFIRMED if confirmed else UserStatus.RESET_REQUIRED
