"""What an action of a rule works with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.aws.iot_sql import Facts, filled
from sandbox.services.iot.message import Message

if TYPE_CHECKING:
    from sandbox.control.iot import IotRule
    from sandbox.services.iot.broker import Broker


class ActionError(Exception):
    """An action failed; the message says why."""


@dataclass(frozen=True, slots=True)
class Task:
    """``selected``: a JSON value, or the payload's bytes as they came. ``settings``: the action's parameters."""

    broker: Broker
    rule: IotRule
    message: Message
    facts: Facts
    selected: Any
    settings: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        """What was selected, as it is sent on."""
        return dumped(self.selected)

    @property
    def text(self) -> str:
        """The same as a text."""
        return self.body.decode("utf-8", "replace")

    def value(self, name: str) -> str:
        """A parameter with its substitution templates filled in. Raises ``SqlError``."""
        return filled(str(self.settings[name]), self.facts)

    async def call(self, service: str, operation: str, **params: Any) -> None:
        """Call an AWS API. Raises ``AwsError``, and :class:`ActionError` for parameters that no API would take."""
        from botocore.exceptions import ParamValidationError

        try:
            await self.broker.sandbox.control.call(service, operation, **params)
        except ParamValidationError as wrong:
            raise ActionError(str(wrong)) from wrong


def dumped(value: Any) -> bytes:
    """A selected value as it is sent on."""
    if isinstance(value, bytes):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
