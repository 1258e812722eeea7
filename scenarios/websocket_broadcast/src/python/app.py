import json
import os
from typing import Any

import boto3
from model import tokens


def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    """Let an asynchronous invocation of this function tell the answer to all who are connected."""
    if "requestContext" not in event:
        return broadcast(**event)
    asked = event["requestContext"]
    job = {
        "endpoint": f"https://{asked['domainName']}/{asked['stage']}",
        "prompt": json.loads(event["body"])["prompt"],
    }
    myself = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    boto3.client("lambda").invoke(FunctionName=myself, InvocationType="Event", Payload=json.dumps(job))
    return {"statusCode": 200}


def broadcast(endpoint: str, prompt: str) -> None:
    """There is no broadcast: each token is a request to @connections for each reader."""
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

    for token in tokens(prompt):
        to_all({"token": token})
    to_all({"done": True})
