import json
import os
from typing import Any

import boto3
from model import tokens


def handler(event: dict[str, Any], context: Any) -> None:
    """There is no broadcast: each token is a request to @connections for each reader."""
    endpoint = f"https://{event['domainName']}/{event['stage']}"
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
    found = boto3.client("dynamodb").scan(TableName=os.environ["TABLE"], ConsistentRead=True)
    readers = {item["id"]["S"] for item in found["Items"]}

    def to_all(message: dict[str, Any]) -> None:
        data = json.dumps(message).encode()
        for reader in list(readers):
            try:
                connections.post_to_connection(ConnectionId=reader, Data=data)
            except connections.exceptions.GoneException:
                readers.discard(reader)

    for token in tokens(event["prompt"]):
        to_all({"token": token})
    to_all({"done": True})
