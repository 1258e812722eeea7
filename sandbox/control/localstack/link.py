"""HTTP to LocalStack: a request of the sandbox's as LocalStack should see it, and its answer.

Requests wait in threads, with the machine's own deadlines. On the virtual clock a busy thread holds time, so a call
costs none of it, and a LocalStack that hangs is still found out.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox.aws.errors import AwsError
from sandbox.backend import BackendError
from sandbox.control.message import Request, Response

if TYPE_CHECKING:
    import httpx

PATIENCE_S = 120.0  # a service's first call may install a program
THREADS = 128  # long polls of 20 s keep one each
_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "server", "date")
)
_OURS = frozenset(
    ("authorization", "x-amz-security-token", "host", "content-length", "expect", "x-amz-date", "date")
)
_SIGNATURE = frozenset(
    ("AWSAccessKeyId", "Signature", "Expires")
)  # of Signature Version 2, in a presigned URL


class Link:
    """Requests to one LocalStack. ``account``: whose resources they mean."""

    def __init__(self, url: str, account: str) -> None:
        self.url = url
        self._netloc = urlsplit(url).netloc
        self._account = account
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="localstack")
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Leave; calls under way are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    async def send(
        self, request: Request, signing: str, region: str, *, patience_s: float = PATIENCE_S
    ) -> Response:
        """LocalStack's answer. Raises :class:`BackendError` when it gives none."""
        signed = signed_by_us(request, self._account, signing, region)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._exchange, signed, patience_s)

    async def ask(self, request: Request, signing: str, region: str) -> Response:
        """The same for a client: without an answer an ``AwsError`` 503 says why."""
        try:
            return await self.send(request, signing, region)
        except BackendError as error:
            raise AwsError(503, "ServiceUnavailable", str(error)) from error

    def _exchange(self, request: Request, patience_s: float) -> Response:
        import httpx

        if self._client is None:
            self._client = httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=THREADS))
        target = request.path + (f"?{request.query}" if request.query else "")
        given = self._client.build_request(
            request.method,
            self.url,
            headers=[
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in (*request.headers, ("Host", self._netloc))
            ],
            content=request.body or None,
            timeout=httpx.Timeout(patience_s, connect=5),
            extensions={"target": target.encode("latin-1")},  # as the client wrote it, byte by byte
        )
        try:
            answer = self._client.send(given, stream=True)
            body = b"".join(answer.iter_raw())
        except httpx.TimeoutException as error:
            raise BackendError(f"LocalStack at {self.url} did not answer within {patience_s:g} s.") from error
        except httpx.HTTPError as error:
            raise BackendError(f"LocalStack at {self.url} does not answer: {_plain(error)}.") from error
        return Response(answer.status_code, _kept(answer.headers.multi_items(), body), body)


def _plain(error: Exception) -> str:
    """What went wrong, without the machine's number for it."""
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".")


def _kept(headers: list[tuple[str, str]], body: bytes) -> tuple[tuple[str, str], ...]:
    """What goes on to the client. An answer to HEAD tells the length of what it leaves out."""
    leave_out = _HOP_BY_HOP | {"content-length"} if body else _HOP_BY_HOP
    return tuple((name, value) for name, value in headers if name.lower() not in leave_out)


def signed_by_us(request: Request, account: str, signing: str, region: str) -> Request:
    """The request with LocalStack's kind of signature in place of the client's, which the front has checked.

    LocalStack reads service, Region and account from the credential scope (an access key of twelve digits is an
    account) and verifies none of it, except for presigned S3 URLs: those become ordinary requests.
    """
    query, more = _without_presigning(request.query)
    scope = f"{account}/20260101/{region}/{signing}/aws4_request"
    headers = [(name, value) for name, value in request.headers if name.lower() not in _OURS]
    headers += more
    if not any(name.lower() == "accept-encoding" for name, _ in headers):
        headers.append(("Accept-Encoding", "identity"))
    headers.append(("X-Amz-Date", "20260101T000000Z"))
    headers.append(
        ("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}")
    )
    return Request(request.method, request.host, request.path, query, tuple(headers), request.body)


def _without_presigning(query: str) -> tuple[str, list[tuple[str, str]]]:
    """The query without a signature; what a signer moved from the headers into it goes back."""
    two = "AWSAccessKeyId=" in query and "Signature=" in query
    if "X-Amz-Signature=" not in query and not two:
        return query, []
    kept, headers = [], []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.startswith("x-amz-"):
            headers.append((name, value))
        elif not name.startswith("X-Amz-") and name not in _SIGNATURE:
            kept.append((name, value))
    return urlencode(kept), headers
