"""Who answers what, and errors in the form of the request's protocol."""

import asyncio
import json
from datetime import UTC, date, datetime

import pytest

import sandbox.clock
from sandbox.aws.errors import AwsError
from sandbox.aws.ids import IdSource
from sandbox.context import Sandbox, Settings
from sandbox.front.admin import Admin
from sandbox.front.app import Front
from sandbox.limits import Limits
from sandbox.timeline import Timeline

SIGNED = (
    b"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=0"
)


def answering(name: str):
    async def app(scope, receive, send):
        await receive()
        body = f"{name} {scope['path']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


class Claiming:
    name = "claiming"

    def match(self, address):
        return {"id": "x"} if address.host.startswith("mine.") else None

    async def __call__(self, scope, receive, send):
        await answering("service")(scope, receive, send)


class FakeModel:
    def __init__(self):
        self.pace = {}

    def configure(self, **pace):
        if "rate" in pace and pace["rate"] <= 0:
            raise ValueError("rate must be more than 0")
        self.pace = pace

    async def __call__(self, scope, receive, send):
        await answering("model")(scope, receive, send)


def make(clock, tmp_path) -> tuple[Front, Sandbox]:
    box = Sandbox(Settings(), clock, Limits(date(2026, 1, 1)), Timeline(clock.now), IdSource(0))
    box.model = FakeModel()
    box.control = answering("control")
    box.control.backend = "moto"
    box.services["claiming"] = Claiming()
    (tmp_path / "ca.pem").write_bytes(b"CA")

    async def reset():
        box.timeline.clear()

    return Front(box, box.model, Admin(box, reset, tmp_path / "ca.pem")), box


async def ask(front, path, method="GET", host="localhost", headers=(), body=b"", query=b""):
    sent = []
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", host.encode()), *headers],
    }
    await front(scope, receive, send)
    text = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), text


def run(tmp_path, check):
    async def main(clock):
        front, box = make(clock, tmp_path)
        with clock.in_flight("test"):
            await check(front, box)

    sandbox.clock.run(main, start=datetime(2026, 1, 1, 12, tzinfo=UTC))


def test_service_wins_over_own_pages(tmp_path):
    async def check(front, _):
        _, _, text = await ask(front, "/_sandbox/status", host="mine.example")
        assert text == b"service /_sandbox/status"

    run(tmp_path, check)


class Sharing(Claiming):
    def __init__(self, name, ids):
        self.name = name
        self.ids = ids

    def match(self, address):
        api_id, _, rest = address.host.partition(".")
        return {"api_id": api_id} if rest == "execute-api.example" else None

    async def owns(self, api_id):
        return api_id in self.ids

    async def __call__(self, scope, receive, send):
        await answering(self.name)(scope, receive, send)


@pytest.mark.parametrize(("api_id", "answers"), [("r1", b"rest"), ("h1", b"http"), ("unknown", b"rest")])
def test_of_services_that_share_a_host_the_owner_answers(tmp_path, api_id, answers):
    async def check(front, box):
        box.services["rest"] = Sharing("rest", {"r1"})
        box.services["http"] = Sharing("http", {"h1"})
        _, _, text = await ask(front, "/x", host=f"{api_id}.execute-api.example")
        assert text == answers + b" /x"

    run(tmp_path, check)


def test_model_by_prefix_and_by_host(tmp_path):
    async def check(front, _):
        assert (await ask(front, "/_llm/v1/models"))[2] == b"model /v1/models"
        assert (await ask(front, "/v1/models", host="api.openai.com"))[2] == b"model /v1/models"

    run(tmp_path, check)


def test_answers_carry_the_sandbox_date(tmp_path):
    async def check(front, _):
        _, headers, _ = await ask(front, "/_llm/v1")
        assert headers[b"date"] == b"Thu, 01 Jan 2026 12:00:00 GMT"

    run(tmp_path, check)


def test_unsigned_api_call_is_refused(tmp_path):
    async def check(front, _):
        status, headers, text = await ask(front, "/2015-03-31/functions", headers=[(b"accept", b"*/*")])
        assert status == 403
        assert headers[b"x-amzn-errortype"] == b"MissingAuthenticationTokenException"
        assert json.loads(text) == {"message": "Missing Authentication Token"}

    run(tmp_path, check)


@pytest.mark.parametrize(
    ("headers", "marker"),
    [
        (
            [(b"content-type", b"application/x-www-form-urlencoded")],
            b"<ErrorResponse><Error><Type>Sender</Type>",
        ),
        ([(b"authorization", SIGNED % b"s3")], b"<Error><Code>"),
        ([(b"content-type", b"application/x-amz-json-1.0")], b'"__type"'),
    ],
)
def test_errors_speak_the_protocol_of_the_request(tmp_path, headers, marker):
    async def failing(scope, receive, send):
        raise AwsError(400, "Broken", "no <good>")

    async def choose(scope):
        return failing

    async def check(front, _):
        front._choose = choose
        status, _, text = await ask(front, "/", method="POST", headers=headers)
        assert status == 400
        assert marker in text
        assert (b"no &lt;good>" in text) or (b"no &lt;good&gt;" in text) or b"no <good>" in text

    run(tmp_path, check)


def test_status_and_timeline(tmp_path):
    async def check(front, box):
        box.timeline.record("client", "completed", "c1", n=1)
        status = json.loads((await ask(front, "/_sandbox/status"))[2])
        assert (status["clock"], status["events"], status["as_of"]) == ("virtual", 1, "2026-01-01")
        page = json.loads((await ask(front, "/_sandbox/timeline", query=b"after=0"))[2])
        assert page["next"] == 1
        assert page["events"][0]["source"] == "client"
        assert (await ask(front, "/_sandbox/timeline", query=b"after=x"))[0] == 400
        assert (await ask(front, "/_sandbox/timeline", query=b"after=%C2%B2"))[0] == 400

    run(tmp_path, check)


def test_advance_moves_the_clock_exactly(tmp_path):
    async def check(front, box):
        status, _, text = await ask(front, "/_sandbox/clock/advance", "POST", body=b'{"seconds": 600}')
        assert (status, json.loads(text)) == (200, {"now": 600.0})

    run(tmp_path, check)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"seconds": "x"}', b'{"seconds": -1}', b'{"seconds": NaN}', b'{"seconds": 1e308}'],
)
def test_advance_refuses_nonsense(tmp_path, body):
    async def check(front, _):
        status, _, text = await ask(front, "/_sandbox/clock/advance", "POST", body=body)
        assert status == 400
        assert json.loads(text)["error"]

    run(tmp_path, check)


def test_model_pace_is_set_or_refused(tmp_path):
    async def check(front, box):
        assert (await ask(front, "/_sandbox/model", "POST", body=b'{"rate": 5}'))[0] == 200
        assert box.model.pace == {"rate": 5}
        status, _, text = await ask(front, "/_sandbox/model", "POST", body=b'{"rate": 0}')
        assert status == 400
        assert b"rate must be more than 0" in text

    run(tmp_path, check)


def test_anomalies_are_set_or_refused(tmp_path):
    async def check(front, box):
        assert (await ask(front, "/_sandbox/anomalies", "POST", body=b'{"duplicates": 0.5}'))[0] == 200
        assert box.anomalies.rules.duplicates == 0.5
        status, _, text = await ask(front, "/_sandbox/anomalies", "POST", body=b'{"duplicates": 2}')
        assert status == 400
        assert b"duplicates is a share from 0 to 1" in text

    run(tmp_path, check)


def test_reset_forgets(tmp_path):
    async def check(front, box):
        box.timeline.record("client", "completed")
        assert (await ask(front, "/_sandbox/reset", "POST"))[0] == 200
        assert len(box.timeline) == 0

    run(tmp_path, check)


def test_unknown_page_and_wrong_method(tmp_path):
    async def check(front, _):
        assert (await ask(front, "/_sandbox/nope"))[0] == 404
        assert (await ask(front, "/_sandbox/reset", "GET"))[0] == 405
        assert (await ask(front, "/_sandbox/ca.pem"))[2] == b"CA"

    run(tmp_path, check)


def test_unclaimed_websocket_is_closed(tmp_path):
    async def check(front, _):
        sent = []

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        scope = {"type": "websocket", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": []}
        await asyncio.wait_for(front(scope, receive, send), 5)
        assert sent[0]["type"] == "websocket.close"

    run(tmp_path, check)
