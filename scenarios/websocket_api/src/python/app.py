import json
import os
from typing import Any

import boto3
from model import tokens


def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    """Answer a message at once and let a second, asynchronous invocation of this function push the tokens."""
    if "requestContext" not in event:
        return push(**event)
    asked = event["requestContext"]
    job = {
        "connection": asked["connectionId"],
        "endpoint": f"https://{asked['domainName']}/{asked['stage']}",
        "prompt": json.loads(event["body"])["prompt"],
    }
    myself = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    boto3.client("lambda").invoke(FunctionName=myself, InvocationType="Event", Payload=json.dumps(job))
    return {"statusCode": 200}


def push(connection: str, endpoint: str, prompt: str) -> None:
    """One message for each token, then one that says it is the last. Stops when nobody is connected any more."""
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)

    def send(message: dict[str, Any]) -> None:
        connections.post_to_connection(ConnectionId=connection, Data=json.dumps(message).encode())

    try:
        for token in tokens(prompt):
            send({"token": token})
        send({"done": True})
    except connections.exceptions.GoneException:
        print("the reader is gone")
