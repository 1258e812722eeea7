"""EventBridge: buses and rules."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.types.base import Request, ResourceType, document


class EventBus(ResourceType):
    type = "AWS::Events::EventBus"
    spec = "DeadLetterConfig{} Description EventSourceName KmsKeyIdentifier LogConfig{} Name!* Policy Tags[]"
    attributes = "Arn Name"

    async def create(self, r: Request) -> None:
        values = {k: v for k, v in r.properties.items() if k != "Policy"}
        made = await r.send("events", "CreateEventBus", values)
        r.physical_id = r["Name"]
        r.attributes = {"Arn": made["EventBusArn"], "Name": r["Name"]}

    async def delete(self, r: Request) -> None:
        await r.call("events", "DeleteEventBus", Name=r.physical_id)


class Rule(ResourceType):
    type = "AWS::Events::Rule"
    spec = "Description EventBusName* EventPattern Name* RoleArn ScheduleExpression State Tags[] Targets[]"
    attributes = "Arn"

    async def create(self, r: Request) -> None:
        name = r.get("Name") or r.name(64)
        made = await r.send("events", "PutRule", {**self._values(r), **r.pick("Tags"), "Name": name})
        bus = r.get("EventBusName")
        r.physical_id = f"{bus}|{name}" if bus and bus != "default" else name
        r.attributes = {"Arn": made["RuleArn"]}
        await self._targets(r)

    async def update(self, r: Request) -> None:
        await r.send("events", "PutRule", {**self._values(r), "Name": self._name(r)})
        await self._targets(r)

    def _values(self, r: Request) -> dict[str, Any]:
        values = r.pick("Description EventBusName RoleArn ScheduleExpression State")
        if "EventPattern" in r.properties:
            values["EventPattern"] = document(r["EventPattern"])
        return values

    def _name(self, r: Request) -> str:
        return r.physical_id.rpartition("|")[2]

    async def _targets(self, r: Request) -> None:
        new = {t["Id"]: t for t in r.get("Targets") or []}
        old = {t["Id"]: t for t in r.previous.get("Targets") or []}
        where = {"Rule": self._name(r), **r.pick("EventBusName")}
        if changed := [target for key, target in new.items() if old.get(key) != target]:
            await r.send("events", "PutTargets", {**where, "Targets": changed})
        if gone := [key for key in old if key not in new]:
            await r.call("events", "RemoveTargets", **where, Ids=gone)

    async def delete(self, r: Request) -> None:
        where = r.pick("EventBusName")
        if ids := [target["Id"] for target in r.get("Targets") or []]:
            await r.call("events", "RemoveTargets", Rule=self._name(r), Ids=ids, **where)
        await r.call("events", "DeleteRule", Name=self._name(r), **where)
