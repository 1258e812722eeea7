"""Extended thinking: what a request asks of it, and the signatures of its blocks.

Budget and signature as in Anthropic's SDK (``thinking_config_enabled_param``, ``thinking_block``); the refusals
are those that users quote in public issue trackers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_llm.apis.anthropic import errors
from mock_llm.apis.signing import is_signature

USUAL = 64  # tokens of thinking where no profile says how many: the mock model's own number
LEAST = 1024
KINDS = ("adaptive", "disabled", "enabled")


def read(data: Mapping[str, Any], limit: int) -> tuple[int, int | None, bool]:
    """Tokens of thinking, at most so many, and whether its text is shown. Raises ``RefusedError``."""
    asked = data.get("thinking")
    if asked is None:
        return 0, None, True
    if not isinstance(asked, dict):
        raise errors.invalid("thinking", "Input should be a valid dictionary")
    kind = asked.get("type")
    if kind not in KINDS:  # the order of the tags in the text is UNSOURCED
        raise errors.invalid(
            "thinking",
            f"Input tag '{kind}' found using 'type' does not match any of the expected tags: "
            + ", ".join(f"'{known}'" for known in KINDS),
        )
    shown = asked.get("display") != "omitted"
    if kind == "disabled":
        return 0, None, True
    if kind == "adaptive":
        return USUAL, max(0, limit - 1), shown
    return USUAL, _budget(data, asked, limit), shown


def _budget(data: Mapping[str, Any], asked: Mapping[str, Any], limit: int) -> int:
    budget = asked.get("budget_tokens")
    if budget is None:
        raise errors.missing("thinking.enabled.budget_tokens")
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise errors.invalid("thinking.enabled.budget_tokens", "Input should be a valid integer")
    if budget < LEAST:
        raise errors.invalid(
            "thinking.enabled.budget_tokens", f"Input should be greater than or equal to {LEAST}"
        )
    if budget >= limit:
        raise errors.plain(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
        )
    if data.get("temperature") not in (None, 1, 1.0):
        raise errors.plain(
            "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-"
            "extended-thinking"
        )
    choice = data.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in ("any", "tool"):
        raise errors.plain("Thinking may not be enabled when tool_choice forces tool use.")
    return budget


def check(where: str, block: Mapping[str, Any]) -> None:
    """Raise ``RefusedError`` for a block of thinking that the model has not signed."""
    if not is_signature(block.get("signature")):
        raise errors.invalid(where, "Invalid `signature` in `thinking` block")
