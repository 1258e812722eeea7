"""A chat as teams deploy it in a container: Flask behind gunicorn, one thread for each answer that is under way."""

import json
import os
import queue
import signal
import threading
import time
import uuid
from collections.abc import Iterator

from flask import Flask, Response, abort, request
from model import tokens

app = Flask(__name__)
sessions: dict[str, list[str]] = {}  # in this task's memory, which no other task sees
if os.environ.get("WEBSOCKETS") == "true":
    from talk import sock

    sock.init_app(app)


@app.get("/health")
def health() -> str:
    """What the load balancer asks."""
    return "ok"


@app.post("/chat")
def chat() -> Response:
    """Server-sent events: one for each token, then ``[DONE]``. ``?heartbeat=20``: a comment after 20 s of silence."""
    prompt = request.get_json()["prompt"]
    seconds = request.args.get("heartbeat", type=float)
    events = spoken(prompt) if seconds is None else kept_alive(prompt, seconds)
    return Response(events, mimetype="text/event-stream", headers={"Cache-Control": "no-cache"})


def spoken(prompt: str) -> Iterator[str]:
    """The events of an answer."""
    for token in tokens(prompt):
        yield f"data: {json.dumps({'token': token})}\n\n"
    yield "data: [DONE]\n\n"


def kept_alive(prompt: str, seconds: float) -> Iterator[str]:
    """The same, read in a thread of its own, with a comment in every silence."""
    events: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for event in spoken(prompt):
            events.put(event)
        events.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            event = events.get(timeout=seconds)
        except queue.Empty:
            yield ": still there\n\n"
            continue
        if event is None:
            return
        yield event


@app.post("/text")
def text() -> Response:
    """Plain text in chunks."""
    return Response(tokens(request.get_json()["prompt"]), mimetype="text/plain")


@app.post("/whole")
def whole() -> dict[str, str]:
    """The answer when it is complete: not a byte before."""
    return {"answer": "".join(tokens(request.get_json()["prompt"]))}


@app.post("/sessions")
def remember() -> dict[str, str]:
    """Keep something for later, in memory."""
    session = uuid.uuid4().hex
    sessions[session] = [request.get_json()["prompt"]]
    return {"session": session}


@app.get("/sessions/<session>")
def recall(session: str) -> dict[str, list[str]]:
    """What was kept; 404 when another task has it."""
    if session not in sessions:
        abort(404)
    return {"said": sessions[session]}


@app.post("/crash")
def crash() -> str:
    """End the container as the kernel does when its memory is used up: the first process is killed."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
    return ""
