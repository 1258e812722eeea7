"""CONNECT: who may come in, with which session, and what the broker says about itself (facts 6.2, 6.9 to 6.13)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.anomalies import Line
from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.mqtt.errors import Reason
from sandbox.services.iot.topics import topic_fault
from sandbox.services.realtime import Lifetime

if TYPE_CHECKING:
    from sandbox.services.iot.identity import Identity
    from sandbox.services.iot.link import Link

# MQTT 3.1.1, 3.2.2.3
_UNACCEPTABLE_LEVEL, _ID_REJECTED, _UNAVAILABLE = 1, 2, 3


class Refusal(Exception):  # noqa: N818 - an answer
    """A CONNECT is not accepted. ``reason``: of MQTT 5; ``code``: of MQTT 3.1.1; neither is told if not ``told``."""

    def __init__(self, message: str, reason: int, code: int = 0, *, told: bool = True) -> None:
        super().__init__(message)
        self.reason = int(reason)
        self.code = code
        self.told = told


class Connecting:
    """One CONNECT on its way."""

    def __init__(self, link: Link, packet: p.Connect) -> None:
        self._link = link
        self._packet = packet
        self._broker = link.broker
        self._limits = link.broker.limits
        self._told: dict[str, Any] = {}

    async def run(self) -> None:
        """Let the client in. Raises :class:`Refusal`."""
        link, packet = self._link, self._packet
        link.level = packet.level
        if packet.level not in (p.V311, p.V5):
            link.level = p.V311
            raise Refusal(f"MQTT of level {packet.level}", Reason.UNSUPPORTED_VERSION, _UNACCEPTABLE_LEVEL)
        link.client_id = self._client_id()
        self._check_will()
        if "authentication_method" in packet.properties:
            raise Refusal("enhanced authentication is not supported", Reason.UNSPECIFIED)
        link.identity = await link.authenticate(packet)
        if link.ended:
            return
        link.origin = replace(link.origin, client_id=link.client_id, principal=link.identity.id)
        link.line = Line(self._broker.sandbox.anomalies, "iot", link.client_id)
        if not self._may_connect(link.identity):
            raise self._quiet("the policies do not allow iot:Connect", Reason.NOT_AUTHORIZED)
        if not self._broker.connect_token(link.client_id):
            # Told when the rate has room again (UNSOURCED): an idle sandbox does not age on the virtual clock, so who
            # is refused at once and tries again would be refused for ever.
            await asyncio.sleep(1 / float(self._limits.value("iot.rate.connect_per_client")))
            raise self._quiet("too many CONNECTs a second", Reason.QUOTA_EXCEEDED)
        self._settle()

    def _may_connect(self, identity: Identity) -> bool:
        """``iot:ConnectAttributes`` say that a CONNECT has a will, or a session to keep (developer guide)."""
        link, packet = self._link, self._packet
        attributes = ["LastWill"] if packet.will is not None else []
        if self._expiry() > 0:
            attributes.append("PersistentConnect")
        more = {"iot:ConnectAttributes": attributes, "aws:SourceIp": link.origin.source_ip}
        arn = self._broker.arn("client", link.client_id)
        return identity.allows("iot:Connect", arn, link.client_id, more)

    def _quiet(self, message: str, reason: int) -> Refusal:
        """MQTT 3.1.1 clients just see the connection closed (what AWS's engineers say in their SDKs' issues)."""
        return Refusal(message, reason, told=self._packet.level >= p.V5)

    def _client_id(self) -> str:
        given = self._packet.client_id
        if len(given.encode()) > int(self._limits.value("iot.client_id.length")):
            raise Refusal("the client id is too long", Reason.CLIENT_ID_INVALID, _ID_REJECTED)
        if given:
            return given
        if self._packet.level < p.V5 and not self._packet.clean:
            raise Refusal("no client id, and a session to keep", Reason.CLIENT_ID_INVALID, _ID_REJECTED)
        made = f"$GEN/{self._broker.sandbox.ids.uuid()}"
        self._told["assigned_client_identifier"] = made
        return made

    def _check_will(self) -> None:
        will = self._packet.will
        if will is None:
            return
        if will.qos > int(self._limits.value("iot.qos.max")):
            raise self._quiet("a will of quality of service 2", Reason.QOS_NOT_SUPPORTED)
        if (fault := topic_fault(will.topic, self._broker.bounds)) is not None:
            raise self._quiet(f"the will's topic: {fault}", Reason.TOPIC_NAME_INVALID)
        if len(will.payload) > int(self._limits.value("iot.payload")):
            raise self._quiet("the will is too large", Reason.QUOTA_EXCEEDED)

    def _settle(self) -> None:
        """Take over the session, answer, and go on with what waits."""
        link, packet, broker = self._link, self._packet, self._broker
        properties = packet.properties
        link.clean, link.will = packet.clean, packet.will
        link.connected_at = broker.loop.time()
        own = int(self._limits.value("iot.unacknowledged"))
        link.receive_maximum = min(own, properties.get("receive_maximum", own))
        link.maximum_packet = properties.get("maximum_packet_size")
        expiry = self._expiry()
        session, present = broker.open_session(link, packet.clean, expiry)
        link.session = session
        self._start_timers()
        link.send(p.Connack(present, 0, self._properties(expiry) if link.level >= p.V5 else {}))
        broker.connected(link)
        broker.pump(session)

    def _expiry(self) -> float:
        if self._packet.level < p.V5:
            return 0.0 if self._packet.clean else self._broker.longest_session
        wanted = float(self._packet.properties.get("session_expiry_interval", 0))
        return min(wanted, self._broker.longest_session)

    def _start_timers(self) -> None:
        link, limits = self._link, self._limits
        low, high = int(limits.value("iot.keep_alive.min")), int(limits.value("iot.keep_alive.max"))
        wanted = self._packet.keep_alive or high
        link.keep_alive = min(high, max(low, wanted))
        identity = link.identity
        assert identity is not None
        silence = link.keep_alive * float(limits.value("iot.keep_alive.grace"))
        link.lifetime = Lifetime(silence, identity.lives, link.expire)  # facts 6.3, 6.10

    def _properties(self, expiry: float) -> dict[str, Any]:
        """What CONNACK says to an MQTT 5 client."""
        limits, wanted = self._limits, self._packet.properties.get("session_expiry_interval", 0)
        changed = {"session_expiry_interval": int(expiry)} if wanted != expiry else {}
        return {
            **self._told,
            **changed,
            "receive_maximum": int(limits.value("iot.unacknowledged")),
            "maximum_qos": int(limits.value("iot.qos.max")),
            "retain_available": 1,
            "maximum_packet_size": int(limits.value("iot.mqtt5.packet_size")),
            "topic_alias_maximum": int(limits.value("iot.mqtt5.topic_aliases")),
            "wildcard_subscription_available": 1,
            "subscription_identifier_available": 0,
            "shared_subscription_available": 1,
            "server_keep_alive": self._link.keep_alive,
        }
