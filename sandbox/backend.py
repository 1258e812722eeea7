"""``--backend localstack=URL``, read."""

from __future__ import annotations

from urllib.parse import urlsplit

_FORM = "moto, or localstack=URL such as localstack=http://127.0.0.1:4567"


class BackendError(Exception):
    """A backend that is written wrongly, does not answer, or is something else."""


def parse_backend(text: str) -> str | None:
    """LocalStack's address without a trailing slash; ``None`` for moto. Raises :class:`BackendError`."""
    name, _, url = text.partition("=")
    if name == "moto" and not url:
        return None
    if name != "localstack" or not url:
        raise BackendError(f"a backend is {_FORM}, not {text!r}")
    return parse_url(url)


def parse_url(url: str) -> str:
    """An address of LocalStack without a trailing slash. Raises :class:`BackendError`."""
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    if wrong or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise BackendError(f"LocalStack's address is http(s)://host[:port], not {url!r}")
    return url.rstrip("/")
