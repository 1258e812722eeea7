"""Attributes of load balancers, target groups and listeners: which there are, their defaults and bounds.

Source: botocore's ``elbv2`` model, LoadBalancerAttribute, TargetGroupAttribute and ListenerAttribute. The words of
refusals are UNSOURCED.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from sandbox.control.shims.elbv2.state import invalid

if TYPE_CHECKING:
    from sandbox.limits import Limits

Check = Callable[[str], str | None]  # what the value must be, when it is not


def _whole(low: int, high: int, *also: int) -> Check:
    def check(value: str) -> str | None:
        if value.isdecimal() and (low <= int(value) <= high or int(value) in also):
            return None
        return f"{', '.join(map(str, also))}{' or ' if also else ''}an integer from {low} to {high}"

    return check


def _one_of(*allowed: str) -> Check:
    return lambda value: None if value in allowed else f"one of {', '.join(allowed)}"


def _any(value: str) -> str | None:
    return None


def _app_cookie(value: str) -> str | None:
    reserved = value.upper().startswith("AWSALB")
    named = re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", value) is not None
    return (
        None
        if named and not reserved
        else "a cookie's name that does not start with AWSALB, AWSALBAPP or AWSALBTG"
    )


_BOOLEAN = _one_of("true", "false")
_DAY = 86_400

Rules = Mapping[str, tuple[str, Check]]  # name -> (default, check)


def of_load_balancer(limits: Limits, *, internal: bool) -> Rules:
    """Those of an Application Load Balancer, in the order in which they are shown."""
    logs = {
        name: rule
        for kind in ("access_logs", "connection_logs", "health_check_logs")
        for name, rule in (
            (f"{kind}.s3.enabled", ("false", _BOOLEAN)),
            (f"{kind}.s3.bucket", ("", _any)),
            (f"{kind}.s3.prefix", ("", _any)),
        )
    }
    keep_alive = limits.value("alb.client_keep_alive") if limits.available("alb.client_keep_alive") else 3600
    return {
        **logs,
        "idle_timeout.timeout_seconds": (str(limits.value("alb.idle_timeout.default")), _whole(1, 4000)),
        "deletion_protection.enabled": ("false", _BOOLEAN),
        "routing.http2.enabled": ("true", _BOOLEAN),
        "routing.http.drop_invalid_header_fields.enabled": ("false", _BOOLEAN),
        "routing.http.xff_client_port.enabled": ("false", _BOOLEAN),
        "routing.http.preserve_host_header.enabled": ("false", _BOOLEAN),
        "routing.http.xff_header_processing.mode": (
            limits.value("alb.xff.default"),
            _one_of("append", "preserve", "remove"),
        ),
        "routing.http.desync_mitigation_mode": ("defensive", _one_of("monitor", "defensive", "strictest")),
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": ("false", _BOOLEAN),
        "client_keep_alive.seconds": (str(keep_alive), _whole(60, 604_800)),
        "load_balancing.cross_zone.enabled": ("true", _one_of("true")),
        "waf.fail_open.enabled": ("false", _BOOLEAN),
        "zonal_shift.config.enabled": ("false", _BOOLEAN),
        "ipv6.deny_all_igw_traffic": (str(internal).lower(), _BOOLEAN),
    }


def of_target_group(limits: Limits, type_: str) -> Rules:
    """Those of a target group of a type."""
    stickiness = {
        "stickiness.enabled": ("false", _BOOLEAN),
        "stickiness.type": ("lb_cookie", _one_of("lb_cookie", "app_cookie")),
        "stickiness.lb_cookie.duration_seconds": (
            str(limits.value("alb.stickiness.duration")),
            _whole(1, 7 * _DAY),
        ),
        "stickiness.app_cookie.cookie_name": ("", _app_cookie),
        "stickiness.app_cookie.duration_seconds": (str(_DAY), _whole(1, 7 * _DAY)),
    }
    if type_ == "lambda":
        return {"lambda.multi_value_headers.enabled": ("false", _BOOLEAN), **stickiness}
    percentage = _whole(1, 100)
    shares: Rules = {
        f"target_group_health.{what}.minimum_healthy_targets.{kind}": (default, check)
        for what in ("unhealthy_state_routing", "dns_failover")
        for kind, default, check in (
            ("count", "1", _off_or(_whole(1, 1000)) if what == "dns_failover" else _whole(1, 1000)),
            ("percentage", "off", _off_or(percentage)),
        )
    }
    return {
        "deregistration_delay.timeout_seconds": (
            str(limits.value("alb.deregistration_delay")),
            _whole(0, 3600),
        ),
        **stickiness,
        "slow_start.duration_seconds": (str(limits.value("alb.slow_start")), _whole(30, 900, 0)),
        "load_balancing.algorithm.type": (
            limits.value("alb.algorithm.default"),
            _one_of("round_robin", "least_outstanding_requests", "weighted_random"),
        ),
        "load_balancing.algorithm.anomaly_mitigation": ("off", _one_of("on", "off")),
        "load_balancing.cross_zone.enabled": (
            "use_load_balancer_configuration",
            _one_of("true", "false", "use_load_balancer_configuration"),
        ),
        **shares,
    }


def _off_or(check: Check) -> Check:
    return lambda value: None if value == "off" else check(value)


_MTLS = ("serial_number", "issuer", "subject", "validity", "leaf")
_RESPONSE = (
    "strict_transport_security", "access_control_allow_origin", "access_control_allow_methods",
    "access_control_allow_headers", "access_control_allow_credentials", "access_control_expose_headers",
    "access_control_max_age", "content_security_policy", "x_content_type_options", "x_frame_options",
)  # fmt: skip


def of_listener(protocol: str) -> Rules:
    """Those of a listener of an Application Load Balancer."""
    tls: Rules = {
        **{
            f"routing.http.request.x_amzn_mtls_clientcert_{part}.header_name": (
                f"X-Amzn-Mtls-Clientcert-{part.replace('_', '-').title()}",
                _any,
            )
            for part in _MTLS
        },
        "routing.http.request.x_amzn_mtls_clientcert.header_name": ("X-Amzn-Mtls-Clientcert", _any),
        "routing.http.request.x_amzn_tls_version.header_name": ("X-Amzn-Tls-Version", _any),
        "routing.http.request.x_amzn_tls_cipher_suite.header_name": ("X-Amzn-Tls-Cipher-Suite", _any),
    }
    return {
        **(tls if protocol == "HTTPS" else {}),
        "routing.http.response.server.enabled": ("true", _BOOLEAN),
        **{f"routing.http.response.{name}.header_value": ("", _any) for name in _RESPONSE},
    }


def defaults(rules: Rules) -> dict[str, str]:
    """The attributes of a new thing."""
    return {name: str(default) for name, (default, _) in rules.items()}


def change(
    rules: Rules, current: Mapping[str, str], wanted: Iterable[Mapping[str, str]], what: str
) -> dict[str, str]:
    """The attributes after a change. Raises ``AwsError`` for an unknown name or a value out of bounds."""
    made = dict(current)
    for attribute in wanted:
        key, value = attribute.get("Key", ""), str(attribute.get("Value", ""))
        if key not in rules:
            raise invalid(f"{what} attribute key '{key}' is not recognized")
        problem = rules[key][1](value)
        if problem is not None:
            raise invalid(f"{what} attribute '{key}' must be {problem}, not '{value}'")
        made[key] = value
    return made
