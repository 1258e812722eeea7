"""A server that says what LocalStack says where it matters here, and remembers what it was asked byte by byte."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STS = b"<GetCallerIdentityResponse><Account>000000000000</Account></GetCallerIdentityResponse>"


class Fake(ThreadingHTTPServer):
    """``answers``: (status, headers, body) by (service, operation or path); ``asked``: what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[dict[str, Any]] = []
        self.answers: dict[tuple[str, str], tuple[int, dict[str, str], bytes]] = {
            ("sts", "GetCallerIdentity"): (200, {}, STS)
        }
        self.gone = False  # it ends connections without an answer
        self.health: bytes = json.dumps({"services": {"sqs": "available"}, "version": "4.14.0"}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Fake

    def _answer(self) -> None:
        if self.server.gone:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        scope = re.search(r"Credential=([^,]+)", self.headers.get("authorization", ""))
        service = scope[1].split("/")[3] if scope else ""
        action = re.search(rb"Action=(\w+)", body)
        target = self.headers.get("x-amz-target", "").rpartition(".")[2]
        operation = target or (action[1].decode() if action else self.path)
        if self.path == "/_localstack/health":
            status, headers, content = 200, {}, self.server.health
        else:
            self.server.asked.append(
                {
                    "service": service,
                    "operation": operation,
                    "method": self.command,
                    "target": self.path,
                    "headers": self.headers,
                    "scope": scope[1] if scope else "",
                    "body": body,
                }
            )
            known = self.server.answers.get((service, operation))
            status, headers, content = known or (501, {}, b'{"message": "not included"}')
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.command == "HEAD":
            content = b""
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def fake() -> Iterator[Fake]:
    """One that runs."""
    with Fake() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
