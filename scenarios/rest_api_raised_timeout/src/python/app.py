import json
from typing import Any

from model import tokens


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Collect the whole answer: a buffered REST API takes nothing else."""
    prompt = json.loads(event["body"])["prompt"]
    answer = "".join(tokens(prompt))
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"answer": answer}),
    }
