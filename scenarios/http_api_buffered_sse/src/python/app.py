import json
from typing import Any

from model import tokens


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look like streaming and be none: the events are collected, and leave when the handler returns."""
    prompt = json.loads(event["body"])["prompt"]
    events = [f"data: {json.dumps({'token': token})}\n\n" for token in tokens(prompt)]
    return {
        "statusCode": 200,
        "headers": {"content-type": "text/event-stream"},
        "body": "".join([*events, "data: [DONE]\n\n"]),
    }
