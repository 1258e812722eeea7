"""The ``openai`` client: the openai library, pointed at an address that speaks Chat Completions.

Its hidden retries are counted: every HTTP request that leaves the library is a request of the story.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from sandbox.stories.clients.base import ClientBase, Stage, StoryFailedError
from sandbox.stories.clients.wire import Teller, routed
from sandbox.stories.expectations import ErrorKind
from sandbox.stories.units import Duration

if TYPE_CHECKING:
    import openai


class OpenAiClient(ClientBase):
    """Asks for one chat completion."""

    kind: Literal["openai"]
    base_url: str = Field(
        "${endpoint}/_llm/v1", description="May hold ${outputs.Name}, ${endpoint}, ${region}."
    )
    api_key: str = "sk-test"
    model: str = "gpt-4o"
    prompt: str = "Hello"
    stream: bool = True
    headers: dict[str, str] = Field(default_factory=dict)
    timeout: Duration = Field(600.0, description="The library's own `timeout` (its default is 600 s).")
    max_retries: int = Field(2, ge=0, description="The library's own `max_retries` (its default is 2).")
    disconnect_after: Duration | None = Field(None, description="The client leaves so long after its start.")

    async def play(self, stage: Stage) -> None:
        """Ask, and read the answer as it arrives."""
        try:
            import openai
        except ImportError:
            raise StoryFailedError("this story needs the openai library: pip install openai") from None
        teller = Teller(stage, self.name)

        async def before_send(request: Any) -> None:
            teller.failed("other", "the library asked again")
            teller.request_sent(request.method, str(request.url))

        client = openai.AsyncOpenAI(
            base_url=stage.fill(self.base_url),
            api_key=stage.fill(self.api_key),
            timeout=self.timeout,
            max_retries=self.max_retries,
            default_headers={name: stage.fill(value) for name, value in self.headers.items()},
            http_client=_http_client(stage, before_send),
        )
        try:
            async with asyncio.timeout(self.disconnect_after), client:
                await self._ask(stage, client, teller)
        except TimeoutError:
            teller.disconnected()
        except openai.APIError as error:
            if isinstance(error, openai.APIStatusError):
                teller.response_started(error.status_code, dict(error.response.headers))
            teller.failed(_kind(error, teller.answered), f"{type(error).__name__}: {error}")
        except Exception as error:  # the HTTP library's own errors, while a stream is read
            if type(error).__module__.partition(".")[0] not in ("httpx", "httpx2"):
                raise
            teller.failed("truncated" if teller.answered else "connection closed", repr(error))
        else:
            teller.completed()

    async def _ask(self, stage: Stage, client: openai.AsyncOpenAI, teller: Teller) -> None:
        messages: Any = [{"role": "user", "content": stage.fill(self.prompt)}]
        if self.stream:
            stream = await client.chat.completions.create(
                model=stage.fill(self.model), messages=messages, stream=True
            )
            teller.response_started(stream.response.status_code, dict(stream.response.headers))
            async for chunk in stream:
                for choice in chunk.choices:
                    if choice.delta.content:
                        teller.read(choice.delta.content)
            return
        answer = await client.chat.completions.with_raw_response.create(
            model=stage.fill(self.model), messages=messages
        )
        teller.response_started(answer.status_code, dict(answer.headers))
        teller.read(answer.parse().choices[0].message.content or "")


def _http_client(stage: Stage, before_send: Callable[[Any], Awaitable[None]]) -> Any:
    """The HTTP client that this openai library uses (httpx or httpx2), on the way to the sandbox."""
    import openai

    library = importlib.import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
    transport = routed(library)(stage, before_send)
    return library.AsyncClient(transport=transport)


def _kind(error: Exception, answered: bool) -> ErrorKind:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return "timeout"
    if isinstance(error, openai.APIConnectionError):
        refused = type(error.__cause__).__name__ == "ConnectError"
        return "connection refused" if refused else "truncated" if answered else "connection closed"
    return "api error"
