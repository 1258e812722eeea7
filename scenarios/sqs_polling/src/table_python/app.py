import json
import os
import time
from typing import Any

import boto3
from model import tokens

TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE"])
EVERY_S = 1.0  # a write for each token would cost more than the token


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """POST queues a job; GET tells what the table has of its answer."""
    if event["httpMethod"] == "POST":
        job = event["requestContext"]["requestId"]
        save(job, "", False)
        order = {"job": job, "prompt": json.loads(event["body"])["prompt"]}
        boto3.client("sqs").send_message(QueueUrl=os.environ["JOBS"], MessageBody=json.dumps(order))
        return answer(202, {"job": job})
    found = TABLE.get_item(Key={"job": event["pathParameters"]["job"]}, ConsistentRead=True).get("Item")
    if found is None:
        return answer(404, {"message": "no such job"})
    seen = int((event["queryStringParameters"] or {}).get("seen", 0))
    return answer(200, {"text": found["text"][seen:], "done": found["done"]})


def worker(event: dict[str, Any], context: Any) -> None:
    """Work on jobs, and write their answers down as they grow."""
    for record in event["Records"]:
        work(**json.loads(record["body"]))


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
