"""Pages of a list."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.errors import ValidationError

PAGE = 100  # items on a page; source: AWS CloudFormation API Reference, DescribeStackEvents and others (1 MB at AWS)


def page(name: str, items: list[Any], params: dict[str, Any]) -> dict[str, Any]:
    """The page that ``NextToken`` asks for. Raises :class:`ValidationError` for a token that is none."""
    token = params.get("NextToken")
    try:
        start = int(token) if token else 0
    except ValueError:
        raise ValidationError(f"Invalid NextToken {token}") from None  # the text is UNSOURCED
    result: dict[str, Any] = {name: items[start : start + PAGE]}
    if start + PAGE < len(items):
        result["NextToken"] = str(start + PAGE)
    return result
