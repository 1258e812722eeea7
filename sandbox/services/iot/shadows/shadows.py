"""The shadows of the account in this Region. They need no registered thing, as on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.services.iot.shadows.document import Document, dumped, stamped
from sandbox.services.iot.shadows.requests import Request, ShadowError, requested, token_of, update_of

if TYPE_CHECKING:
    from sandbox.services.iot.broker import Broker
    from sandbox.services.iot.message import Message

Answer = dict[str, Any]


class Shadows:
    """Acts on requests, and publishes what became of them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._kept: dict[tuple[str, str], Document] = {}
        self._deleted: dict[tuple[str, str], tuple[int, float]] = {}  # the last version, and when (loop time)

    def heard(self, message: Message) -> None:
        """A message that may be a request: if it is, it is answered on ``.../accepted`` or ``.../rejected``."""
        request = requested(message.topic)
        if request is None:
            return
        token = token_of(message.payload)
        try:
            answer = self.act(request, message.payload, message.depth)
        except ShadowError as error:
            self._broker.note("shadow_refused", request.thing, shadow=request.shadow, reason=str(error))
            rejected = {"code": error.code, "message": str(error)}
            self._publish(f"{request.topic}/rejected", rejected, token, message.depth)
        else:
            self._publish(f"{request.topic}/accepted", answer, token, message.depth)

    def act(self, request: Request, payload: bytes, depth: int = 0) -> Answer:
        """Do what is asked; the response document, without a client token. Raises :class:`ShadowError`."""
        if request.action == "get":
            return self._get(request)
        return self._delete(request) if request.action == "delete" else self._update(request, payload, depth)

    def found(self, thing: str, shadow: str) -> Answer | None:
        """A shadow's document as a rule gets it; ``None`` when there is none."""
        return self._get(Request(thing, shadow, "get")) if (thing, shadow) in self._kept else None

    def names(self, thing: str) -> list[str]:
        """The named shadows of a thing; the classic one is not among them."""
        return sorted(shadow for one, shadow in self._kept if one == thing and shadow)

    def now_s(self) -> int:
        """The date in documents: seconds since 1970."""
        return int(self._broker.sandbox.clock.epoch())

    def _get(self, request: Request) -> Answer:
        document = self._document(request)
        told = document.shown()
        delta = document.delta()
        if delta is not None:
            told["state"]["delta"] = delta[0]
        return told | {"timestamp": self.now_s()}

    def _delete(self, request: Request) -> Answer:
        version = self._document(request).version
        key = (request.thing, request.shadow)
        del self._kept[key]
        self._deleted[key] = (version, self._broker.loop.time())
        self._note(request, version)
        return {"version": version, "timestamp": self.now_s()}

    def _update(self, request: Request, payload: bytes, depth: int) -> Answer:
        update, key = update_of(payload), (request.thing, request.shadow)
        before = self._kept.get(key) or Document()
        if update.version is not None and update.version != before.version:
            raise ShadowError(409, "Version conflict")
        now = self.now_s()
        after = before.updated(update.state, now, (before.version or self._left(key)) + 1)
        if after.size > int(self._broker.limits.value("iot.shadow.size")):
            raise ShadowError(413, "The payload exceeds the maximum size allowed")
        self._kept[key] = after
        self._note(request, after.version)
        self._tell(request, before, after, token_of(payload), depth)
        return {
            "state": update.state,
            "metadata": stamped_sections(update.state, now),
            "version": after.version,
            "timestamp": now,
        }

    def _tell(
        self, request: Request, before: Document, after: Document, token: str | None, depth: int
    ) -> None:
        """``.../update/delta``, if there is one, and ``.../update/documents``."""
        delta = after.delta()
        if delta is not None:
            told = {
                "version": after.version,
                "timestamp": self.now_s(),
                "state": delta[0],
                "metadata": delta[1],
            }
            self._publish(f"{request.topic}/delta", told, token, depth)
        both = {"previous": before.shown(), "current": after.shown(), "timestamp": self.now_s()}
        self._publish(f"{request.topic}/documents", both, token, depth)

    def _document(self, request: Request) -> Document:
        document = self._kept.get((request.thing, request.shadow))
        if document is None:
            raise request.missing()
        return document

    def _left(self, key: tuple[str, str]) -> int:
        """The version that a deleted shadow had; it is forgotten after a while."""
        version, at = self._deleted.pop(key, (0, 0.0))
        kept = float(self._broker.limits.value("iot.shadow.version_kept"))
        return version if self._broker.loop.time() - at <= kept else 0

    def _publish(self, topic: str, document: Answer, token: str | None, depth: int) -> None:
        told = document if token is None else {**document, "clientToken": token}
        self._broker.publish_own(topic, dumped(told), qos=1, depth=depth)

    def _note(self, request: Request, version: int) -> None:
        what = "shadow_deleted" if request.action == "delete" else "shadow_updated"
        self._broker.note(what, request.thing, shadow=request.shadow, version=version)


def stamped_sections(state: Any, now_s: int) -> Any:
    """The metadata of what a request brought; nulls have their time, too."""
    return {name: stamped(value, now_s) for name, value in (state or {}).items() if value is not None}
