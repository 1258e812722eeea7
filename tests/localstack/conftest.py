"""LocalStack's own runtime as the backend: ``make test-localstack``. Not in ``make test``: 500 MB, Python 3.13."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.localstack import runtime


@pytest.fixture(scope="session")
def localstack() -> Iterator[str]:
    """The address of a LocalStack that held nothing at first."""
    if not runtime.READY.exists():
        pytest.skip("LocalStack's runtime is not installed: make test-localstack")
    with runtime.running() as url:
        yield url


@pytest.fixture(scope="session")
def sandbox_backend(localstack: str) -> str:
    """The ``sandbox`` fixture stands before it."""
    return f"localstack={localstack}"


@pytest.fixture(scope="session")
def directly(localstack: str) -> Callable[[str], Any]:
    """boto3 clients of LocalStack itself."""

    def client(service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(
            service,
            endpoint_url=localstack,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )

    return client
