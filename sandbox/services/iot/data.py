"""``iot-data``: the HTTP API of the broker (facts 6.4, 6.12, 6.16), from Lambda functions and everybody with keys."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal
from sandbox.aws.errors import AwsError
from sandbox.services.iot.handshake import identify
from sandbox.services.iot.identity import Identity
from sandbox.services.iot.message import Origin
from sandbox.services.iot.session import Delivery, Session
from sandbox.services.iot.shadows import ShadowApi, requested
from sandbox.services.iot.topics import ingested, topic_fault

if TYPE_CHECKING:
    from sandbox.services.iot.broker import Broker

Params = Mapping[str, Any]
Answer = dict[str, Any] | None
_SHORTEST_WAIT, _LONGEST_WAIT = (
    1,
    15,
)  # seconds that SendDirectMessage may wait (botocore says no bounds: UNSOURCED)
_REMEMBERED_MS = 30 * 60 * 1000  # GetConnection tells of a connection so long after its end (botocore)


class Data:
    """The operations, each with its permission."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._operations: Mapping[str, Callable[[Params, Identity | None], Any]] = {
            "Publish": self._publish,
            "GetRetainedMessage": self._get_retained,
            "ListRetainedMessages": self._list_retained,
            "SendDirectMessage": self._send_direct,
            "GetConnection": self._get_connection,
            "DeleteConnection": self._delete_connection,
            "ListSubscriptions": self._list_subscriptions,
            **ShadowApi(broker.shadows, self._check).operations(),
        }

    async def __call__(self, operation: str, params: Params, access_key: str | None) -> Answer:
        """Carry out an operation."""
        caller = None
        if access_key is not None:
            credential = await self._broker.sandbox.control.secret_for(access_key)
            if credential is not None:
                caller = await identify(self._broker.sandbox, Principal.of(credential))
        answer: Answer = await self._operations[operation](params, caller)
        return answer

    def _check(self, caller: Identity | None, action: str, kind: str, name: str) -> None:
        """403 *Forbidden*, as users of the SDKs report it (aws-sdk-js-v3 5562, aws-sdk-java-v2 4924)."""
        if caller is not None and not caller.allows(action, self._broker.arn(kind, name), ""):
            trace = self._broker.sandbox.ids.uuid()
            raise AwsError(403, "ForbiddenException", "Forbidden", fields={"traceId": trace})

    # -- messages

    async def _publish(self, params: Params, caller: Identity | None) -> Answer:
        await self.publish(params, caller)
        return None

    async def publish(self, params: Params, caller: Identity | None) -> str:
        """``Publish``; the message's id."""
        broker, topic = self._broker, params["topic"]
        payload, properties = _payload(params), _properties(params)
        if (fault := topic_fault(topic, broker.bounds)) is not None:
            raise _invalid(f"The topic {topic!r} is invalid: {fault}")
        self._check_size(payload)
        retain = bool(params.get("retain"))
        self._check(caller, "iot:Publish", "topic", topic)
        if retain:
            self._check(caller, "iot:RetainPublish", "topic", topic)
        if not broker.publish_token():
            raise AwsError(429, "ThrottlingException", "Rate exceeded")
        origin = Origin(principal=caller.id if caller else "")
        message = broker.message(topic, payload, int(params.get("qos") or 0), retain, properties, origin)
        rule = ingested(topic)
        if rule is not None:
            broker.ingest(rule[0], message)
        elif topic.startswith("$") and requested(topic) is None:
            raise _invalid(f"The topic {topic!r} is reserved")
        else:
            broker.publish(message)
        return message.trace

    def _check_size(self, payload: bytes) -> None:
        limits = self._broker.limits
        if len(payload) > int(limits.value("iot.payload")):
            status = int(limits.value("iot.error.too_large.status"))
            raise AwsError(status, "RequestEntityTooLargeException", "Request entity too large")

    async def _get_retained(self, params: Params, caller: Identity | None) -> Answer:
        topic = params["topic"]
        self._check(caller, "iot:GetRetainedMessage", "topic", topic)
        found = self._broker.retained.get(topic)
        if found is None:
            raise _not_found(f"There is no retained message for the topic {topic!r}")
        message = found.message
        told: dict[str, Any] = {
            "topic": topic,
            "payload": message.payload,
            "qos": message.qos,
            "lastModifiedTime": found.modified_ms,
        }
        pairs = message.properties.get("user_property")
        if pairs:
            told["userProperties"] = json.dumps([{name: value} for name, value in pairs]).encode()
        return told

    async def _list_retained(self, params: Params, caller: Identity | None) -> Answer:
        self._check(caller, "iot:ListRetainedMessages", "", "*")
        topics = [
            {
                "topic": topic,
                "payloadSize": len(kept.message.payload),
                "qos": kept.message.qos,
                "lastModifiedTime": kept.modified_ms,
            }
            for topic, kept in sorted(self._broker.retained.items())
        ]
        return _paged("retainedTopics", topics, params, 25)

    async def _send_direct(self, params: Params, caller: Identity | None) -> Answer:
        broker, topic = self._broker, params["topic"]
        session = self._connected(params["clientId"])
        payload = _payload(params)
        if (fault := topic_fault(topic, broker.bounds)) is not None:
            raise _invalid(f"The topic {topic!r} is invalid: {fault}")
        self._check_size(payload)
        self._check(caller, "iot:SendDirectMessage", "client", session.client_id)
        confirm = bool(params.get("confirmation"))
        origin = Origin(principal=caller.id if caller else "")
        message = broker.message(topic, payload, int(confirm), False, _properties(params), origin)
        delivery = Delivery(message, int(confirm))
        broker.offer(session, delivery)
        if confirm:
            await self._confirmed(delivery, params)
        return {"message": "OK", "traceId": message.trace}

    async def _confirmed(self, delivery: Delivery, params: Params) -> None:
        """Wait for the PUBACK; 504 without one (fact 6.16)."""
        limits, seconds = self._broker.limits, int(params.get("timeout") or _LONGEST_WAIT)
        seconds = min(max(seconds, _SHORTEST_WAIT), _LONGEST_WAIT)
        delivery.confirmed = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await delivery.confirmed
        except TimeoutError as late:
            status = int(limits.value("iot.direct_message.error.undelivered.status"))
            raise AwsError(
                status, "GatewayTimeoutException", "No delivery confirmation was received"
            ) from late

    # -- connections

    def _connected(self, client_id: str) -> Session:
        session = self._broker.sessions.get(client_id)
        if session is None or session.link is None:
            raise _not_found(f"The client {client_id!r} is not connected")
        return session

    async def _get_connection(self, params: Params, caller: Identity | None) -> Answer:
        broker, client_id = self._broker, params["clientId"]
        self._check(caller, "iot:GetConnection", "client", client_id)
        session = broker.sessions.get(client_id)
        now_ms = int(broker.sandbox.clock.epoch() * 1000)
        if session is not None and session.link is not None:
            link = session.link
            since = int(now_ms - (broker.loop.time() - link.connected_at) * 1000)
            told = {
                "connected": True,
                "clientId": client_id,
                "cleanSession": link.clean,
                "keepAliveDuration": link.keep_alive,
                "connectedSince": since,
                "sessionExpiry": int(session.expiry),
            }
            return told | (
                {"sourceIp": link.origin.source_ip} if params.get("includeSocketInformation") else {}
            )
        gone = broker.last_gone.get(client_id)
        if gone is None or (now_ms - gone.at_ms > _REMEMBERED_MS and session is None):
            raise _not_found(f"There is no connection of the client {client_id!r}")
        return {
            "connected": False,
            "clientId": client_id,
            "cleanSession": gone.clean,
            "disconnectedSince": gone.at_ms,
            "disconnectReason": gone.reason,
            "sessionExpiry": int(gone.expiry),
        }

    async def _delete_connection(self, params: Params, caller: Identity | None) -> Answer:
        broker, client_id = self._broker, params["clientId"]
        self._check(caller, "iot:DeleteConnection", "client", client_id)
        session = broker.sessions.get(client_id)
        if session is None or (session.link is None and not params.get("cleanSession")):
            raise _not_found(f"There is no connection of the client {client_id!r}")
        if params.get("cleanSession"):
            session.expiry = 0.0
        if session.link is not None:
            will = not params.get("preventWillMessage")
            session.link.end("API_INITIATED_DISCONNECT", 0x98, will=will)
        else:
            broker.drop_session(session)
        return None

    async def _list_subscriptions(self, params: Params, caller: Identity | None) -> Answer:
        client_id = params["clientId"]
        self._check(caller, "iot:ListSubscriptions", "client", client_id)
        session = self._broker.sessions.get(client_id)
        if session is None:
            raise _not_found(f"There is no session of the client {client_id!r}")
        found = [
            {"topicFilter": topic, "qos": one.filter.qos}
            for topic, one in sorted(session.subscriptions.items())
        ]
        return _paged("subscriptions", found, params, 20)


def _payload(params: Params) -> bytes:
    payload = params.get("payload") or b""
    return payload.encode() if isinstance(payload, str) else bytes(payload)


def _properties(params: Params) -> dict[str, Any]:
    """The properties of MQTT 5 that a call may give. Raises ``InvalidRequestException``."""
    found: dict[str, Any] = {}
    if params.get("payloadFormatIndicator") is not None:
        found["payload_format_indicator"] = int(params["payloadFormatIndicator"] == "UTF8_DATA")
    for name, parameter in (("content_type", "contentType"), ("response_topic", "responseTopic")):
        if params.get(parameter):
            found[name] = params[parameter]
    if params.get("messageExpiry") is not None:
        found["message_expiry_interval"] = int(params["messageExpiry"])
    try:
        if params.get("correlationData"):
            found["correlation_data"] = base64.b64decode(params["correlationData"], validate=True)
        if params.get("userProperties"):
            found["user_property"] = _pairs(params["userProperties"])
    except (ValueError, AttributeError, TypeError) as wrong:
        raise _invalid(f"userProperties or correlationData cannot be read: {wrong}") from wrong
    return found


def _pairs(text: str) -> list[tuple[str, str]]:
    """``[{"name": "value"}, ...]`` as JSON, or that in base64, as it goes over HTTP."""
    raw = text if text.lstrip().startswith("[") else base64.b64decode(text, validate=True).decode()
    return [(str(name), str(value)) for one in json.loads(raw) for name, value in one.items()]


def _paged(name: str, items: list[dict[str, Any]], params: Params, default: int) -> Answer:
    start = int(params.get("nextToken") or 0)
    end = start + int(params.get("maxResults") or default)
    more = {"nextToken": str(end)} if end < len(items) else {}
    return {name: items[start:end], **more}


def _invalid(message: str) -> AwsError:
    return AwsError(400, "InvalidRequestException", message)


def _not_found(message: str) -> AwsError:
    return AwsError(404, "ResourceNotFoundException", message)
