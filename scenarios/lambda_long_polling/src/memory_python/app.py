import json
import os
import threading
import time
from typing import Any

from model import tokens

PATIENCE_S = int(os.environ["PATIENCE_MS"]) / 1000  # how long a request waits for news
LOOK_S = 0.1
JOBS: dict[str, dict[str, Any]] = {}  # as long as this execution environment lives, and no other one sees it


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """POST starts a job and answers at once; GET waits until there is something new of its answer."""
    if event["httpMethod"] == "POST":
        job = event["requestContext"]["requestId"]
        JOBS[job] = {"text": "", "done": False}
        prompt = json.loads(event["body"])["prompt"]
        threading.Thread(target=work, args=(job, prompt)).start()  # Lambda freezes it with the response
        time.sleep(0.05)  # or else not even the model's request would leave
        return answer(202, {"job": job})
    found = JOBS.get(event["pathParameters"]["job"])
    if found is None:
        return answer(404, {"message": "no such job"})
    asked = event["queryStringParameters"] or {}
    seen, whole = int(asked.get("seen", 0)), "whole" in asked
    end = time.monotonic() + PATIENCE_S
    while not found["done"] and (whole or len(found["text"]) <= seen) and time.monotonic() < end:
        time.sleep(LOOK_S)
    text = "" if whole and not found["done"] else found["text"][seen:]
    return answer(200, {"text": text, "done": found["done"]})


def work(job: str, prompt: str) -> None:
    """Collect the model's answer in the background."""
    for token in tokens(prompt):
        JOBS[job]["text"] += token
    JOBS[job]["done"] = True


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """An answer for the API."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
