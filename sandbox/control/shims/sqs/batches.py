"""Batches: what all of them check, and how the entries' results are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.shims.call import Call
from sandbox.control.shims.sqs.errors import SqsError

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_BAD_ID = (
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
    "It can be at most 80 letters long."
)

Entry = Mapping[str, Any]


def entries(call: Call, most: int) -> Sequence[Entry]:
    """The entries of a batch. Raises ``SqsError`` when the batch as a whole is refused."""
    given: list[Entry] = call.params.get("Entries") or []
    if not given:  # the text is UNSOURCED
        raise SqsError("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(given) > most:
        text = f"Maximum number of entries per request are {most}. You have sent {len(given)}."
        raise SqsError("TooManyEntriesInBatchRequest", text)
    ids: set[str] = set()
    for entry in given:
        name = str(entry.get("Id") or "")
        if not _ID.fullmatch(name):
            raise SqsError("InvalidBatchEntryId", _BAD_ID)
        if name in ids:
            raise SqsError("BatchEntryIdsNotDistinct", f"Id {name} repeated.")
        ids.add(name)
    return given


def each(given: Sequence[Entry], do: Callable[[Entry], Mapping[str, Any] | None]) -> dict[str, Any]:
    """Do something with each entry: ``Successful`` and ``Failed`` as a batch's answer has them."""
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    for entry in given:
        try:
            good.append({"Id": entry["Id"], **(do(entry) or {})})
        except AwsError as error:
            told = {"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message}
            bad.append(told)
    return {name: found for name, found in (("Successful", good), ("Failed", bad)) if found}
