"""Usage plans: which keys may call which stages, how fast and how often."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableSequence
from datetime import date, timedelta
from typing import Any

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.apigateway import api_keys, patch
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Document, bad_request, conflict, find, not_found
from sandbox.control.shims.apigateway.usage import period_start
from sandbox.control.shims.call import Call, Handler

ABSENT = "Invalid Usage Plan ID specified"


class UsagePlans:
    """Operations on usage plans, their keys and what was used."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateUsagePlan": self.create,
            "GetUsagePlan": self.get,
            "GetUsagePlans": self.list,
            "UpdateUsagePlan": self.update,
            "DeleteUsagePlan": self.delete,
            "CreateUsagePlanKey": self.add_key,
            "GetUsagePlanKey": self.get_key,
            "GetUsagePlanKeys": self.list_keys,
            "DeleteUsagePlanKey": self.remove_key,
            "GetUsage": self.usage,
            "UpdateUsage": self.give,
        }

    def _found(self, call: Call) -> Document:
        return find(self._state.keys(call.target.region).plans, call.params["usagePlanId"], ABSENT)

    # -- plans

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateUsagePlan``."""
        members = ("name", "description", "apiStages", "throttle", "quota", "tags")
        made: Document = {m: call.params[m] for m in members if call.params.get(m) is not None}
        made = {"apiStages": [], **made, "id": self._state.new_id(6)}
        made["_created"] = self._state.now().date()
        self._check(call, made)
        self._state.keys(call.target.region).plans[made["id"]] = made
        return _shown(made)

    def _check(self, call: Call, plan: Document) -> None:
        for entry in plan["apiStages"]:
            if not self._state.has_stage(call.target.region, entry.get("apiId", ""), entry.get("stage", "")):
                raise not_found(f"API Stage not found: {entry.get('apiId')}:{entry.get('stage')}")
        quota = plan.get("quota")
        if quota and (not quota.get("limit") or quota.get("period") not in ("DAY", "WEEK", "MONTH")):
            raise bad_request("Usage Plan quota limit and period must be set")

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetUsagePlan``."""
        return _shown(self._found(call))

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetUsagePlans``, or those of a key."""
        kept, key = self._state.keys(call.target.region), call.params.get("keyId")
        plans = [
            _shown(plan)
            for plan_id, plan in kept.plans.items()
            if key is None or key in kept.members.get(plan_id, [])
        ]
        items, position = page(plans, call.params.get("limit"), call.params.get("position"), 25)
        return {"items": items, "position": position}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateUsagePlan``."""
        plan = self._found(call)
        changed = copy.deepcopy(plan)
        for operation in call.params.get("patchOperations", []):
            if str(operation.get("path", "")).startswith("/apiStages"):
                _patch_stages(changed, operation)
            elif operation.get("op") == "remove" and operation.get("path") in ("/quota", "/throttle"):
                changed.pop(operation["path"].strip("/"), None)
            else:
                patch.apply(changed, call.operation.model.output_shape, [operation])
        self._check(call, changed)
        self._state.keys(call.target.region).plans[plan["id"]] = changed
        return _shown(changed)

    async def delete(self, call: Call) -> Response:
        """``DeleteUsagePlan``: not while stages are attached to it."""
        plan = self._found(call)
        if plan["apiStages"]:
            raise bad_request(
                f"Cannot delete usage plan {plan['id']}. All API stages must be removed before the usage plan can "
                "be deleted"
            )
        kept = self._state.keys(call.target.region)
        del kept.plans[plan["id"]]
        kept.members.pop(plan["id"], None)
        return Response(202)

    # -- keys of a plan

    async def add_key(self, call: Call) -> Mapping[str, Any]:
        """``CreateUsagePlanKey``."""
        plan, kept = self._found(call), self._state.keys(call.target.region)
        if call.params["keyType"] != "API_KEY":
            raise bad_request("Invalid key type specified")
        key = find(kept.keys, call.params["keyId"], api_keys.ABSENT)
        members = kept.members.setdefault(plan["id"], [])
        if key["id"] in members:
            raise conflict("Usage Plan Key already exists")
        members.append(key["id"])
        return _plan_key(key)

    def _member(self, call: Call) -> tuple[MutableSequence[str], Document]:
        plan, kept, key_id = self._found(call), self._state.keys(call.target.region), call.params["keyId"]
        key = find(kept.keys, key_id, api_keys.ABSENT)
        members = kept.members.get(plan["id"], [])
        if key_id not in members:
            raise not_found("Invalid API Key identifier specified")
        return members, key

    async def get_key(self, call: Call) -> Mapping[str, Any]:
        """``GetUsagePlanKey``."""
        return _plan_key(self._member(call)[1])

    async def list_keys(self, call: Call) -> Mapping[str, Any]:
        """``GetUsagePlanKeys``."""
        plan, kept = self._found(call), self._state.keys(call.target.region)
        keys = [kept.keys[key_id] for key_id in kept.members.get(plan["id"], [])]
        wanted = call.params.get("nameQuery") or ""
        shown = [_plan_key(key) for key in keys if str(key.get("name", "")).startswith(wanted)]
        items, position = page(shown, call.params.get("limit"), call.params.get("position"), 25)
        return {"items": items, "position": position}

    async def remove_key(self, call: Call) -> Response:
        """``DeleteUsagePlanKey``."""
        members, key = self._member(call)
        members.remove(key["id"])
        return Response(202)

    # -- usage

    async def usage(self, call: Call) -> Mapping[str, Any]:
        """``GetUsage``: for each key and day what was used and what remained."""
        plan, params = self._found(call), call.params
        kept = self._state.keys(call.target.region)
        begin, end = _day(params["startDate"]), _day(params["endDate"])
        if end < begin:
            raise bad_request("Usage start date must be before end date")
        key_ids = [params["keyId"]] if params.get("keyId") else kept.members.get(plan["id"], [])
        items = {}
        for key_id in key_ids:
            days = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
            counter = kept.counter(plan["id"], key_id)
            items[key_id] = [
                [counter.days.get(day, 0), kept.remaining(plan, key_id, day) or 0] for day in days
            ]
        return {
            "usagePlanId": plan["id"],
            "startDate": params["startDate"],
            "endDate": params["endDate"],
            "items": items,
        }

    async def give(self, call: Call) -> Mapping[str, Any]:
        """``UpdateUsage``: sets what remains of this period's quota."""
        plan = self._found(call)
        _, key = self._member(call)
        kept, today = self._state.keys(call.target.region), self._state.now().date()
        left = kept.remaining(plan, key["id"], today)
        if left is None:
            raise bad_request("Usage Plan does not have a quota")
        for operation in call.params.get("patchOperations", []):
            if (operation.get("op"), operation.get("path")) != ("replace", "/remaining"):
                raise bad_request(f"Invalid patch path  '{operation.get('path')}': it must be /remaining")
            begin = period_start(plan["quota"]["period"], today)
            given = kept.counter(plan["id"], key["id"]).given
            given[begin] = given.get(begin, 0) + int(operation["value"]) - left
        used = kept.counter(plan["id"], key["id"]).days.get(today, 0)
        text = today.isoformat()
        remaining = kept.remaining(plan, key["id"], today)
        items = {key["id"]: [[used, remaining]]}
        return {"usagePlanId": plan["id"], "startDate": text, "endDate": text, "items": items}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise bad_request(f"Invalid date {text!r}: it must be YYYY-MM-DD") from None


def _shown(plan: Document) -> Document:
    return {name: value for name, value in plan.items() if name != "_created"}


def _plan_key(key: Document) -> Document:
    return {"id": key["id"], "type": "API_KEY", "value": key["value"], "name": key.get("name")}


def _patch_stages(plan: Document, operation: Mapping[str, Any]) -> None:
    """``/apiStages`` with ``api:stage``, or ``/apiStages/{api:stage}/throttle/{path}/{METHOD}/rateLimit``."""
    parts = [patch.unescape(part) for part in str(operation["path"]).strip("/").split("/")]
    op, value = operation.get("op"), str(operation.get("value") or "")
    if len(parts) == 1:
        api_id, _, stage = value.partition(":")
        kept = [e for e in plan["apiStages"] if (e.get("apiId"), e.get("stage")) != (api_id, stage)]
        plan["apiStages"] = [*kept, {"apiId": api_id, "stage": stage}] if op == "add" else kept
        return
    api_id, _, stage = parts[1].partition(":")
    entry = next((e for e in plan["apiStages"] if (e["apiId"], e["stage"]) == (api_id, stage)), None)
    if entry is None:
        raise not_found(f"API Stage not found: {parts[1]}")
    throttle = dict(entry.get("throttle") or {})
    if len(parts) >= 5:
        key = f"{parts[3]}/{parts[4]}"
        if op == "remove" and len(parts) == 5:
            throttle.pop(key, None)
        elif len(parts) == 6:
            number = float(value) if parts[5] == "rateLimit" else int(value)
            throttle[key] = {**throttle.get(key, {}), parts[5]: number}
    elif op == "remove":
        throttle = {}
    entry["throttle"] = throttle
