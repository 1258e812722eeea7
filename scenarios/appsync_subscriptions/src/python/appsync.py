"""Mutations, signed with the function's own credentials (botocore comes with the runtime)."""

import json
import os
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.session import Session

ENDPOINT = os.environ["GRAPHQL_URL"]
CREDENTIALS = Session().get_credentials()
CONNECTIONS = URLLib3Session(verify=os.environ.get("AWS_CA_BUNDLE") or True)  # they are kept


def mutate(query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Run a mutation and give its ``data``; raise ``RuntimeError`` when the answer has errors."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = AWSRequest("POST", ENDPOINT, data=body, headers={"content-type": "application/json"})
    SigV4Auth(CREDENTIALS, "appsync", os.environ["AWS_REGION"]).add_auth(request)
    answer = CONNECTIONS.send(request.prepare())
    document = json.loads(answer.content)
    if answer.status_code != 200 or document.get("errors"):
        raise RuntimeError(f"AppSync answered {answer.status_code}: {answer.text}")
    data: dict[str, Any] = document["data"]
    return data
