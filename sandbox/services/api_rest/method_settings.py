"""A stage's settings of a method: its own before those of ``*/*``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.services.api_rest.call import Call


def setting_of(call: Call, member: str = "") -> tuple[Mapping[str, Any], bool]:
    """The method's setting, and whether it is its own; empty when there is none. ``member``: what it has to have."""
    own = _key(call.resource.path, call.method.http_method)
    for key in (own, "*/*"):
        for name, setting in call.api.method_settings.items():
            if _normal(name) == key and (not member or member in setting):
                return setting, key == own
    return {}, False


def _key(path: str, method: str) -> str:
    return f"{path.strip('/')}/{method}"


def _normal(name: str) -> str:
    """``~1chat/GET``, ``/chat/GET`` and ``chat/GET`` name the same method."""
    path, _, method = name.replace("~1", "/").replace("~0", "~").rpartition("/")
    return _key(path, method)
