"""TLS towards the world, for HTTP clients of ours."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def public_authorities(alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """A context that trusts the public authorities, as httpx makes one for each client: reading them takes 24 ms.

    ``alpn``: for what it is used; clients write the protocols that they offer into their context.
    """
    import certifi

    return ssl.create_default_context(cafile=certifi.where())
