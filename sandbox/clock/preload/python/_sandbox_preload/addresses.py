# mypy: ignore-errors
"""A container's own network: what it binds gets an address that no other container has.

``0.0.0.0`` and ``::`` become the task's address, ``localhost`` the one that only its own containers reach. Inside,
``localhost`` with one of the task's ports leads to the task.
"""

_EVERY = frozenset(("", "0.0.0.0", "::", "::0"))
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


class Addresses:
    """``settings``: ``{"address": ..., "inner": ..., "ports": [8080], "below": 1024, "shift": 40000}``.

    Ports below ``below``, on which only the administrator may listen, are ``shift`` higher underneath.
    """

    def __init__(self, settings):
        self._address = settings["address"]
        self._inner = settings["inner"]
        self._ports = frozenset(settings.get("ports", ()))
        self._below, self._shift = settings.get("below", 0), settings.get("shift", 0)

    def patch(self, module):
        """Let the class ``socket.socket`` know."""
        real_bind, real_connect, real_connect_ex = (
            module.socket.bind,
            module.socket.connect,
            module.socket.connect_ex,
        )
        inet = (module.AF_INET, module.AF_INET6)

        def own(sock, address, host):
            port = address[1] + self._shift if address[1] < self._below else address[1]
            return (f"::ffff:{host}" if sock.family == module.AF_INET6 else host, port, *address[2:])

        def translated(sock, address):
            internet = sock.family in inet and isinstance(address, tuple) and len(address) >= 2
            if internet and address[0] in _LOOPBACK and address[1] in self._ports:
                return own(sock, address, self._address)
            return address

        def bind(self_, address):
            if self_.family in inet and isinstance(address, tuple) and len(address) >= 2 and address[1]:
                host = address[0]
                if host in _EVERY:
                    address = own(self_, address, self._address)
                elif host in _LOOPBACK:
                    address = own(self_, address, self._inner)
                if address[0].startswith("::ffff:"):
                    self_.setsockopt(module.IPPROTO_IPV6, module.IPV6_V6ONLY, 0)
            return real_bind(self_, address)

        def connect(self_, address):
            return real_connect(self_, translated(self_, address))

        def connect_ex(self_, address):
            return real_connect_ex(self_, translated(self_, address))

        module.socket.bind, module.socket.connect, module.socket.connect_ex = bind, connect, connect_ex
