"""moto's routers, which tell the operation of a request, without what would make addresses of operations."""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.core.routing import SmithyRule, get_service_router


@cache
def router(service: str) -> Any:
    """moto's router of a service by botocore's name, the same that moto uses itself."""
    # werkzeug compiles two functions for each rule that write an address; most of a router's cost, and none is asked.
    rule: Any = SmithyRule
    rule._compile_builder = _compile_no_builder
    return get_service_router(service)


def _compile_no_builder(_: Any, append_unknown: bool = True) -> Any:
    return _writes_no_address


def _writes_no_address(rule: Any, **values: Any) -> tuple[str, str]:
    raise NotImplementedError(f"{rule.rule} tells operations, it writes no addresses")
