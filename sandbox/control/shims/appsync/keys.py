"""API keys of GraphQL APIs and Event APIs, by botocore's model.

Expiry is rounded down to the hour, seven days unless said, between 1 and 365 days from the creation or the update; a
key is deleted 60 days after it expired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import Document, Owner, find
from sandbox.control.shims.call import Call, Handler

HOUR, DAY = 3600, 86_400
DEFAULT_DAYS = 7
DELETED_AFTER_DAYS = 60
MOST = 50  # AppSync developer guide, quotas: API keys an API


class Keys:
    """Operations on API keys."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateApiKey": self.create,
            "ListApiKeys": self.list,
            "UpdateApiKey": self.update,
            "DeleteApiKey": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateApiKey``."""
        api, now = self._state.owner(call), self._now()
        if len(self._alive(api)) >= MOST:
            raise AwsError(400, "ApiKeyLimitExceededException", "The API key exceeded a limit.")
        expires = call.params.get("expires") or now + DEFAULT_DAYS * DAY + HOUR - 1
        key: Document = {
            "id": f"da2-{self._state.new_id()}",
            **_times(expires, now),
            **({"description": call.params["description"]} if call.params.get("description") else {}),
        }
        api.keys[key["id"]] = key
        api.epoch += 1
        return {"apiKey": key}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListApiKeys``: also those that have expired but are not deleted yet."""
        return self._state.listed(call, self._alive(self._state.owner(call)), "apiKeys")

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateApiKey``: a key can be given a new life until it is deleted."""
        api = self._state.owner(call)
        key = self._found(api, call)
        if call.params.get("description") is not None:
            key["description"] = call.params["description"]
        if call.params.get("expires"):
            key.update(_times(call.params["expires"], self._now()))
        api.epoch += 1
        return {"apiKey": key}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteApiKey``."""
        api = self._state.owner(call)
        del api.keys[self._found(api, call)["id"]]
        api.epoch += 1
        return {}

    def _found(self, api: Owner, call: Call) -> Document:
        self._alive(api)
        return find(api.keys, call.params["id"], f"API key not found: {call.params['id']}")

    def _alive(self, api: Owner) -> Sequence[Document]:
        now = self._now()
        for key in [key for key in api.keys.values() if key["deletes"] <= now]:
            del api.keys[key["id"]]
        return list(api.keys.values())

    def _now(self) -> int:
        return int(self._state.now().timestamp())


def _times(expires: int, now: int) -> Document:
    """Texts as reported in public issue trackers."""
    code = "ApiKeyValidityOutOfBoundsException"
    rounded = expires - expires % HOUR
    if rounded < now + DAY:
        raise AwsError(400, code, "API key must be valid for a minimum of 1 days.")
    if rounded > now + 365 * DAY:
        raise AwsError(400, code, "API key can be valid for a maximum of 365 days.")
    return {"expires": rounded, "deletes": rounded + DELETED_AFTER_DAYS * DAY}
