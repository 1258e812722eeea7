import json
import os
import time
from typing import Any

import boto3
from model import tokens

TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE"])
PATIENCE_S = int(os.environ["PATIENCE_MS"]) / 1000  # how long a request waits for news
LOOK_S = 0.333  # each look is a read of the table
EVERY_S = 1.0  # a write for each token would cost more than the token


def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    """POST hands the job to an asynchronous invocation; GET waits until the table has something new of its answer."""
    if "requestContext" not in event:
        return work(**event)
    if event["httpMethod"] == "POST":
        job = event["requestContext"]["requestId"]
        save(job, "", False)
        order = {"job": job, "prompt": json.loads(event["body"])["prompt"]}
        myself = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        boto3.client("lambda").invoke(FunctionName=myself, InvocationType="Event", Payload=json.dumps(order))
        return answer(202, {"job": job})
    seen = int((event["queryStringParameters"] or {}).get("seen", 0))
    end = time.monotonic() + PATIENCE_S
    while True:
        found = TABLE.get_item(Key={"job": event["pathParameters"]["job"]}, ConsistentRead=True).get("Item")
        if found is None:
            return answer(404, {"message": "no such job"})
        if len(found["text"]) > seen or found["done"] or time.monotonic() >= end:
            return answer(200, {"text": found["text"][seen:], "done": found["done"]})
        time.sleep(LOOK_S)


def work(job: str, prompt: str) -> None:
    """Collect the model's answer, and write it down as it grows."""
    text, saved = "", time.monotonic()
    for token in tokens(prompt):
        text += token
        if time.monotonic() - saved >= EVERY_S:
            saved = time.monotonic()
            save(job, text, False)
    save(job, text, True)


def save(job: str, text: str, done: bool) -> None:
    """Write the state of a job."""
    TABLE.put_item(Item={"job": job, "text": text, "done": done})


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """An answer for the API."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
