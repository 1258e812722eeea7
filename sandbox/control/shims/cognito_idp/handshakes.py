"""Cognito's half of an SRP handshake, which is kept until the client proves its password."""

from __future__ import annotations

from base64 import b64encode

from sandbox.control.shims.cognito_idp import errors
from sandbox.control.shims.cognito_idp.srp import Handshake, N, is_public_number, verifier
from sandbox.control.shims.cognito_idp.state import LETTERS, State
from sandbox.control.shims.cognito_idp.views import Client, User


def begin(state: State, client: Client, username: str, user: User | None, public: int) -> dict[str, str]:
    """The parameters of a PASSWORD_VERIFIER challenge."""
    name = user.username if user else username
    ids = state.ids
    salt = int(ids.hex(32), 16)
    pool = client.pool_id.partition("_")[2]
    # A user who is not there has a password that nobody knows.
    secret = user.password if user and user.password else ids.text(40)
    handshake = Handshake(
        pool=pool,
        user=name,
        salt=salt,
        verifier=verifier(pool, name, secret, salt),
        a=public,
        b=int(ids.hex(256), 16) % N,
        secret_block=b64encode(ids.text(700, LETTERS).encode()).decode(),
    )
    state.handshakes[handshake.secret_block] = (handshake, client.id, name)
    return {
        "SALT": f"{salt:x}",
        "SECRET_BLOCK": handshake.secret_block,
        "SRP_B": f"{handshake.public:x}",
        "USERNAME": name,
        "USER_ID_FOR_SRP": name,
    }


def public_number(text: str | None) -> int:
    """``SRP_A``. Raises ``InvalidParameterException``."""
    if not text:
        raise errors.missing("SRP_A")
    try:
        public = int(text, 16)
    except ValueError:
        public = 0
    if not is_public_number(public):
        raise errors.invalid("SRP_A is not a valid public value.")  # the text is UNSOURCED
    return public
