"""Tokens of ``aws eks get-token``: how long they hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.services.eks.token import UnauthorizedError, caller
from tests.services.eks.conftest import get_token

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@pytest.mark.parametrize(("seconds", "holds"), [(600, True), (890, True), (910, False)])
def test_a_token_holds_for_15_minutes_whatever_its_url_says(
    monkeypatch: pytest.MonkeyPatch, seconds: int, holds: bool
) -> None:
    async def main(clock: Clock) -> Any:
        made = clock.utcnow() - timedelta(seconds=seconds)
        for module in ("botocore.auth", "botocore.crt.auth"):  # the second one where awscrt is installed
            monkeypatch.setattr(f"{module}.get_current_datetime", lambda **_: made)
        async with open_sandbox(clock) as sandbox:
            sts = boto3.client("sts", endpoint_url=sandbox.endpoint, **KEYS)
            return (await caller(sandbox, f"Bearer {get_token(sts, 'c')}", "c")).arn

    if holds:
        assert run(main) == "arn:aws:iam::000000000000:root"
        return
    with pytest.raises(UnauthorizedError, match="Signature expired"):
        run(main)
