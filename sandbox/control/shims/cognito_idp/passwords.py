"""A pool's password policy, and passwords that satisfy it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.aws.ids import IdSource
from sandbox.control.shims.cognito_idp import errors

# The symbols that count (Cognito developer guide, user-pool-settings-policies).
SYMBOLS = re.compile(r"""[\^$*.\[\]{}()?"!@#%&/\\,><':;|_~`=+\- ]""")
RULES = (
    ("RequireUppercase", re.compile("[A-Z]"), "Password must have uppercase characters"),
    ("RequireLowercase", re.compile("[a-z]"), "Password must have lowercase characters"),
    ("RequireNumbers", re.compile("[0-9]"), "Password must have numeric characters"),
    ("RequireSymbols", SYMBOLS, "Password must have symbol characters"),
)


def check(pool_config: Mapping[str, Any], password: str) -> None:
    """Raise ``InvalidPasswordException`` that names the first rule that a password breaks."""
    policy = (pool_config.get("Policies") or {}).get("PasswordPolicy") or {}
    if len(password) < int(policy.get("MinimumLength", 8)):
        raise _refused("Password not long enough")
    for name, pattern, message in RULES:
        if policy.get(name) and not pattern.search(password):
            raise _refused(message)


def temporary(ids: IdSource) -> str:
    """A password that satisfies every policy (8 to 32 characters)."""
    return ids.text(4, "ABCDEFGHJKLMNPQRSTUVWXYZ") + ids.text(8) + ids.text(2, "23456789") + "!a"


def _refused(reason: str) -> Exception:
    return errors.refuse("InvalidPasswordException", f"Password did not conform with policy: {reason}")
