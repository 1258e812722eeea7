"""Events for a channel, signed with the function's own credentials (botocore comes with the runtime)."""

import json
import os
from collections.abc import Sequence
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.session import Session

ENDPOINT = os.environ["EVENTS_URL"]
CREDENTIALS = Session().get_credentials()
CONNECTIONS = URLLib3Session(verify=os.environ.get("AWS_CA_BUNDLE") or True)  # they are kept


def publish(channel: str, events: Sequence[dict[str, Any]]) -> None:
    """Publish up to five events to a channel; raise ``RuntimeError`` when one of them was not taken."""
    body = json.dumps({"channel": channel, "events": [json.dumps(event) for event in events]}).encode()
    request = AWSRequest("POST", ENDPOINT, data=body, headers={"content-type": "application/json"})
    SigV4Auth(CREDENTIALS, "appsync", os.environ["AWS_REGION"]).add_auth(request)
    answer = CONNECTIONS.send(request.prepare())
    if answer.status_code != 200 or json.loads(answer.content)["failed"]:
        raise RuntimeError(f"AppSync answered {answer.status_code}: {answer.text}")
