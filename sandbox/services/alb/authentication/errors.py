"""Why a login fails: the reasons of the access log, and the status that a client gets for each.

Sources: Elastic Load Balancing developer guide, load-balancer-access-logs (the reasons) and
load-balancer-troubleshooting (401, 500 and 561); AWS knowledge center, elb-configure-authentication-alb (401 for what
is wrong with cookies, nonce and state). Which status a reason has is said for none of them by name: those marked
UNSOURCED are concluded from the words.
"""

from __future__ import annotations

from sandbox.limits import Limits
from sandbox.services.alb.errors import AlbError

_DENIED, _UNREACHABLE, _PROVIDER = "denied", "unreachable", "provider"
_KINDS = {
    "AuthInvalidCookie": _DENIED,
    "AuthMissingAWSALBAuthNonce": _DENIED,
    "AuthInvalidAWSALBAuthNonce": _DENIED,
    "AuthMissingStateParam": _DENIED,
    "AuthInvalidStateParam": _DENIED,
    "AuthMissingCodeParam": _DENIED,  # UNSOURCED
    "AuthMissingHostHeader": _DENIED,
    "AuthInvalidIdToken": _DENIED,
    "AuthInvalidGrantError": _PROVIDER,  # UNSOURCED
    "AuthTokenEpRequestFailed": _PROVIDER,
    "AuthUserinfoEpRequestFailed": _PROVIDER,
    "AuthInvalidTokenResponse": _PROVIDER,  # UNSOURCED
    "AuthInvalidUserinfoResponse": _PROVIDER,  # UNSOURCED
    "AuthTokenEpRequestTimeout": _UNREACHABLE,
    "AuthUserinfoEpRequestTimeout": _UNREACHABLE,
    "AuthUserinfoResponseSizeExceeded": _UNREACHABLE,
}


class LoginError(Exception):
    """A login fails. ``code``: the access log's reason."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code

    def answer(self, limits: Limits) -> AlbError:
        """What the client is told."""
        return AlbError(int(limits.value(f"alb.auth.error.{_KINDS[self.code]}.status")), str(self))


def denied(limits: Limits, reason: str) -> AlbError:
    """Who is not logged in, or was not let in."""
    return AlbError(int(limits.value("alb.auth.error.denied.status")), reason)
