"""Operations on target groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.elbv2 import TargetGroup
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.elbv2 import attributes
from sandbox.control.shims.elbv2.load_balancers import check_name
from sandbox.control.shims.elbv2.state import State, invalid, not_found, page, pairs, tags_of
from sandbox.control.validation import validate

_HEALTH = (
    "HealthCheckProtocol", "HealthCheckPort", "HealthCheckEnabled", "HealthCheckPath", "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher",
)  # fmt: skip


class TargetGroups:
    """Create, describe, change and delete."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateTargetGroup": self.create,
            "DescribeTargetGroups": self.describe,
            "ModifyTargetGroup": self.modify,
            "DeleteTargetGroup": self.delete,
            "DescribeTargetGroupAttributes": self.describe_attributes,
            "ModifyTargetGroupAttributes": self.modify_attributes,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateTargetGroup``."""
        validate(call.operation.model, call.params)
        given, name = call.params, call.params["Name"]
        check_name(name, "Target group")
        kind = given.get("TargetType", "instance")
        if kind == "alb" or given.get("Protocol", "HTTP") not in ("HTTP", "HTTPS"):
            raise NotEmulatedError(f"target groups of type {kind} with protocol {given.get('Protocol')}")
        if any(g.info["TargetGroupName"] == name for g in self._state.records.target_groups.values()):
            raise AwsError(
                400,
                "DuplicateTargetGroupName",
                f"A target group with the same name '{name}' exists, but with different settings",
            )
        arn = self._state.arn(call, f"targetgroup/{name}/{self._state.id()}")
        info = {"TargetGroupArn": arn, "TargetGroupName": name, "TargetType": kind}
        info |= _lambda_defaults() if kind == "lambda" else _http_defaults(given)
        info |= {key: given[key] for key in _HEALTH if key in given}
        _check_health(info)
        group = TargetGroup(
            arn,
            info,
            attributes.defaults(attributes.of_target_group(self._state.sandbox.limits, kind)),
            tags=tags_of(given),
        )
        self._state.records.target_groups[arn] = group
        self._state.changed()
        return {"TargetGroups": [self._shown(group)]}

    def _shown(self, group: TargetGroup) -> dict[str, Any]:
        return {**group.info, "LoadBalancerArns": [b.arn for b in self._state.records.users(group.arn)]}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeTargetGroups``."""
        given, groups = call.params, list(self._state.records.target_groups.values())
        if given.get("TargetGroupArns"):
            groups = [self._state.group(arn) for arn in given["TargetGroupArns"]]
        if given.get("Names"):
            known = {group.info["TargetGroupName"]: group for group in groups}
            missing = [name for name in given["Names"] if name not in known]
            if missing:
                raise not_found("TargetGroup", str(missing))
            groups = [known[name] for name in given["Names"]]
        if arn := given.get("LoadBalancerArn"):
            self._state.balancer(arn)
            groups = [g for g in groups if arn in [b.arn for b in self._state.records.users(g.arn)]]
        shown, more = page(given, groups)
        return {"TargetGroups": [self._shown(group) for group in shown], **more}

    async def modify(self, call: Call) -> Mapping[str, Any]:
        """``ModifyTargetGroup``: its health checks."""
        validate(call.operation.model, call.params)
        group = self._state.group(call.params["TargetGroupArn"])
        info = {**group.info, **{key: call.params[key] for key in _HEALTH if key in call.params}}
        _check_health(info)
        group.info = info
        self._state.changed()
        return {"TargetGroups": [self._shown(group)]}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteTargetGroup``."""
        arn = call.params["TargetGroupArn"]
        if self._state.records.users(arn):
            raise AwsError(
                400, "ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule"
            )
        self._state.records.target_groups.pop(arn, None)
        self._state.changed()
        return {}

    async def describe_attributes(self, call: Call) -> Mapping[str, Any]:
        """``DescribeTargetGroupAttributes``."""
        return {"Attributes": pairs(self._state.group(call.params["TargetGroupArn"]).attributes)}

    async def modify_attributes(self, call: Call) -> Mapping[str, Any]:
        """``ModifyTargetGroupAttributes``."""
        group = self._state.group(call.params["TargetGroupArn"])
        rules = attributes.of_target_group(self._state.sandbox.limits, group.type)
        made = attributes.change(rules, group.attributes, call.params["Attributes"], "Target group")
        if (
            made["stickiness.enabled"] == "true"
            and made["stickiness.type"] == "app_cookie"
            and not made["stickiness.app_cookie.cookie_name"]
        ):
            raise invalid("You must specify an application cookie name for stickiness of type app_cookie")
        if made.get("slow_start.duration_seconds", "0") != "0" and (
            made["load_balancing.algorithm.type"] != "round_robin"
        ):
            raise invalid("Slow start is only available with the round_robin algorithm")
        group.attributes = made
        self._state.changed()
        return {"Attributes": pairs(made)}


def _http_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("Protocol", "Port", "VpcId"):
        if name not in given:
            words = {"Protocol": "protocol", "Port": "port", "VpcId": "VPC ID"}[name]
            raise invalid(f"A {words} must be specified")
    version = given.get("ProtocolVersion", "HTTP1")
    if version not in ("HTTP1", "HTTP2", "GRPC"):
        raise invalid(f"Protocol version '{version}' must be one of HTTP1, HTTP2, GRPC")
    return {
        "Protocol": given["Protocol"],
        "ProtocolVersion": version,
        "Port": given["Port"],
        "VpcId": given["VpcId"],
        "IpAddressType": given.get("IpAddressType", "ipv4"),
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/AWS.ALB/healthcheck" if version == "GRPC" else "/",
        "Matcher": {"GrpcCode": "12"} if version == "GRPC" else {"HttpCode": "200"},
    }


def _lambda_defaults() -> dict[str, Any]:
    return {
        "HealthCheckEnabled": False,
        "HealthCheckIntervalSeconds": 35,
        "HealthCheckTimeoutSeconds": 30,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 5,
        "HealthCheckPath": "/",
        "Matcher": {"HttpCode": "200"},
    }


def _check_health(info: Mapping[str, Any]) -> None:
    interval, timeout = info["HealthCheckIntervalSeconds"], info["HealthCheckTimeoutSeconds"]
    if timeout >= interval:
        raise invalid(f"Health check timeout '{timeout}' must be smaller than the interval '{interval}'")
    if not str(info["HealthCheckPath"]).startswith("/"):
        raise invalid(f"Health check path '{info['HealthCheckPath']}' must begin with a '/'")
    if not info["HealthCheckEnabled"] and info["TargetType"] != "lambda":
        raise invalid(f"Health checks cannot be disabled for target type '{info['TargetType']}'")
    if info.get("ProtocolVersion") == "GRPC":
        _check_codes(str(info["Matcher"].get("GrpcCode", "")), "gRPC", 0, 99)
    else:
        _check_codes(str(info["Matcher"].get("HttpCode", "200")), "HTTP", 200, 499)


def _check_codes(code: str, kind: str, least: int, most: int) -> None:
    parts = [part.partition("-") for part in code.split(",")]
    if not all(
        one.isdigit() and least <= int(one) <= most
        for first, _, last in parts
        for one in (first, last or first)
    ):
        raise invalid(f"Health check matcher {kind} code '{code}' must be within '{least}-{most}' inclusive")
