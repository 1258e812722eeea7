"""The data plane's view of IoT's control plane."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.control.iot import IotAuthorizer, IotRule
from sandbox.control.shims.iot.state import Authorizer, Rule, State


class IotRead:
    """Implements ``sandbox.control.iot.IotReading``."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def policies_of(self, target: str) -> Sequence[Mapping[str, Any]]:
        """See the protocol."""
        policies = self._state.policies.values()
        return [json.loads(one.current.document) for one in policies if target in one.targets]

    async def things_of(self, principal: str) -> Sequence[str]:
        """See the protocol. Connections have no certificates here, so only identities count."""
        return list(self._state.things.get(principal, {}))

    async def authorizer(self, name: str | None) -> IotAuthorizer | None:
        """See the protocol."""
        wanted = self._state.default_authorizer if name is None else name
        found = self._state.authorizers.get(wanted or "")
        return None if found is None else self._authorizer(found)

    async def has_authorizers(self) -> bool:
        """See the protocol."""
        return any(one.config["status"] == "ACTIVE" for one in self._state.authorizers.values())

    def rules(self) -> Sequence[IotRule]:
        """See the protocol."""
        return [self._rule(one) for one in self._state.rules.values()]

    def _authorizer(self, found: Authorizer) -> IotAuthorizer:
        config = found.config
        return IotAuthorizer(
            found.name,
            self._state.arn("authorizer", found.name),
            config["authorizerFunctionArn"],
            config["status"],
            bool(config["signingDisabled"]),
            config.get("tokenKeyName") or "",
            config.get("tokenSigningPublicKeys") or {},
        )

    def _rule(self, rule: Rule) -> IotRule:
        payload = rule.payload
        return IotRule(
            rule.name,
            self._state.arn("rule", rule.name),
            payload["sql"],
            payload.get("awsIotSqlVersion") or "2015-10-08",
            tuple(payload["actions"]),
            payload.get("errorAction"),
            not payload.get("ruleDisabled"),
        )
