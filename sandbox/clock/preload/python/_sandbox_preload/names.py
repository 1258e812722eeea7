# mypy: ignore-errors
"""The names of AWS and of the sandbox: connections to them reach the sandbox."""

from _sandbox_preload import hooks


def start(text):
    """``text``: the JSON of ``sandbox/clock/environment.py``."""

    def patch(module):
        import json  # not at start-up: most programs import it anyway, but some none of this

        settings = json.loads(text)
        Names(settings).patch(module)
        if "own" in settings:
            from _sandbox_preload import addresses

            addresses.Addresses(settings["own"]).patch(module)

    hooks.after_import("socket", patch)


class Names:
    """Which names are ours, and where they lead."""

    def __init__(self, settings):
        self._suffixes = tuple(settings.get("suffixes", ()))
        self._exact = frozenset(settings.get("exact", ()))
        self._host = settings.get("host", "127.0.0.1")
        self._ports = {int(port): int(ours) for port, ours in settings.get("ports", {}).items()}

    def ours(self, host):
        """Whether a name leads to the sandbox."""
        if isinstance(host, (bytes, bytearray)):
            host = bytes(host).decode("ascii", "replace")
        if not isinstance(host, str):
            return False
        host = host.rstrip(".").lower()
        return host in self._exact or host.endswith(self._suffixes) if self._suffixes else host in self._exact

    def port(self, port, by_name):
        """The port that a port of such a name leads to; it may be given as a service's name."""
        if isinstance(port, (str, bytes)):
            text = port if isinstance(port, str) else port.decode("ascii")
            port = int(text) if text.isdigit() else by_name(text)
        return self._ports.get(port, port)

    def patch(self, module):
        """Let the functions of ``socket`` that take a name know ours."""
        real_info, real_connect, real_connect_ex = (
            module.getaddrinfo,
            module.socket.connect,
            module.socket.connect_ex,
        )

        def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
            if self.ours(host):
                host, port = self._host, self.port(port, module.getservbyname)
                family = family if family != module.AF_INET6 or ":" in host else 0
            return real_info(host, port, family, type, proto, flags)

        def translated(address):
            if isinstance(address, tuple) and len(address) >= 2 and self.ours(address[0]):
                return (self._host, self.port(address[1], module.getservbyname), *address[2:])
            return address

        def connect(self, address):
            return real_connect(self, translated(address))

        def connect_ex(self, address):
            return real_connect_ex(self, translated(address))

        module.getaddrinfo = getaddrinfo
        module.socket.connect, module.socket.connect_ex = connect, connect_ex
        for name in ("gethostbyname", "gethostbyname_ex"):
            setattr(module, name, self._resolving(getattr(module, name)))

    def _resolving(self, real):
        def resolve(hostname):
            return real(self._host if self.ours(hostname) else hostname)

        resolve.__name__, resolve.__doc__ = real.__name__, real.__doc__
        return resolve
