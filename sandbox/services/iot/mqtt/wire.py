"""MQTT's data types as bytes (MQTT 5, 1.5): integers, variable byte integers, UTF-8 texts, binary data."""

from __future__ import annotations

from sandbox.services.iot.mqtt.errors import MqttError

LARGEST_VARIABLE = 268_435_455


class Reader:
    """Reads a packet's body from front to back. Raises :class:`MqttError` when it ends too soon."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self._data = data
        self._at = at
        self._end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return self._end - self._at

    def take(self, size: int) -> bytes:
        """The next bytes."""
        start, self._at = self._at, self._at + size
        if self._at > self._end:
            raise MqttError("the packet ends before what it announces")
        return self._data[start : self._at]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)

    def byte(self) -> int:
        """A byte."""
        return self.take(1)[0]

    def short(self) -> int:
        """Two bytes, big end first."""
        return int.from_bytes(self.take(2), "big")

    def long(self) -> int:
        """Four bytes, big end first."""
        return int.from_bytes(self.take(4), "big")

    def variable(self) -> int:
        """A variable byte integer (1.5.5)."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
            if shift > 21:
                raise MqttError("a variable byte integer has more than four bytes")

    def binary(self) -> bytes:
        """Binary data with its length before it."""
        return self.take(self.short())

    def text(self) -> str:
        """A UTF-8 text; U+0000 and surrogates are malformed (1.5.4)."""
        try:
            found = self.binary().decode()
        except UnicodeDecodeError as error:
            raise MqttError(f"a text is not UTF-8: {error.reason}") from error
        if "\0" in found:
            raise MqttError("a text holds U+0000")
        return found

    def part(self, size: int) -> Reader:
        """A reader of the next bytes."""
        start = self._at
        self.take(size)
        return Reader(self._data, start, self._at)


def variable(value: int) -> bytes:
    """A variable byte integer."""
    if value < 0x80:
        return bytes((value,))
    if value > LARGEST_VARIABLE:
        raise ValueError(f"{value} does not fit into a variable byte integer")
    out = bytearray()
    while value:
        value, byte = value >> 7, value & 0x7F
        out.append(byte | 0x80 if value else byte)
    return bytes(out)


def short(value: int) -> bytes:
    """Two bytes."""
    return value.to_bytes(2, "big")


def binary(value: bytes) -> bytes:
    """Binary data with its length."""
    return len(value).to_bytes(2, "big") + value


def text(value: str) -> bytes:
    """A UTF-8 text with its length."""
    return binary(value.encode())
