"""Operations on listeners and their certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.elbv2 import Listener, LoadBalancer, Rule
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.elbv2 import attributes
from sandbox.control.shims.elbv2.actions import checked_actions
from sandbox.control.shims.elbv2.actions import shown as shown_actions
from sandbox.control.shims.elbv2.state import State, invalid, page, pairs, tags_of

# Of a listener of HTTPS that names none (Elastic Load Balancing API Reference, CreateListener).
_POLICY = "ELBSecurityPolicy-2016-08"


class Listeners:
    """Create, describe, change and delete."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateListener": self.create,
            "DescribeListeners": self.describe,
            "ModifyListener": self.modify,
            "DeleteListener": self.delete,
            "DescribeListenerAttributes": self.describe_attributes,
            "ModifyListenerAttributes": self.modify_attributes,
            "AddListenerCertificates": self.add_certificates,
            "RemoveListenerCertificates": self.remove_certificates,
            "DescribeListenerCertificates": self.certificates,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateListener``."""
        given = call.params
        balancer = self._state.balancer(given["LoadBalancerArn"])
        info: dict[str, Any] = {"LoadBalancerArn": balancer.arn}
        info |= {key: given[key] for key in ("Port", "Protocol") if key in given}
        if not {"Port", "Protocol"} <= info.keys():
            raise invalid("A port and a protocol must be specified")
        self._settle(info, given, balancer)
        path = balancer.arn.partition("loadbalancer/")[2]
        number = self._state.id()
        arn = self._state.arn(call, f"listener/{path}/{number}")
        info["ListenerArn"] = arn
        rule = self._state.arn(call, f"listener-rule/{path}/{number}/{self._state.id()}")
        actions = await checked_actions(self._state, given["DefaultActions"], info["Protocol"])
        default = Rule(rule, None, [], actions)
        listener = Listener(
            arn,
            balancer.arn,
            info,
            default,
            attributes.defaults(attributes.of_listener(info["Protocol"])),
            tags=tags_of(given),
        )
        balancer.listeners[arn] = listener
        self._state.changed()
        return {"Listeners": [_shown(listener)]}

    def _settle(
        self,
        info: dict[str, Any],
        given: Mapping[str, Any],
        balancer: LoadBalancer,
        own: Listener | None = None,
    ) -> None:
        """Check what a listener is to be and complete it. Raises ``AwsError``."""
        if info["Protocol"] not in ("HTTP", "HTTPS"):
            raise invalid(f"Listener protocol '{info['Protocol']}' must be one of 'HTTP, HTTPS'")
        if (given.get("MutualAuthentication") or {}).get("Mode", "off") != "off":
            raise NotEmulatedError("mutual TLS of Application Load Balancers")
        taken = [one for one in balancer.listeners.values() if one.port == info["Port"] and one is not own]
        if taken:
            raise AwsError(
                400,
                "DuplicateListener",
                f"A listener already exists on this port for this load balancer '{balancer.arn}'",
            )
        if info["Protocol"] == "HTTP":
            info.pop("Certificates", None)
            info.pop("SslPolicy", None)
            return
        if given.get("Certificates"):
            info["Certificates"] = [{"CertificateArn": c["CertificateArn"]} for c in given["Certificates"]]
        if not info.get("Certificates"):
            raise AwsError(400, "ValidationError", "A certificate must be specified for HTTPS listeners")
        info["SslPolicy"] = given.get("SslPolicy", info.get("SslPolicy", _POLICY))

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeListeners``."""
        given = call.params
        if given.get("ListenerArns"):
            found = [self._state.listener(arn) for arn in given["ListenerArns"]]
        elif given.get("LoadBalancerArn"):
            found = list(self._state.balancer(given["LoadBalancerArn"]).listeners.values())
        else:
            raise invalid("You must specify either listener ARNs or a load balancer ARN")
        shown, more = page(given, found)
        return {"Listeners": [_shown(listener) for listener in shown], **more}

    async def modify(self, call: Call) -> Mapping[str, Any]:
        """``ModifyListener``."""
        given, listener = call.params, self._state.listener(call.params["ListenerArn"])
        info = dict(listener.info)
        info |= {key: given[key] for key in ("Port", "Protocol") if key in given}
        self._settle(info, given, self._state.balancer(listener.load_balancer), listener)
        if "DefaultActions" in given:
            listener.default.actions = await checked_actions(
                self._state, given["DefaultActions"], info["Protocol"], listener.default.actions
            )
        listener.info = info
        self._state.changed()
        return {"Listeners": [_shown(listener)]}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteListener``."""
        listener = self._state.listener(call.params["ListenerArn"])
        del self._state.balancer(listener.load_balancer).listeners[listener.arn]
        self._state.changed()
        return {}

    async def describe_attributes(self, call: Call) -> Mapping[str, Any]:
        """``DescribeListenerAttributes``."""
        return {"Attributes": pairs(self._state.listener(call.params["ListenerArn"]).attributes)}

    async def modify_attributes(self, call: Call) -> Mapping[str, Any]:
        """``ModifyListenerAttributes``."""
        listener = self._state.listener(call.params["ListenerArn"])
        rules = attributes.of_listener(listener.protocol)
        listener.attributes = attributes.change(
            rules, listener.attributes, call.params["Attributes"], "Listener"
        )
        self._state.changed()
        return {"Attributes": pairs(listener.attributes)}

    async def add_certificates(self, call: Call) -> Mapping[str, Any]:
        """``AddListenerCertificates``: kept; the sandbox shows its own certificate to every client."""
        listener = self._state.listener(call.params["ListenerArn"])
        for given in call.params["Certificates"]:
            if given["CertificateArn"] not in listener.certificates:
                listener.certificates.append(given["CertificateArn"])
        return {"Certificates": [{**given, "IsDefault": False} for given in call.params["Certificates"]]}

    async def remove_certificates(self, call: Call) -> Mapping[str, Any]:
        """``RemoveListenerCertificates``."""
        listener = self._state.listener(call.params["ListenerArn"])
        gone = {given["CertificateArn"] for given in call.params["Certificates"]}
        listener.certificates = [arn for arn in listener.certificates if arn not in gone]
        return {}

    async def certificates(self, call: Call) -> Mapping[str, Any]:
        """``DescribeListenerCertificates``."""
        listener = self._state.listener(call.params["ListenerArn"])
        default: list[dict[str, Any]] = listener.info.get("Certificates", [])
        own = [{**one, "IsDefault": True} for one in default]
        return {
            "Certificates": [
                *own,
                *({"CertificateArn": arn, "IsDefault": False} for arn in listener.certificates),
            ]
        }


def _shown(listener: Listener) -> dict[str, Any]:
    return {**listener.info, "DefaultActions": shown_actions(listener.default.actions)}
