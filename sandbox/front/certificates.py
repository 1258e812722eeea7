"""TLS for every name: a local certificate authority and a certificate for each name that a client asks for (SNI)."""

from __future__ import annotations

import fcntl
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import certifi

if TYPE_CHECKING:
    import trustme

OWN_NAMES = ("localhost", "*.localhost", "127.0.0.1", "::1")


class Certificates:
    """Keeps the authority in a folder, so that who trusts it once trusts the next sandbox too.

    ``ca.pem`` is the authority's certificate, ``ca-bundle.pem`` the public authorities' and it: a program that
    takes only one file (``SSL_CERT_FILE``, ``AWS_CA_BUNDLE``) can still reach the world.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = folder / "ca.key"
        self.ca = folder / "ca.pem"
        self.bundle = folder / "ca-bundle.pem"
        self._authority: trustme.CA | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}

    def prepare(self) -> None:
        """Make the authority unless it is there. Two sandboxes that start at once make one."""
        if self._complete():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._complete():
                self._make()

    def _complete(self) -> bool:
        return self._key.exists() and self.ca.exists() and self.bundle.exists()

    def _make(self) -> None:
        import trustme

        authority = trustme.CA(organization_name="Streaming sandbox", organization_unit_name="local only")
        self._key.touch(mode=0o600)
        self._key.write_bytes(authority.private_key_pem.bytes())
        self.ca.write_bytes(authority.cert_pem.bytes())
        whole = Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes()
        unfinished = self.bundle.with_suffix(".new")
        unfinished.write_bytes(whole)
        unfinished.replace(self.bundle)  # the last file to appear, at once: then all are there

    def server_context(self) -> ssl.SSLContext:
        """A context for any connection; it changes to the asked name's certificate in the handshake."""
        context = self._context(OWN_NAMES)
        context.sni_callback = self._named
        return context

    def _named(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        if name and name != "localhost":
            try:
                connection.context = self._context((name,))
            except ValueError:  # no certificate can carry it
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None

    def _context(self, names: tuple[str, ...]) -> ssl.SSLContext:
        if names[0] not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._load().issue_cert(*names).configure_cert(context)
            context.set_alpn_protocols(["h2", "http/1.1"])
            self._contexts[names[0]] = context
        return self._contexts[names[0]]

    def _load(self) -> trustme.CA:
        if self._authority is None:
            import trustme

            self._authority = trustme.CA.from_pem(self.ca.read_bytes(), self._key.read_bytes())
        return self._authority
