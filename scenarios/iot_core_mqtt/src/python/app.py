import json
from typing import Any

import boto3
from model import tokens

iot = boto3.client("iot-data")


def handler(event: dict[str, Any], context: Any) -> None:
    """Publish one message for each token, then one that says it is the last.

    The topic rule hands over what a client published to <place>/<name>/ask-python: {prompt, place, name, qos}.
    """
    topic, qos = f"{event['place']}/{event['name']}/answer", event.get("qos", 0)

    def publish(message: dict[str, Any]) -> None:
        iot.publish(topic=topic, qos=qos, payload=json.dumps(message).encode())

    for token in tokens(event["prompt"]):
        publish({"token": token})
    publish({"done": True})
