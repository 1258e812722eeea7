"""MQTT 3.1.1 and 5 as bytes: packets in, packets out, no sockets, no clock.

Own code: of the libraries that could be had under a permissive licence none is an incremental codec for both
versions (``mqttproto`` speaks version 5 only, ``amqtt`` reads its own streams, ``mqtt-codec`` is from 2019).
"""

from sandbox.services.iot.mqtt.decode import Decoder
from sandbox.services.iot.mqtt.encode import encode
from sandbox.services.iot.mqtt.errors import MqttError
from sandbox.services.iot.mqtt.packets import (
    Ack,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Filter,
    Packet,
    Pingreq,
    Pingresp,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)

__all__ = [
    "Ack",
    "Auth",
    "Connack",
    "Connect",
    "Decoder",
    "Disconnect",
    "Filter",
    "MqttError",
    "Packet",
    "Pingreq",
    "Pingresp",
    "Publish",
    "Suback",
    "Subscribe",
    "Unsuback",
    "Unsubscribe",
    "Will",
    "encode",
]
