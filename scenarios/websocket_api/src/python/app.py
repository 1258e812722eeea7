import json
from typing import Any

import boto3
from model import tokens


def handler(event: dict[str, Any], context: Any) -> None:
    """One message for each token, then one that says it is the last. Stops when nobody is connected any more."""
    endpoint = f"https://{event['domainName']}/{event['stage']}"
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)

    def send(message: dict[str, Any]) -> None:
        connections.post_to_connection(ConnectionId=event["connectionId"], Data=json.dumps(message).encode())

    try:
        for token in tokens(event["prompt"]):
            send({"token": token})
        send({"done": True})
    except connections.exceptions.GoneException:
        print("the reader is gone")
