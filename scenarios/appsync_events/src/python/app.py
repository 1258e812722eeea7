import queue
import threading
from collections.abc import Iterator
from typing import Any

from events import publish
from model import tokens

MOST = 5  # events of one publish


def handler(event: dict[str, Any], context: Any) -> None:
    """Called by the namespace ``prompts-python``: answer each prompt in the channel ``answers/<room>``."""
    channel = f"/answers/{event['info']['channel']['segments'][-1]}"
    for prompt in event["events"]:
        answer(channel, prompt["payload"]["prompt"])


def answer(channel: str, prompt: str) -> None:
    """Say what the model says. Tokens that came while a publish was under way go out together, five at a time."""
    came: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=read, args=(tokens(prompt), came), daemon=True).start()
    index, over = 0, False
    while not over:
        batch = [came.get()]
        while len(batch) < MOST and not came.empty():
            batch.append(came.get())
        over = batch[-1] is None
        said = [{"index": index + n, "text": token} for n, token in enumerate(batch) if token is not None]
        if said:
            publish(channel, said)
        index += len(said)
    publish(channel, [{"index": index, "text": "", "done": True}])


def read(pieces: Iterator[str], came: "queue.Queue[Any]") -> None:
    try:
        for piece in pieces:
            came.put(piece)
    finally:
        came.put(None)
