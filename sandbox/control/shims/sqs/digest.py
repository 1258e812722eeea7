"""MD5 digests and sizes of messages as AWS counts them, which the SDKs check.

Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes"; botocore and the AWS SDK for
JavaScript compare the digests of what they sent and got.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

Attributes = Mapping[str, Mapping[str, Any]]  # name -> DataType with StringValue or BinaryValue

_HALVES = "surrogatepass"  # half a pair is refused elsewhere
_TEXT, _BINARY = b"\x01", b"\x02"


def md5_of(text: str) -> str:
    """Of a body, as hexadecimal digits."""
    return hashlib.md5(text.encode("utf-8", _HALVES), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Attributes) -> str | None:
    """Of message attributes, sorted by name; ``None`` when there are none."""
    if not attributes:
        return None
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        for part in (name.encode("utf-8", _HALVES), str(attribute["DataType"]).encode("utf-8", _HALVES)):
            digest.update(_counted(part))
        kind = _BINARY if "BinaryValue" in attribute else _TEXT
        digest.update(kind + _counted(value_of(attribute)))
    return digest.hexdigest()


def _counted(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def value_of(attribute: Mapping[str, Any]) -> bytes:
    """An attribute's value as bytes."""
    if "BinaryValue" in attribute:
        return bytes(attribute["BinaryValue"])
    return str(attribute.get("StringValue", "")).encode("utf-8", _HALVES)


def size_of(body: str, attributes: Attributes) -> int:
    """Bytes of a message: its body, and names, types and values of its attributes."""
    return len(body.encode("utf-8", _HALVES)) + sum(
        len(name.encode("utf-8", _HALVES))
        + len(str(one.get("DataType", "")).encode("utf-8", _HALVES))
        + len(value_of(one))
        for name, one in attributes.items()
    )
