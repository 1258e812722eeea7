"""The mock model as an ASGI application: routing, settings, and what is common to all APIs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mock_llm import text
from mock_llm.apis import Api, Handler
from mock_llm.apis.anthropic import Anthropic
from mock_llm.apis.bedrock import Bedrock
from mock_llm.apis.mock import Mock
from mock_llm.apis.openai import OpenAI
from mock_llm.doors import pass_doors
from mock_llm.ledger import Ledger, Request
from mock_llm.profiles import ProfileError
from mock_llm.quota import Quotas
from mock_llm.settings import Overrides, Settings, UnknownModelError
from mock_llm.stream import Observe
from mock_llm.wire import ClientGoneError, Exchange, Receive, RefusedError, Scope, Send, exchange

if TYPE_CHECKING:
    from mock_llm.conversation import Conversation
    from mock_llm.rules import RuleBook

ID_LENGTH = 29
KEY_HEADERS = ("authorization", "x-api-key")


class NoRules:
    """No scripted answers."""

    def find(self, heard: Conversation, api: str, model: str, stream: bool) -> None:
        """None fits."""


NO_RULES = NoRules()


class NoKeyError(Exception):
    """A key is required, and the request has none."""


class MockLLM:
    """An ASGI application. ``observe(event, stream, data)`` is told what happens, when it happens."""

    def __init__(self, settings: Settings, observe: Observe | None = None) -> None:
        self.settings = settings
        self.observe = observe
        self.overrides = Overrides()
        self.apis: tuple[Api, ...] = (
            Mock(),
            Bedrock(),
            Anthropic(),
            OpenAI(),
        )  # the last one claims what nobody else does
        self._exact: dict[str, tuple[Api, Mapping[str, Handler]]] = {}
        self._patterns: list[tuple[re.Pattern[str], Api, Mapping[str, Handler]]] = []
        self.ledger = Ledger()
        self.quotas = Quotas()
        self._asked: Counter[int] = Counter()
        self._add_routes()
        text.words()  # loaded now, not while the first answer is due

    @property
    def requests(self) -> list[Request]:
        """What clients did, oldest first."""
        return list(self.ledger.requests)

    @property
    def rules(self) -> RuleBook | NoRules:
        """The scripted answers in force."""
        return self.overrides.rules or self.settings.rules or NO_RULES

    def reset(self) -> None:
        """Forget what was told and what happened: overrides, requests, quotas spent, and which ids were given."""
        self.configure()
        self.ledger.clear()
        self.quotas = Quotas()
        self._asked.clear()

    def configure(self, **values: Any) -> None:
        """Replace all overrides: ``profile``, ``models``, ``seed``, ``fault``, ``quota``, ``rules`` (a list,
        or a file's path) and keys of a profile; nothing: none.

        Raises :class:`~mock_llm.profiles.ProfileError`; the overrides are then as before.
        """
        self.overrides = Overrides.read(values, self.settings)

    def check_key(self, exchange: Exchange) -> None:
        """Raise :class:`NoKeyError` when keys are required and there is none."""
        if self.settings.require_key and not any(exchange.headers.get(name) for name in KEY_HEADERS):
            raise NoKeyError

    def identity(self, seed: int, prompt: str) -> str:
        """29 letters and digits for the id of an answer.

        They depend on seed, prompt and how often this pair was asked, not on the order of different requests.
        """
        key = text.derive("id", seed, prompt)
        self._asked[key] += 1
        number = text.derive(key, self._asked[key]) << 64 | text.derive(self._asked[key], key) >> 64
        return text.letters(number, ID_LENGTH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._follow(exchange(scope, receive, send))
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})  # before it is accepted: 403

    async def _follow(self, exchange: Exchange) -> None:
        """Answer, and keep account of it unless it is one of the model's own controls."""
        api, handlers = self._find(exchange)
        if isinstance(api, Mock):
            await self._answer(exchange, api, handlers)
            return
        await pass_doors(exchange.loop)
        version = str(exchange.scope.get("http_version", "1.1"))
        args = exchange.method, exchange.path, exchange.headers, version
        request = exchange.request = self.ledger.opened(exchange.started, *args)
        exchange.on_body = self.ledger.read
        try:
            await self._answer(exchange, api, handlers)
        finally:
            self.ledger.closed(request, exchange.loop.time())

    async def _answer(self, exchange: Exchange, api: Api, handlers: Mapping[str, Handler]) -> None:
        try:
            handler = handlers.get(exchange.method)
            if handler is None:
                raise api.no_such_route(exchange, sorted(handlers))
            await handler(self, exchange)
        except ProfileError as error:
            await api.refuse(exchange, RefusedError(400, str(error), code="mock_llm_setting"))
        except UnknownModelError as error:
            await api.refuse(exchange, api.no_such_model(error.model))
        except NoKeyError:
            await api.refuse(exchange, api.no_key())
        except RefusedError as refusal:
            await api.refuse(exchange, refusal)
        except ClientGoneError:
            return

    def _find(self, exchange: Exchange) -> tuple[Api, Mapping[str, Handler]]:
        found = self._exact.get(exchange.path)
        if found:
            return found
        for pattern, api, handlers in self._patterns:
            if match := pattern.fullmatch(exchange.path):
                exchange.params = match.groups()
                return api, handlers
        return next(api for api in self.apis if api.claims(exchange.path)), {}

    def _add_routes(self) -> None:
        for api in self.apis:
            for route in api.routes:
                if "{" in route.path:
                    pattern = re.escape(route.path).replace(r"\{\}", "([^/]+)").replace(r"\{\*\}", "(.+)")
                    self._patterns.append((re.compile(pattern), api, route.handlers))
                else:
                    self._exact[route.path] = (api, route.handlers)


def create_app(settings: Settings | None = None, observe: Observe | None = None) -> MockLLM:
    """A mock model to be served or mounted; it may live under any ``root_path``."""
    return MockLLM(settings or Settings(), observe)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
