"""moto's user pools read an RSA key each when they are made, 0.2 s of arithmetic. Ours sign with keys of their own.

So the key is read when something asks for it.
"""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import Any


class _Key:
    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    @cached_property
    def _read(self) -> Any:
        from joserfc import jwk

        return jwk.RSAKey.import_key(*self._arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)


def adopt() -> None:
    """Let moto's user pools wait with their keys. Once for a process is enough; again does no harm."""
    import moto.cognitoidp.models

    models: Any = moto.cognitoidp.models
    models.jwk = SimpleNamespace(RSAKey=SimpleNamespace(import_key=_Key))
