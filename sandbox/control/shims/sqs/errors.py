"""SQS's errors: a name in the JSON protocol and another code in the query protocol (AWS's query compatibility).

Codes, texts and status as AWS answered LocalStack's recorded tests (``test_sqs.snapshot.json``, 2023-11), where they
have them; the others say so.
"""

from __future__ import annotations

from sandbox.aws.errors import AwsError

_SQS, _CORAL = "com.amazonaws.sqs", "com.amazonaws.coral.service"


class SqsError(AwsError):
    """``shape``: the error's name in botocore's model; ``code``: what old and new SDKs give as ``Error.Code``."""

    def __init__(
        self, shape: str, message: str, code: str | None = None, status: int = 400, namespace: str = _SQS
    ) -> None:
        code = code or f"AWS.SimpleQueueService.{shape}"
        super().__init__(status, code, message, headers={"x-amzn-query-error": f"{code};Sender"})
        self.shape = shape
        self.wire_type = f"{namespace}#{shape}"
        self.xml_message = message


def no_queue() -> SqsError:
    """There is no such queue."""
    error = SqsError(
        "QueueDoesNotExist", "The specified queue does not exist.", "AWS.SimpleQueueService.NonExistentQueue"
    )
    error.xml_message = "The specified queue does not exist for this wsdl version."
    return error


def invalid_value(message: str) -> SqsError:
    """A parameter has a value that cannot be; in no operation's model."""
    return SqsError("InvalidParameterValueException", message, "InvalidParameterValue", namespace=_CORAL)


def invalid_parameter(name: str, value: object, reason: str) -> SqsError:
    """The same in AWS's usual words."""
    return invalid_value(f"Value {value} for parameter {name} is invalid. Reason: {reason}")


def missing_parameter(name: str) -> SqsError:
    """A parameter that must be there is not."""
    return SqsError(
        "MissingRequiredParameterException",
        f"The request must contain the parameter {name}.",
        "MissingParameter",
        namespace=_CORAL,
    )


def invalid_address(url: str) -> SqsError:
    """The queue's URL is none. The text is UNSOURCED."""
    return SqsError(
        "InvalidAddress", f"The address {url} is not valid for this endpoint.", "InvalidAddress", 404
    )


def unknown_attribute(name: str) -> SqsError:
    """A queue has no such attribute."""
    return SqsError("InvalidAttributeName", f"Unknown Attribute {name}.", "InvalidAttributeName")


def invalid_attribute(name: str, reason: str = "") -> SqsError:
    """An attribute of a queue cannot have this value."""
    text = f"Invalid value for the parameter {name}." + (f" Reason: {reason}" if reason else "")
    return SqsError("InvalidAttributeValue", text, "InvalidAttributeValue")


def invalid_receipt(handle: str) -> SqsError:
    """What was given is no receipt handle of this queue."""
    return SqsError(
        "ReceiptHandleIsInvalid",
        f'The input receipt handle "{handle}" is not a valid receipt handle.',
        "ReceiptHandleIsInvalid",
        404,
    )


def not_found(message: str) -> SqsError:
    """What a message move task names does not exist."""
    return SqsError("ResourceNotFoundException", message, "ResourceNotFoundException", 404)


def over_limit() -> SqsError:
    """A standard queue has as many messages in flight as it may. The text is UNSOURCED."""
    return SqsError(
        "OverLimit", "The maximum number of in flight messages of this queue is reached.", "OverLimit", 403
    )
