"""AWS's service models, which botocore brings: read once a process, by our clients and by moto alike."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path

from botocore.loaders import Loader


class SharedLoader(Loader):  # type: ignore[misc]
    """A loader for all sessions of the process.

    botocore's own looks into every service's folder (a thousand of them, 0.2 s) before it reads the first model, to
    tell an unknown name; the names of the folders tell that as well.
    """

    def __init__(self) -> None:
        super().__init__(extra_search_paths=_folders(), include_default_search_paths=False)

    @property
    def search_paths(self) -> list[str]:
        """A copy: boto3 adds its own folder, once for each session."""
        return list(self._search_paths)

    def list_available_services(self, type_name: str) -> list[str]:
        """All services, also those that have no model of that type."""
        return list(self._names())

    @cache  # noqa: B019 - one loader a process
    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(n for folder in self._search_paths for n in os.listdir(folder) if "." not in n))  # noqa: PTH208


@cache
def loader() -> SharedLoader:
    """The process's loader. What it gives out is shared: not to be changed."""
    return SharedLoader()


def _folders() -> list[str]:
    """Of botocore and, if it is there, of boto3."""
    found = [str(Loader.BUILTIN_DATA_PATH)]
    spec = importlib.util.find_spec("boto3")
    if spec is not None and spec.origin is not None:
        found.append(str(Path(spec.origin).parent / "data"))
    return found
