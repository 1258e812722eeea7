import base64
import hmac
import json
import os
from typing import Any

from model import tokens


def handler(event: dict[str, Any], stream: Any) -> None:
    """Stream the answer as server-sent events: one event a token, then [DONE]."""
    if not authorized(event):
        stream.start(401, {"content-type": "application/json", "cache-control": "no-store"})
        stream.write(json.dumps({"message": "Unauthorized"}))
        return
    prompt = json.loads(body_of(event))["prompt"]
    stream.start(200, {"content-type": "text/event-stream", "cache-control": "no-store"})
    for token in tokens(prompt):
        stream.write(f"data: {json.dumps({'token': token})}\n\n")
    stream.write("data: [DONE]\n\n")


def body_of(event: dict[str, Any]) -> str:
    """The request's body as text."""
    return base64.b64decode(event["body"]).decode() if event.get("isBase64Encoded") else event["body"]


def authorized(event: dict[str, Any]) -> bool:
    """Whether the caller knows the token.

    The method itself is open (AuthorizationType NONE), so this check is all that stands between the world and the
    model's bill. A REST API hands on header names in whatever case they came.
    """
    headers = {name.lower(): value for name, value in event["headers"].items()}
    sent = headers.get("authorization", "")
    return hmac.compare_digest(sent.encode(), f"Bearer {os.environ['CHAT_TOKEN']}".encode())
