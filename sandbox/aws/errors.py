"""AWS errors as values: a status, a code and a message. Each protocol writes them in its own way."""

from __future__ import annotations


class AwsError(Exception):
    """An error that AWS would answer with.

    ``code`` is the error's name as clients know it (``ResourceNotFoundException``), ``fields`` are members of the
    error shape besides the message (``{"Reason": ...}``), ``headers`` go on the HTTP answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields or {}
        self.headers = headers or {}


class NotEmulatedError(AwsError):
    """The sandbox does not emulate this operation: a 501 that names it."""

    def __init__(self, what: str) -> None:
        super().__init__(501, "NotImplemented", f"The sandbox does not emulate {what}.")
