import json
import threading
import time
from typing import Any

from model import tokens

JOBS: dict[str, dict[str, Any]] = {}  # as long as this execution environment lives, and no other one sees it


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """POST starts a job and answers at once; GET tells what there is of its answer so far."""
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
    time.sleep(0.05)  # only while a request runs does the work go on
    seen = int((event["queryStringParameters"] or {}).get("seen", 0))
    return answer(200, {"text": found["text"][seen:], "done": found["done"]})


def work(job: str, prompt: str) -> None:
    """Collect the model's answer in the background."""
    for token in tokens(prompt):
        JOBS[job]["text"] += token
    JOBS[job]["done"] = True
    print("the job is done")


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """An answer for the API."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
