import os
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

from appsync import mutate
from model import tokens

BATCH_S = int(os.environ["BATCH_MS"]) / 1000  # a mutation costs as much for ten tokens as for one
SAY = """mutation Say($room: ID!, $index: Int!, $text: String!, $done: Boolean) {
  say(room: $room, index: $index, text: $text, done: $done) { room index text done sources }
}"""


def handler(event: dict[str, Any], context: Any) -> None:
    """Ask the model and say what it says, batch by batch, to everybody in the room."""
    index = 0
    for batch in batches(tokens(event["prompt"])):
        mutate(SAY, {"room": event["room"], "index": index, "text": batch, "done": False})
        index += 1
    mutate(SAY, {"room": event["room"], "index": index, "text": "", "done": True})


def batches(pieces: Iterator[str]) -> Iterator[str]:
    """Yield what has come of the pieces each BATCH_S seconds, as one text."""
    came: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=read, args=(pieces, came), daemon=True).start()
    text, due = "", None
    while True:
        try:
            piece = came.get(timeout=None if due is None else max(0.0, due - time.monotonic()))
        except queue.Empty:
            yield text
            text, due = "", None
            continue
        if not isinstance(piece, str):
            if text:
                yield text
            if piece is not None:
                raise piece
            return
        text += piece
        due = due or time.monotonic() + BATCH_S


def read(pieces: Iterator[str], came: "queue.Queue[Any]") -> None:
    try:
        for piece in pieces:
            came.put(piece)
    except Exception as error:
        came.put(error)
    else:
        came.put(None)
