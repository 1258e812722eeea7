"""Which rule of a listener a request meets.

Source: Elastic Load Balancing developer guide, "Listener rules for your Application Load Balancer": all conditions of
a rule must hold, one value of each is enough; ``*`` stands for any letters, ``?`` for one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from sandbox.control.elbv2 import Document, Listener, Rule


@dataclass(frozen=True, slots=True)
class Request:
    """What conditions look at. ``host``: without its port; ``headers``: names in lower case, all values."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, tuple[str, ...]]
    source_ip: str


@lru_cache(maxsize=1024)
def _pattern(text: str, *, any_case: bool) -> re.Pattern[str]:
    """A pattern with wildcards; a backslash takes their meaning."""
    parts = re.split(r"(\\[*?\\]|[*?])", text)
    made = "".join({"*": ".*", "?": "."}.get(part) or re.escape(_unescaped(part)) for part in parts)
    return re.compile(made, re.DOTALL | (re.IGNORECASE if any_case else 0))


def _unescaped(part: str) -> str:
    return part[1:] if len(part) == 2 and part[0] == "\\" else part


def like(text: str, pattern: str, *, any_case: bool = True) -> bool:
    """Whether a text fits a pattern with wildcards as a whole."""
    return _pattern(pattern, any_case=any_case).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def regular(text: str) -> re.Pattern[str]:
    """A regular expression. AWS's has less than Python's, and what it lacks is refused when a rule is made."""
    return re.compile(text)


def _matches(config: Document, text: str, *, any_case: bool = True) -> bool:
    """One value of either kind is enough. That an expression need not fit the whole text is UNSOURCED."""
    return any(like(text, value, any_case=any_case) for value in config.get("Values") or ()) or any(
        regular(value).search(text) for value in config.get("RegexValues") or ()
    )


def _host(config: Document, request: Request) -> bool:
    return _matches(config, request.host)


def _path(config: Document, request: Request) -> bool:
    return _matches(config, request.path, any_case=False)


def _header(config: Document, request: Request) -> bool:
    found = request.headers.get(str(config["HttpHeaderName"]).lower(), ())
    return any(_matches(config, one) for one in found)


def _method(config: Document, request: Request) -> bool:
    return request.method in config["Values"]


def _query(config: Document, request: Request) -> bool:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    for wanted in config["Values"]:
        key, value = wanted.get("Key"), wanted.get("Value", "")
        if any((key is None or like(k, key)) and like(v, value) for k, v in pairs):
            return True
    return False


def _source_ip(config: Document, request: Request) -> bool:
    try:
        address = ipaddress.ip_address(request.source_ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(block, strict=False) for block in config["Values"])


_CONDITIONS: Mapping[str, tuple[str, Callable[[Document, Request], bool]]] = {
    "host-header": ("HostHeaderConfig", _host),
    "path-pattern": ("PathPatternConfig", _path),
    "http-header": ("HttpHeaderConfig", _header),
    "http-request-method": ("HttpRequestMethodConfig", _method),
    "query-string": ("QueryStringConfig", _query),
    "source-ip": ("SourceIpConfig", _source_ip),
}


def find(listener: Listener, request: Request) -> Rule:
    """The first rule whose conditions all hold; the default one has none."""
    for rule in listener.in_order():
        if all(_holds(condition, request) for condition in rule.conditions):
            return rule
    return listener.default


def _holds(condition: Document, request: Request) -> bool:
    name, check = _CONDITIONS[condition["Field"]]
    return check(condition[name], request)
