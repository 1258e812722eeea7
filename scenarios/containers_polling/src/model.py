"""The model, over the OpenAI Chat Completions protocol, token by token."""

import json
import os
import urllib.request
from collections.abc import Iterator

BASE_URL = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
API_KEY = os.environ.get("OPENAI_API_KEY", "")
SILENCE = 120  # seconds without a byte from the model after which a thread is not held any longer
MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o-mini")


def tokens(prompt: str) -> Iterator[str]:
    """Yield the pieces of the answer to a prompt as the model makes them."""
    asked = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(
        f"{BASE_URL}/chat/completions",
        data=json.dumps(asked).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {API_KEY}"},
    )
    with urllib.request.urlopen(request, timeout=SILENCE) as response:
        for line in response:
            data = line.decode().strip().removeprefix("data: ")
            if data == "[DONE]":
                return
            choices = json.loads(data)["choices"] if data else []
            token = choices[0]["delta"].get("content") if choices else None
            if token:
                yield token
    raise RuntimeError("the model's stream ended before [DONE]")
