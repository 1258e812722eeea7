"""A stage's cache: answers of integrations, kept for their method's TTL on the sandbox's time.

Source: API Gateway developer guide, "Cache settings for REST APIs in API Gateway", and botocore (``Integration``:
``cacheNamespace``, ``cacheKeyParameters``; ``MethodSetting``). Cached is what the integration answered, whatever its
status; an answer is found again by deployment, namespace (the resource, unless told otherwise), HTTP method and the
values of the key parameters, so without any of these all requests of a method get the same one. The warning's words
are as one public project has them, those of the 403 are UNSOURCED, as is that the HTTP method is a part of the key.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.auth import ANONYMOUS, authorize
from sandbox.services.api_rest import policies
from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.gateway_response import error
from sandbox.services.api_rest.mapping import source
from sandbox.services.api_rest.method_settings import setting_of

LARGEST = 1_048_576  # bytes of a body; the guide's "maximum size of a response that can be cached"
DEFAULT_TTL_S = 300
WARNING = ("Warning", "199 Cache-control headers were ignored because the caller was unauthorized.")
INVALIDATE = "execute-api:InvalidateCache"
Key = tuple[Any, ...]


@dataclass(slots=True)
class _Store:
    """What is kept of one stage, the longest unused first. ``size``: bytes of bodies."""

    epoch: int
    answers: OrderedDict[Key, tuple[float, Answer]] = field(default_factory=OrderedDict)
    size: int = 0

    def put(self, key: Key, until: float, answer: Answer, most: int) -> None:
        """Keep an answer; what was not used for long makes room for it."""
        self.drop(key)
        self.answers[key] = (until, answer)
        self.size += len(answer.body)
        while self.size > most:
            self.drop(next(iter(self.answers)))

    def drop(self, key: Key) -> None:
        """Forget an answer."""
        if key in self.answers:
            self.size -= len(self.answers.pop(key)[1].body)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A request that may be answered from a cache. ``fresh``: its client wants a new answer and may have it."""

    key: Key
    ttl: float
    fresh: bool
    warns: bool


class Caches:
    """The caches of all stages."""

    def __init__(self) -> None:
        self._stages: dict[tuple[str, str], _Store] = {}

    def find(self, call: Call) -> tuple[Lookup | None, Answer | None]:
        """How the request is looked up, and the answer that is kept. Raises the 403 of who may not invalidate."""
        lookup = _lookup(call)
        if lookup is None or lookup.fresh:
            return lookup, None
        store = self._store(call)
        until, answer = store.answers.get(lookup.key, (0.0, None))
        if answer is None or call.sandbox.clock.now() >= until:
            return lookup, None
        store.answers.move_to_end(lookup.key)
        return lookup, answer

    def keep(self, call: Call, lookup: Lookup, answer: Answer) -> None:
        """Keep a new answer."""
        if len(answer.body) <= LARGEST and call.api.cache is not None:
            until = call.sandbox.clock.now() + lookup.ttl
            self._store(call).put(lookup.key, until, answer, call.api.cache.size)

    def _store(self, call: Call) -> _Store:
        assert call.api.cache is not None
        where, epoch = (call.api_id, call.stage), call.api.cache.epoch
        store = self._stages.get(where)
        if store is None or store.epoch != epoch:
            store = self._stages[where] = _Store(epoch)
        return store


def _lookup(call: Call) -> Lookup | None:
    """``None``: the method's answers are not cached."""
    if call.api.cache is None or call.integration.transfer_mode == "STREAM":  # streams never are (fact 1.25)
        return None
    setting, own = setting_of(call)
    # A setting for all methods is for GET only: others are cached when theirs says so.
    if not setting.get("cachingEnabled") or not (own or call.http_method == "GET"):
        return None
    ttl = float(setting.get("cacheTtlInSeconds", DEFAULT_TTL_S))
    if ttl <= 0:
        return None
    fresh, warns = _invalidates(call, setting)
    return Lookup(_key(call), ttl, fresh, warns)


def _key(call: Call) -> Key:
    integration = call.integration
    values = []
    for name in integration.cache_key_parameters:
        expression = integration.request_parameters.get(name, name)
        known = expression.startswith("method.request.")
        values.append((name, tuple(source(call, expression)) if known else ()))
    namespace = integration.cache_namespace or call.resource.id
    return (call.api.deployment_id, namespace, call.http_method, tuple(values))


def _invalidates(call: Call, setting: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the client gets a new answer, and whether it is warned that it does not."""
    directives = {part.strip().lower() for part in (call.header("cache-control") or "").split(",")}
    if "max-age=0" not in directives:
        return False, False
    if not setting.get("requireAuthorizationForCacheControl", True) or _may_invalidate(call):
        return True, False
    strategy = setting.get("unauthorizedCacheControlHeaderStrategy", "SUCCEED_WITH_RESPONSE_HEADER")
    if strategy == "FAIL_WITH_403":
        raise error("ACCESS_DENIED", "Unauthorized", reason=f"the client may not {INVALIDATE}")
    return False, strategy == "SUCCEED_WITH_RESPONSE_HEADER"


def _may_invalidate(call: Call) -> bool:
    return authorize(
        call.principal or ANONYMOUS,
        INVALIDATE,
        call.arn(call.path),
        resource_policy=policies.statements(call.api.policy or {}),
        context=policies.context_of(call),
    )
