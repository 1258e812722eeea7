"""Codes and invitations on their way to a user. No mail leaves the sandbox: they are events of the timeline.

``cognito`` ``code_sent`` has ``username``, ``medium``, ``destination`` and ``code``; with a CustomMessage function
what it wrote, ``message`` and ``subject``, besides. Source of the function's event and answer: Cognito developer
guide, user-pool-lambda-custom-message.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.control.shims.cognito_idp import triggers
from sandbox.control.shims.cognito_idp.state import State
from sandbox.control.shims.cognito_idp.views import Client, User

MEDIA = {"email": "EMAIL", "phone_number": "SMS"}
CODE, NAME = "{####}", "{username}"
NO_ANSWER = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
DIGITS = "0123456789"


def new_code(state: State, digits: int = 6) -> str:
    """A code of digits."""
    return state.ids.text(digits, DIGITS)


async def send_code(
    state: State,
    client: Client,
    user: User,
    attribute: str,
    code: str,
    source: str,
    metadata: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """``CodeDeliveryDetails`` of a code that goes to an attribute. ``source``: "SignUp", as the function is told."""
    medium, destination = MEDIA[attribute], user.attributes[attribute]
    written = await written_by(state, client, user, source, code, medium, metadata)
    state.sandbox.timeline.record(
        "cognito", "code_sent", user.sub, username=user.username, medium=medium,
        destination=destination, code=code, **written,
    )  # fmt: skip
    return {"Destination": masked(destination), "DeliveryMedium": medium, "AttributeName": attribute}


async def written_by(
    state: State,
    client: Client,
    user: User,
    source: str,
    code: str,
    medium: str,
    metadata: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """``message`` and ``subject`` that the pool's CustomMessage function writes; empty without one."""
    function = client.triggers.get("CustomMessage")
    if not function:
        return {}
    request = {
        "userAttributes": {**user.attributes, "cognito:user_status": user.status},
        "codeParameter": CODE,
        "linkParameter": "{##Click Here##}",
        "usernameParameter": NAME if source == "AdminCreateUser" else None,
        **({"clientMetadata": dict(metadata)} if metadata else {}),
    }
    answer = await triggers.ask(
        state, client, user.username, f"CustomMessage_{source}", function, "1", request, NO_ANSWER
    )
    members = {"message": "smsMessage" if medium == "SMS" else "emailMessage", "subject": "emailSubject"}
    texts = {name: answer.get(member) for name, member in members.items()}
    if medium == "SMS":
        del texts["subject"]
    return {
        name: text.replace(CODE, code).replace(NAME, user.username)
        for name, text in texts.items()
        if isinstance(text, str)
    }


def masked(destination: str) -> str:
    """``ada@example.com`` as ``a***@e***``, a number as its last four digits."""
    name, at, host = destination.partition("@")
    if at:
        return f"{name[:1]}***@{host[:1]}***"
    return "+" + "*" * max(len(destination) - 5, 0) + destination[-4:]
