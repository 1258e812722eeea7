"""Answers of the Query protocol as JSON, as SQS and SNS give them for ``Accept: application/json``.

Members are in alphabetical order and what is missing is ``null``: seen in many public walk-throughs, for example
``{"SendMessageResponse":{"ResponseMetadata":{"RequestId":"..."},"SendMessageResult":{"MD5OfMessageAttributes":null,
...}}}`` (aws-samples/serverless-patterns). The list of received messages is ``messages``.
"""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as Xml

# What stands as null when the answer does not have it.
_MEMBERS: dict[str, tuple[str, ...]] = {
    "SendMessageResult": (
        "MD5OfMessageAttributes",
        "MD5OfMessageBody",
        "MD5OfMessageSystemAttributes",
        "MessageId",
        "SequenceNumber",
    ),
    "PublishResult": ("MessageId", "SequenceNumber"),
    "ReceiveMessageResult": ("messages",),
    "Message": (
        "Attributes",
        "Body",
        "MD5OfBody",
        "MD5OfMessageAttributes",
        "MessageAttributes",
        "MessageId",
        "ReceiptHandle",
    ),
}
# Elements that stand one after the other without a list around them -> the name of their list or map.
_FLAT = {"Message": "messages"}
_MAPS = {"Attribute": "Attributes", "MessageAttribute": "MessageAttributes"}


def from_xml(body: bytes) -> bytes:
    """The answer as JSON; a body that is no XML stays as it is."""
    try:
        root = Xml.fromstring(body)
    except Xml.ParseError:
        return body
    content = _value(root)
    if _name(root) != "ErrorResponse":
        content = {_name(root): content}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _name(element: Xml.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: Xml.Element) -> Any:
    children = list(element)
    name = _name(element)
    if not children and not name.endswith("Result"):
        return element.text or ""
    if children and all(_name(child) in ("member", "entry") for child in children):
        return [_value(child) for child in children]
    made: dict[str, Any] = dict.fromkeys(_MEMBERS.get(name, ()))
    for child in children:
        key = _name(child)
        if key in _FLAT and name.endswith("Result"):
            made[_FLAT[key]] = [*(made.get(_FLAT[key]) or []), _value(child)]
        elif key in _MAPS:
            entry = {_name(part): _value(part) for part in child}
            made[_MAPS[key]] = {**(made.get(_MAPS[key]) or {}), entry["Name"]: entry.get("Value")}
        else:
            made[key] = _value(child)
    return dict(sorted(made.items()))
