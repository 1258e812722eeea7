"""What a message may be: its characters, size, attributes, ids. Texts without a source say so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.sqs.digest import Attributes, value_of
from sandbox.control.shims.sqs.errors import SqsError, invalid_parameter, invalid_value, missing_parameter

_BAD = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # botocore 1.44.5, sqs SendMessage
_NAME = re.compile(r"(?!(?i:aws|amazon)\.)(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
MOST_ATTRIBUTES = 10  # SQS Developer Guide, message metadata


def check_body(body: str | None) -> str:
    """The body. Raises ``InvalidMessageContents``, or an invalid parameter when it is empty."""
    if body is None:
        raise missing_parameter("MessageBody")
    if not body:
        raise missing_parameter("MessageBody")
    if (bad := _BAD.search(body)) is not None:
        text = f"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF. Found: #x{ord(bad[0]):X}"  # noqa: E501 - the text is UNSOURCED
        raise SqsError("InvalidMessageContents", text, "InvalidMessageContents")
    return body


def check_size(size: int, most: int) -> None:
    """A message alone."""
    if size > most:
        text = f"One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
        raise invalid_value(text)


def check_attributes(attributes: Attributes) -> None:
    """Message attributes: names, types, values."""
    if len(attributes) > MOST_ATTRIBUTES:  # the text is UNSOURCED
        raise invalid_value(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [10]."
        )
    for name, attribute in attributes.items():
        if not _NAME.fullmatch(name):  # the text is UNSOURCED
            raise invalid_value(f"Message (user) attribute name '{name}' is invalid.")
        _check_attribute(name, attribute)


def _check_attribute(name: str, attribute: Mapping[str, Any]) -> None:
    kind = attribute.get("DataType") or ""
    found = _TYPE.fullmatch(kind)
    if not kind:
        raise invalid_value(
            f"The message attribute '{name}' must contain a non-empty message attribute type."
        )
    if found is None:
        raise invalid_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String."
        )
    right = "BinaryValue" if found[1] == "Binary" else "StringValue"
    if right not in attribute or not value_of(attribute):
        raise invalid_value(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{right[:6]}'."
        )
    if right == "StringValue" and _BAD.search(str(attribute["StringValue"])):
        raise SqsError("InvalidMessageContents", "Invalid characters found.", "InvalidMessageContents")
    if found[1] == "Number" and not _is_number(str(attribute["StringValue"])):
        raise invalid_value(f"Can't cast the value of message (user) attribute '{name}' to a number.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def trace_of(attributes: Attributes) -> str | None:
    """The value of the one system attribute that may be sent."""
    for name, attribute in attributes.items():
        if name != "AWSTraceHeader":  # the text is UNSOURCED
            raise invalid_value(f"Message system attribute name '{name}' is invalid.")
        if attribute.get("DataType") != "String":  # the text is UNSOURCED
            raise invalid_value("The message system attribute 'AWSTraceHeader' must be of type String.")
    return str(attributes["AWSTraceHeader"].get("StringValue", "")) if attributes else None


def check_id(name: str, value: str | None) -> None:
    """A de-duplication or group id."""
    if value is not None and not _ID.fullmatch(value):
        reason = f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise invalid_parameter(name, value, reason)
