"""What is known about an access key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Credential:
    """An access key of a user, of a role session (then with ``session_token``) or of the root user.

    ``policies``: the identity policies' documents that apply to the principal, as parsed JSON. ``expires``:
    when a temporary credential ends (aware). ``user_id``: ``AIDA...``, ``AROA...:session`` or the account's
    number for the root user. ``context``: condition keys of the session (``cognito-identity.amazonaws.com:sub``).
    """

    access_key: str
    secret_key: str
    session_token: str | None
    principal_arn: str
    is_root: bool = False
    policies: tuple[Mapping[str, Any], ...] = ()
    expires: datetime | None = None
    user_id: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
