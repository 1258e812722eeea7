"""What every story needs from the disk, read once by the process whose forks play the stories.

A fork shares it: without this each of them would import and parse the same for a second.
"""

from __future__ import annotations

import importlib
import pkgutil

# Used in about every deployment.
_MOTOS = ("iam", "s3", "sts")
_CLIENTS = ("cloudformation", "iam", "lambda", "s3")


def warm() -> None:
    """Import, and read the models of the services that every pattern is deployed with."""
    import anyio._backends._asyncio
    import httpcore
    import samtranslator.translator.translator
    import uvicorn.protocols.http.httptools_impl

    from mock_llm.text import words
    from sandbox.aws.tls import public_authorities
    from sandbox.control import calls, moto_backend, shims

    del anyio, httpcore, samtranslator, uvicorn
    words()
    public_authorities()
    for module in pkgutil.walk_packages(shims.__path__, f"{shims.__name__}."):
        importlib.import_module(module.name)  # their operations are imported when first asked for
    moto_backend.warm(_MOTOS)
    calls.warm(_CLIENTS, "us-east-1")
