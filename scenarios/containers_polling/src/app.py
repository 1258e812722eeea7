"""Jobs that clients poll for: Flask behind gunicorn, a thread for each job; the state in memory, or in a table."""

import os
import threading
import time
import uuid
from typing import Any

from flask import Flask, abort, request
from memory import Memory
from model import tokens

app = Flask(__name__)
jobs: Any = Memory()
if os.environ.get("TABLE"):
    from table import Table  # with boto3, which takes longer to import than all the rest

    jobs = Table(os.environ["TABLE"])
LOOK_S = 0.333


@app.get("/health")
def health() -> str:
    """What the load balancer asks."""
    return "ok"


@app.post("/jobs")
def start() -> tuple[dict[str, str], int]:
    """Start a job; the thread goes on after the answer, since a container is not frozen."""
    job = uuid.uuid4().hex
    jobs.save(job, "", False)
    threading.Thread(target=work, args=(job, request.get_json()["prompt"]), daemon=True).start()
    return {"job": job}, 202


def work(job: str, prompt: str) -> None:
    """Collect the model's answer."""
    text = ""
    for token in tokens(prompt):
        text += token
        jobs.grown(job, text)
    jobs.save(job, text, True)


@app.get("/jobs/<job>")
def look(job: str) -> dict[str, Any]:
    """What is new since ``?seen=`` characters; with ``?wait=20`` as soon as there is something, or 20 s later."""
    seen = request.args.get("seen", 0, type=int)
    end = time.monotonic() + request.args.get("wait", 0.0, type=float)
    while True:
        found = jobs.find(job)
        if found is None:
            abort(404)
        text, done = found
        if len(text) > seen or done or time.monotonic() >= end:
            return {"text": text[seen:], "done": done}
        time.sleep(LOOK_S)
