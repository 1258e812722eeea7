"""Mutations, signed with the function's own credentials (botocore comes with the runtime)."""

import json
import os
import urllib.request
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

ENDPOINT = os.environ["GRAPHQL_URL"]
CREDENTIALS = Session().get_credentials()


def mutate(query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Run a mutation and give its ``data``; raise ``RuntimeError`` when the answer has errors."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = AWSRequest("POST", ENDPOINT, data=body, headers={"content-type": "application/json"})
    SigV4Auth(CREDENTIALS, "appsync", os.environ["AWS_REGION"]).add_auth(request)
    sent = urllib.request.Request(ENDPOINT, data=body, headers=dict(request.headers.items()))
    with urllib.request.urlopen(sent) as answer:
        document = json.load(answer)
    if document.get("errors"):
        raise RuntimeError(f"AppSync answered {document['errors']}")
    data: dict[str, Any] = document["data"]
    return data
