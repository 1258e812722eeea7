"""OpenAI's errors, in the words that its clients see.

The texts are those that users of the real API quote in public issue trackers; a text with no such source
says so.
"""

from __future__ import annotations

from typing import Any

from mock_llm.wire import Exchange, RefusedError

_NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If "
    "you have trouble figuring out how to fix this, please contact us through our help center at "
    "help.openai.com.)"
)
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
    "auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're "
    "accessing the API from your browser and are prompted for a username and password. You can obtain an API "
    "key from https://platform.openai.com/account/api-keys."
)


async def refuse(exchange: Exchange, refusal: RefusedError) -> None:
    """Answer a refusal as ``{"error": {message, type, param, code}}``."""
    headers = [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
    headers.append((b"x-request-id", b"req_" + exchange.identity.encode()))
    await exchange.respond_json(refusal.status, body(refusal), headers)


def body(refusal: RefusedError) -> dict[str, Any]:
    """The JSON of a refusal; also what an error inside a stream carries."""
    error = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
    return {"error": error}


def not_json() -> RefusedError:
    """400: the body cannot be read."""
    return RefusedError(400, _NOT_JSON)


def no_key() -> RefusedError:
    """401: no Authorization header."""
    return RefusedError(401, _NO_KEY)


def no_model() -> RefusedError:
    """400: ``model`` is missing or empty."""
    return RefusedError(400, "you must provide a model parameter")


def model_not_found(model: str) -> RefusedError:
    """404: there is no such model."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return RefusedError(404, message, code="model_not_found")


def missing(param: str) -> RefusedError:
    """400: a parameter that must be there is not."""
    return RefusedError(
        400, f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param
    )


def unknown(param: str) -> RefusedError:
    """400: a parameter that OpenAI does not know."""
    return RefusedError(400, f"Unrecognized request argument supplied: {param}")


def unknown_parameter(param: str) -> RefusedError:
    """400: the same, as the Responses API says it."""
    return RefusedError(400, f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def wrong_type(param: str, expected: str, got: Any) -> RefusedError:
    """400: a parameter of another JSON type."""
    message = f"Invalid type for '{param}': expected {expected}, but got {_kind(got)} instead."
    return RefusedError(400, message, code="invalid_type", param=param)


def wrong_value(param: str, got: Any, allowed: list[str]) -> RefusedError:
    """400: a text that is not one of those allowed."""
    names = [f"'{name}'" for name in allowed]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, and {names[-1]}"
    message = f"Invalid value: '{got}'. Supported values are: {listed}."
    return RefusedError(400, message, code="invalid_value", param=param)


def out_of_range(param: str, got: float, low: float, high: float) -> RefusedError | None:
    """400 when a number is outside ``low`` to ``high``, else ``None``."""
    if low <= got <= high:
        return None
    side, edge, sign = ("above", "maximum", "<=") if got > high else ("below", "minimum", ">=")
    kind = "integer" if isinstance(got, int) else "decimal"
    short = "max" if side == "above" else "min"
    limit = high if side == "above" else low
    expected = f"Expected a value {sign} {limit}, but got {_plain(got)} instead."
    message = f"Invalid '{param}': {kind} {side} {edge} value. {expected}"
    return RefusedError(400, message, code=f"{kind}_{side}_{short}_value", param=param)


def empty_array(param: str) -> RefusedError:
    """400: an array without elements."""
    expected = "Expected an array with minimum length 1, but got an empty array instead."
    message = f"Invalid '{param}': empty array. {expected}"
    return RefusedError(400, message, code="empty_array", param=param)


def too_long_array(param: str, limit: int, got: int) -> RefusedError:
    """400: an array with more elements than allowed."""
    message = (
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, "
        f"but got an array with length {got} instead."
    )
    return RefusedError(400, message, code="array_above_max_length", param=param)


def invalid_schema(name: str, what: str, param: str) -> RefusedError:
    """400: a schema that answers cannot be made to follow."""
    return RefusedError(400, f"Invalid schema for response_format '{name}': {what}", param=param)


def no_such_name(param: str, pattern: str) -> RefusedError:
    """400: a name with letters that it must not have."""
    expected = f"Expected a string that matches the pattern '{pattern}'."
    message = f"Invalid '{param}': string does not match pattern. {expected}"
    return RefusedError(400, message, code="invalid_value", param=param)


def without_the_word_json() -> RefusedError:
    """400: JSON is wanted, and no message speaks of it."""
    message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    return RefusedError(400, message, param="messages")


def input_without_the_word_json() -> RefusedError:
    """400: the same, as the Responses API says it."""
    message = (
        "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
        "'json_object'."
    )
    return RefusedError(400, message, param="input")


def both_limits() -> RefusedError:
    """400: two names for one limit."""
    message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    return RefusedError(400, message, code="invalid_parameter_combination", param="max_tokens")


def not_streaming() -> RefusedError:
    """400: ``stream_options`` without ``stream``."""
    message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    return RefusedError(400, message, param="stream_options")


def choice_without_tools() -> RefusedError:
    """400: a tool is demanded and none is offered."""
    message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
    return RefusedError(400, message, param="tool_choice")


def no_such_tool(name: Any) -> RefusedError:
    """400: the tool that is demanded is not offered (the sentence is the mock model's own)."""
    return RefusedError(400, f"Tool choice {name!r} not found in 'tools' parameter.", param="tool_choice")


def not_emulated(param: str, what: str) -> RefusedError:
    """400 of the mock model's own (no text of OpenAI's): the real API can do what is asked."""
    return RefusedError(400, f"The mock model does not emulate {what} yet.", code="not_emulated", param=param)


def unknown_url(method: str, path: str) -> RefusedError:
    """404: nothing answers at this path."""
    message = (
        f"Unknown request URL: {method} {path}. Please check the URL for typos, "
        "or see the docs at https://platform.openai.com/docs/api-reference/."
    )
    return RefusedError(404, message, code="unknown_url")


def wrong_method(method: str, path: str, allowed: list[str]) -> RefusedError:
    """405: the path answers other methods."""
    message = f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)"
    return RefusedError(405, message, headers={"allow": ", ".join(allowed)})


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def _kind(value: Any) -> str:
    """A JSON value's type with its article, as OpenAI says it."""
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal number",
        str: "a string",
        dict: "an object",
    }
    return names.get(type(value), "an array")
