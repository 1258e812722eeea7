"""Bedrock's runtime on the sandbox's port: signed, over HTTP/1.1 and HTTP/2, by its hosts, and only for who may."""

from __future__ import annotations

import json
import socket
from typing import Any

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded

HELLO: Any = [{"role": "user", "content": [{"text": "Hello"}]}]
MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
PATH = f"/model/{MODEL.replace(':', '%3A')}/converse-stream"


@pytest.fixture
def bedrock(sandbox: Any) -> Any:
    sandbox.model.configure(profile="instant")
    return sandbox.client("bedrock-runtime")


@pytest.mark.fact("10.1")
def test_boto3_converses(bedrock: Any) -> None:
    whole = bedrock.converse(modelId=MODEL, messages=HELLO)
    events = list(bedrock.converse_stream(modelId=MODEL, messages=HELLO)["stream"])
    assert events[0] == {"messageStart": {"role": "assistant"}}
    said = "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)
    assert said == whole["output"]["message"]["content"][0]["text"]


@pytest.mark.fact("10.2")
def test_boto3_invokes(bedrock: Any) -> None:
    said = [{"role": "user", "content": "x"}]
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": said})
    stream = bedrock.invoke_model_with_response_stream(modelId=MODEL, body=body)["body"]
    kinds = [json.loads(event["chunk"]["bytes"])["type"] for event in stream]
    assert kinds[0] == "message_start"
    assert kinds.count("content_block_delta") == 9


def signed(sandbox: Any, host: str, key: str = "test", secret: str = "test") -> dict[str, str]:
    """Headers of a signed ConverseStream to a host of AWS's."""
    request = AWSRequest("POST", f"https://{host}{PATH}", {"content-type": "application/json"}, BODY)
    SigV4Auth(Credentials(key, secret), "bedrock", sandbox.region).add_auth(request)
    return {**dict(request.headers), "host": host}


BODY = json.dumps({"messages": HELLO}).encode()


@pytest.mark.parametrize("http2", [False, True])
def test_by_its_own_host_and_with_prior_knowledge_of_http_2(sandbox: Any, bedrock: Any, http2: bool) -> None:
    host = f"bedrock-runtime.{sandbox.region}.amazonaws.com"
    with httpx.Client(http1=not http2, http2=http2, trust_env=False) as client:
        headers = signed(sandbox, host)
        answer = client.post(sandbox.endpoint + PATH, headers=headers, content=BODY)
        assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
        assert answer.status_code == 200, answer.text
        buffer = EventStreamBuffer()
        buffer.add_data(answer.content)
        kinds = [event.headers[":event-type"] for event in buffer]
        assert (kinds[0], kinds[-1]) == ("messageStart", "metadata")
        headers["Authorization"] = headers["Authorization"][:-1] + "g"
        refused = client.post(sandbox.endpoint + PATH, headers=headers, content=BODY)
    assert refused.status_code == 403
    assert refused.headers["x-amzn-errortype"] in (
        "InvalidSignatureException",
        "IncompleteSignatureException",
    )


def test_unsigned_is_refused_at_its_host(sandbox: Any, bedrock: Any) -> None:
    host = {"host": f"bedrock-runtime.{sandbox.region}.amazonaws.com"}
    answer = httpx.post(sandbox.endpoint + PATH, headers=host, content=BODY, trust_env=False)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (
        403,
        "MissingAuthenticationTokenException",
    )


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("bedrock-mantle.us-east-1.api.aws", "/openai/v1/chat/completions"),
        ("bedrock-mantle.us-east-1.api.aws", "/v1/chat/completions"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "/openai/v1/chat/completions"),
        ("bedrock-mantle.us-east-1.api.aws", "/anthropic/v1/messages"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "/anthropic/v1/messages"),
        ("api.anthropic.com", "/v1/messages"),
    ],
)
@pytest.mark.fact("10.8", "10.9")
def test_other_apis_by_host_and_key(sandbox: Any, bedrock: Any, host: str, path: str) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    headers = {"host": host, "authorization": "Bearer bedrock-api-key-x"}
    answer = httpx.post(sandbox.endpoint + path, headers=headers, json=body, trust_env=False)
    assert answer.status_code == 200
    assert answer.json().get("object" if "chat" in path else "type") in ("chat.completion", "message")


@pytest.mark.fact("10.5")
def test_user_needs_the_action_of_the_operation(sandbox: Any, bedrock: Any) -> None:
    iam = sandbox.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    session = boto3.session.Session()
    client = session.client(
        "bedrock-runtime",
        endpoint_url=sandbox.endpoint,
        region_name=sandbox.region,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )

    def allow(action: str) -> None:
        resource = "arn:aws:bedrock:*::foundation-model/anthropic.*"
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=document)

    allow("bedrock:InvokeModel")
    assert client.converse(modelId=MODEL, messages=HELLO)["stopReason"] == "end_turn"
    with pytest.raises(
        ClientError, match=r"not authorized to perform: bedrock:InvokeModelWithResponseStream"
    ):
        client.converse_stream(modelId=MODEL, messages=HELLO)
    allow("bedrock:InvokeModelWithResponseStream")
    assert list(client.converse_stream(modelId=MODEL, messages=HELLO)["stream"])
    with pytest.raises(ClientError, match="AccessDenied"):
        client.converse_stream(modelId="amazon.nova-lite-v1:0", messages=HELLO)


def test_signature_over_the_authority_of_http_2(sandbox: Any, bedrock: Any) -> None:
    """As the AWS SDK for JavaScript signs it: ``:authority`` in the place of ``host``."""

    class ByAuthority(SigV4Auth):
        def headers_to_sign(self, request: Any) -> Any:
            found = super().headers_to_sign(request)
            host = found["host"]
            del found["host"]
            found[":authority"] = host
            return found

    host = f"bedrock-runtime.{sandbox.region}.amazonaws.com"
    request = AWSRequest("POST", f"https://{host}{PATH}", {"content-type": "application/json"}, BODY)
    ByAuthority(Credentials("test", "test"), "bedrock", sandbox.region).add_auth(request)
    headers = {**dict(request.headers), "host": host}
    assert "SignedHeaders=:authority;" in headers["Authorization"]
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        answer = client.post(sandbox.endpoint + PATH, headers=headers, content=BODY)
    assert answer.status_code == 200, answer.text


def test_stream_goes_on_after_the_client_says_that_it_will_ask_nothing_more(
    sandbox: Any, bedrock: Any
) -> None:
    """The AWS SDK for JavaScript sends GOAWAY once an event stream's headers are there, and reads on."""
    sandbox.model.configure(profile="fast")
    host, port = sandbox.endpoint.removeprefix("http://").split(":")
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}).encode()
    h2 = H2Connection()
    h2.initiate_connection()
    fields = {":method": "POST", ":scheme": "http", ":authority": f"{host}:{port}"}
    h2.send_headers(1, [*fields.items(), (":path", "/_llm/v1/chat/completions")])
    h2.send_data(1, body, end_stream=True)
    goaway = b"\x00\x00\x08\x07\x00" + bytes(12)
    data = b""
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(h2.data_to_send())
        ended = False
        while not ended:
            received = connection.recv(65536)
            assert received, f"closed after {data!r}"
            for event in h2.receive_data(received):
                if isinstance(event, ResponseReceived):
                    connection.sendall(h2.data_to_send() + goaway)
                data += event.data if isinstance(event, DataReceived) else b""
                ended = isinstance(event, StreamEnded)
    assert data.endswith(b"data: [DONE]\n\n")
    assert data.count(b'"delta":{"content"') == 200


def test_a_reset_stream_reaches_the_client_as_a_reset(sandbox: Any) -> None:
    sandbox.model.configure(profile="fast", fault="reset:after=3")
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("POST", sandbox.model.base_url + "/chat/completions", json=body) as answer,
        pytest.raises(httpx.ReadError),
    ):
        answer.read()
    assert (sandbox.model.requests()[0].outcome, sandbox.model.requests()[0].fault) == ("faulted", "reset")


def test_tokens_stop_when_a_client_of_http_2_cancels(sandbox: Any) -> None:
    sandbox.model.configure(profile="slow")
    host, port = sandbox.endpoint.removeprefix("http://").split(":")
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}).encode()
    h2 = H2Connection()
    h2.initiate_connection()
    fields = {":method": "POST", ":scheme": "http", ":authority": f"{host}:{port}"}
    h2.send_headers(1, [*fields.items(), (":path", "/_llm/v1/chat/completions")])
    h2.send_data(1, body, end_stream=True)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(h2.data_to_send())
        data = b""
        while data.count(b'"delta":{"content"') < 5:
            for event in h2.receive_data(connection.recv(65536)):
                data += event.data if isinstance(event, DataReceived) else b""
        h2.reset_stream(1)
        connection.sendall(h2.data_to_send())
        for _ in range(100):
            (asked,) = sandbox.model.requests()
            if asked.outcome != "open":
                break
    assert asked.outcome == "client_gone"
    assert 5 <= asked.tokens < 391
