"""A request as it was sent, and where SigV4 put its parameters in it. Nothing here judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

HEADER_ALGORITHM = "AWS4-HMAC-SHA256"
ASYMMETRIC_ALGORITHM = "AWS4-ECDSA-P256-SHA256"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature covers. ``path`` and ``query`` are raw: percent-encoded, just as the client sent them.

    ``headers`` keep order and repetition, names in any case. ``body`` is ``None`` when it was not read: then
    ``x-amz-content-sha256`` is believed.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = b""
    _values: dict[str, list[str]] = field(init=False, repr=False, compare=False)  # by name in lower case

    def __post_init__(self) -> None:
        values: dict[str, list[str]] = {}
        for name, value in self.headers:
            values.setdefault(name.lower(), []).append(value)
        object.__setattr__(self, "_values", values)  # frozen

    @classmethod
    def from_scope(cls, scope: Mapping[str, object], body: bytes | None) -> SignedRequest:
        """From an ASGI scope; ``sent_raw_path``, when a path style was undone, is what the client signed."""
        raw = scope.get("sent_raw_path") or scope.get("raw_path") or str(scope["path"]).encode()
        headers: Iterable[tuple[bytes, bytes]]
        headers = scope.get("sent_headers") or scope["headers"]  # type: ignore[assignment]
        query: bytes = scope.get("query_string", b"")  # type: ignore[assignment]
        assert isinstance(raw, bytes)
        return cls(
            method=str(scope.get("method", "GET")),
            path=raw.partition(b"?")[0].decode("latin-1"),
            query=query.decode("latin-1"),
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in headers),
            body=body,
        )

    def header(self, name: str) -> str | None:
        """All values of a header joined by ``,`` with white space folded as SigV4 wants, or ``None``."""
        values = self._values.get(name)
        if values is None:
            return self.header(":authority") if name == "host" else None  # HTTP/2
        return ",".join(" ".join(value.split()) for value in values)

    def query_pairs(self) -> list[tuple[str, str]]:
        """Name and value of each query parameter, still encoded, in the order sent."""
        pairs = []
        for piece in self.query.split("&"):
            if piece:
                name, _, value = piece.partition("=")
                pairs.append((name, value))
        return pairs

    def query_value(self, name: str) -> str | None:
        """The decoded value of a query parameter, or ``None``. AWS takes ``X-Amz-*`` in any case."""
        for key, value in self.query_pairs():
            if unquote(key).lower() == name.lower():
                # Some clients write the spaces of a form's encoding; a credential never holds a plus sign.
                return unquote_plus(value) if name != "X-Amz-Security-Token" else unquote(value)
        return None


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope of a signature: ``AKID/20260101/us-east-1/lambda/aws4_request``."""

    access_key: str
    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    @classmethod
    def parse(cls, text: str) -> Scope | None:
        """``None`` when the text has not the five parts."""
        parts = text.split("/")
        if len(parts) < 5 or parts[-1] != "aws4_request":
            return None
        return cls("/".join(parts[:-4]), parts[-4], parts[-3], parts[-2])


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature's parameters as found in the header or in the query."""

    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str  # 20260101T120000Z
    token: str | None
    expires_s: int | None  # only in the query: how long the URL is valid


def scope_of(request: SignedRequest) -> Scope | None:
    """Which region and service a request was signed for, not verified; ``None`` for an unsigned request.

    The front uses it to tell the service of a request whose host says nothing (``localhost:4566``).
    """
    text = request.query_value("X-Amz-Credential")
    if text is None:
        header = request.header("authorization") or ""
        _, found, rest = header.partition("Credential=")
        text = rest.split(",")[0].strip() if found else None
    return Scope.parse(text) if text else None
