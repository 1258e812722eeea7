import json
import os
from typing import Any

import boto3
from model import tokens

SQS = boto3.client("sqs")
JOBS, ANSWERS = os.environ["JOBS"], os.environ["ANSWERS"]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """POST queues a job; GET takes a message from the queue of answers and hopes that it is the right one."""
    if event["httpMethod"] == "POST":
        job = event["requestContext"]["requestId"]
        order = {"job": job, "prompt": json.loads(event["body"])["prompt"]}
        SQS.send_message(QueueUrl=JOBS, MessageBody=json.dumps(order))
        return answer(202, {"job": job})
    for message in SQS.receive_message(QueueUrl=ANSWERS).get("Messages", []):
        found = json.loads(message["Body"])
        if found["job"] == event["pathParameters"]["job"]:
            SQS.delete_message(QueueUrl=ANSWERS, ReceiptHandle=message["ReceiptHandle"])
            return answer(200, {"text": found["text"], "done": True})
        # Somebody else's: it stays hidden from its owner, too, until its visibility timeout ends.
    return answer(200, {"text": "", "done": False})


def worker(event: dict[str, Any], context: Any) -> None:
    """Work on jobs, and queue their whole answers."""
    for record in event["Records"]:
        order = json.loads(record["body"])
        text = "".join(tokens(order["prompt"]))
        SQS.send_message(QueueUrl=ANSWERS, MessageBody=json.dumps({"job": order["job"], "text": text}))


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """An answer for the API."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
