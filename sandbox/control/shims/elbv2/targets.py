"""Registering targets, and how they are."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.elbv2 import Target, TargetGroup, TargetKey
from sandbox.control.instances import look
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.elbv2.state import State, invalid

DRAINING = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")


class Targets:
    """Register, deregister, describe."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "RegisterTargets": self.register,
            "DeregisterTargets": self.deregister,
            "DescribeTargetHealth": self.health,
        }

    async def register(self, call: Call) -> Mapping[str, Any]:
        """``RegisterTargets``."""
        group = self._state.group(call.params["TargetGroupArn"])
        now = asyncio.get_running_loop().time()
        for given in call.params["Targets"]:
            key = _key(group, given)
            await self._check(group, key)
            group.draining.pop(key, None)
            if key not in group.targets:
                zone, address = given.get("AvailabilityZone"), key[0] if group.type == "ip" else None
                group.targets[key] = Target(*key, now, zone, address=address)
        self._state.changed()
        return {}

    async def _check(self, group: TargetGroup, key: TargetKey) -> None:
        if group.type == "ip":
            try:
                ipaddress.ip_address(key[0])
            except ValueError:
                raise AwsError(
                    400, "ValidationError", f"The IP address '{key[0]}' is not a valid IPv4 address"
                ) from None
        if group.type == "instance" and await look(self._state.sandbox, Target(*key, 0.0)):
            raise AwsError(
                400,
                "InvalidTarget",
                f"The following targets are not in a running state and cannot be registered: '{key[0]}'",
            )
        if group.type == "lambda" and group.targets and key not in group.targets:
            raise AwsError(
                400,
                "TooManyTargets",
                f"The number of targets registered to '{group.arn}' may not exceed 1",
            )

    async def deregister(self, call: Call) -> Mapping[str, Any]:
        """``DeregisterTargets``: they drain for the deregistration delay."""
        group = self._state.group(call.params["TargetGroupArn"])
        for given in call.params["Targets"]:
            key = _key(group, given)
            keys = [key] if "Port" in given else [k for k in group.targets if k[0] == given["Id"]]
            if not any(k in group.targets or k in group.draining for k in keys):
                raise AwsError(
                    400,
                    "InvalidTarget",
                    f"The following targets are not registered: '{given['Id']}'",
                )
            for one in keys:
                self._drain(group, one)
        self._state.changed()
        return {}

    def _drain(self, group: TargetGroup, key: TargetKey) -> None:
        target = group.targets.pop(key, None)
        if target is None:
            return
        used = self._state.records.users(group.arn)
        if used and group.type != "lambda" and target.state != "unused":
            target.state, target.reason, target.description = DRAINING
            group.draining[key] = target

    async def health(self, call: Call) -> Mapping[str, Any]:
        """``DescribeTargetHealth``."""
        group = self._state.group(call.params["TargetGroupArn"])
        if not call.params.get("Targets"):
            shown = [*group.targets.values(), *group.draining.values()]
            return {"TargetHealthDescriptions": [_shown(group, target) for target in shown]}
        found = []
        for given in call.params["Targets"]:
            key = _key(group, given)
            target = group.targets.get(key) or group.draining.get(key)
            found.append(_shown(group, target) if target else _unused(key))
        return {"TargetHealthDescriptions": found}


def _key(group: TargetGroup, given: Mapping[str, Any]) -> TargetKey:
    if group.type == "lambda":
        if not str(given["Id"]).startswith("arn:"):
            raise invalid(f"'{given['Id']}' is not a valid target of a Lambda target group")
        return given["Id"], None
    return given["Id"], int(given.get("Port", group.info["Port"]))


def _shown(group: TargetGroup, target: Target) -> dict[str, Any]:
    described: dict[str, Any] = {"Id": target.id}
    if target.port is not None:
        described["Port"] = target.port
    if target.zone:
        described["AvailabilityZone"] = target.zone
    health = {"State": target.state, "Reason": target.reason, "Description": target.description}
    made: dict[str, Any] = {
        "Target": described,
        "TargetHealth": {key: value for key, value in health.items() if value},
    }
    port = group.info.get("HealthCheckPort")
    if target.port is not None and port is not None:
        made["HealthCheckPort"] = str(target.port) if port == "traffic-port" else port
    return made


def _unused(key: TargetKey) -> dict[str, Any]:
    described = {"Id": key[0]} | ({} if key[1] is None else {"Port": key[1]})
    return {
        "Target": described,
        "TargetHealth": {
            "State": "unused",
            "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group",
        },
    }
