"""Resource types, one module per AWS service. Importing this package registers every module in it."""

from __future__ import annotations

import importlib
import pkgutil

from sandbox.control.cloudformation.types.base import TYPES, Request, ResourceType

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["TYPES", "Request", "ResourceType"]
