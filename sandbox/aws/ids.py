"""Identifiers in AWS's forms from one seeded source, so that two runs of a story give the same ones."""

from __future__ import annotations

import random
import uuid


class IdSource:
    """A seeded stream of identifiers."""

    def __init__(self, seed: int | str = 0) -> None:
        self._random = random.Random(seed)

    def uuid(self) -> str:
        """A request id: a version 4 UUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def text(self, length: int, alphabet: str = "abcdefghijklmnopqrstuvwxyz0123456789") -> str:
        """``length`` characters from ``alphabet``, as API ids and Function URL ids have them."""
        return "".join(self._random.choices(alphabet, k=length))

    def base64(self, length: int) -> str:
        """A padded base64 text of ``length`` characters, as ``x-amz-apigw-id`` has it (``length`` % 4 == 0)."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return self.text(length - 1, letters) + "="

    def hex(self, length: int) -> str:
        """``length`` hexadecimal digits."""
        return self.text(length, "0123456789abcdef")
