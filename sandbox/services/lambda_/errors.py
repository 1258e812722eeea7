"""What the Invoke APIs answer when they do not run the function."""

from __future__ import annotations

from datetime import date

from sandbox.aws.errors import AwsError


class LambdaError(AwsError):
    """An error of the Lambda API. ``type_``: "User" or "Server", a member of most of its error shapes."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        type_: str | None = "User",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, fields={"Type": type_} if type_ else {}, headers=headers)


def function_not_found(arn: str) -> LambdaError:
    """404: no such function or qualifier."""
    return LambdaError(404, "ResourceNotFoundException", f"Function not found: {arn}")


def request_too_large(status: int, code: str, message: str) -> LambdaError:
    """413: the payload is over the limit of its invocation type."""
    return LambdaError(status, code, message)


def throttled(reason: str, retry_after: int | None = None) -> AwsError:
    """429 (facts 4.20). ``reason``: why, in AWS's words. The message is AWS's text for it."""
    return AwsError(
        429,
        "TooManyRequestsException",
        "Rate Exceeded.",
        fields={"Reason": reason, "Type": "User"},
        headers={"Retry-After": str(retry_after)} if retry_after is not None else None,
    )


def bad_json(detail: str) -> LambdaError:
    """400: the payload is no JSON."""
    return LambdaError(
        400, "InvalidRequestContentException", f"Could not parse request body into json: {detail}"
    )


def validation(message: str) -> AwsError:
    """400: a parameter does not fit its shape."""
    return AwsError(400, "ValidationException", message)


def invalid_parameter(message: str) -> LambdaError:
    """400: a parameter has a value that cannot be."""
    return LambdaError(400, "InvalidParameterValueException", message)


def not_yet(what: str, as_of: date) -> LambdaError:
    """400: a thing that AWS did not offer on the chosen day."""
    return invalid_parameter(f"Lambda did not offer {what} on {as_of}.")
