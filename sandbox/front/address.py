"""Where a request wants to go: host style and path style undone to AWS's own host names.

Host style is AWS's (``<id>.execute-api.<region>.amazonaws.com``) or ends in ``.localhost``. Path style is for
programs whose resolver does not know ``*.localhost``: ``/_aws/<kind>/<id>/...``.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.aws.errors import AwsError
from sandbox.context import Address, Scope

PREFIX = "/_aws/"
# kind in the path -> AWS's host name
HOSTS = {
    "execute-api": "{id}.execute-api.{region}.amazonaws.com",
    "lambda-url": "{id}.lambda-url.{region}.on.aws",
    "appsync": "{id}.appsync-api.{region}.amazonaws.com",
    "cognito": "{id}.auth.{region}.amazoncognito.com",
    "alb": "{id}.{region}.elb.amazonaws.com",
    "apprunner": "{id}.{region}.awsapprunner.com",
    "eks": "{id}.gr7.{region}.eks.amazonaws.com",
    "bedrock-runtime": "bedrock-runtime.{id}.amazonaws.com",
    "bedrock-mantle": "bedrock-mantle.{id}.api.aws",
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """An address, and the raw path that belongs to it (bytes, as ASGI has it)."""

    address: Address
    raw_path: bytes


def resolve(scope: Scope, region: str) -> Resolved:
    """The address of an ASGI request. Raises ``AwsError`` 404 for an unknown path-style kind."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = _without_port(headers.get("host", "") or headers.get(":authority", ""))
    raw = bytes(scope.get("raw_path") or scope["path"].encode())
    path = raw.decode("latin-1")
    if path.startswith(PREFIX):
        host, path = _undo_path_style(path, region)
    method = scope.get("method", "GET")
    query = scope["query_string"].decode("latin-1")
    return Resolved(Address(method, host, path, query, headers), path.encode("latin-1"))


def _without_port(host: str) -> str:
    if host.startswith("["):  # IPv6
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _undo_path_style(path: str, region: str) -> tuple[str, str]:
    kind, _, rest = path[len(PREFIX) :].partition("/")
    id_, slash, rest = rest.partition("/")
    if kind not in HOSTS or not id_:
        known = ", ".join(f"{PREFIX}{name}/<id>/..." for name in HOSTS)
        raise AwsError(404, "NotFoundException", f"{path!r} is no address of the sandbox. It knows {known}.")
    return HOSTS[kind].format(id=id_.lower(), region=region), slash + rest or "/"
