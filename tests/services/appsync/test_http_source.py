"""A signed HTTP data source reaches an AWS API of the sandbox."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

import sandbox.clock
from sandbox.app import open_sandbox
from sandbox.control.appsync import DataSource
from sandbox.services.appsync_sources import SourceError
from sandbox.services.appsync_sources.http import HttpSource
from sandbox.services.http_client import HttpClient

TRUST = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "appsync.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
}


def asked(config: dict[str, Any], role: bool = True, **document: Any) -> Any:
    async def main(clock: Any) -> Any:
        async with open_sandbox(clock) as box:
            made = await box.control.call(
                "iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST)
            )
            policy = {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            }
            await box.control.call(
                "iam", "PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=json.dumps(policy)
            )
            source = DataSource("http", "HTTP", made["Role"]["Arn"] if role else None, {"httpConfig": config})
            request: Any = SimpleNamespace(sandbox=box, id="r")
            client = HttpClient()
            try:
                with clock.in_flight("test"):
                    return await HttpSource(client).call(request, source, document)
            finally:
                await client.close()

    return sandbox.clock.run(main)


def iam(**changes: Any) -> dict[str, Any]:
    signs = {"signingServiceName": "sts", "signingRegion": "us-east-1", **changes}
    return {
        "endpoint": "https://sts.us-east-1.amazonaws.com",
        "authorizationConfig": {"authorizationType": "AWS_IAM", "awsIamConfig": signs},
    }


CALL = {
    "method": "POST",
    "resourcePath": "/",
    "params": {
        "headers": {"content-type": "application/x-www-form-urlencoded"},
        "body": "Action=GetCallerIdentity&Version=2011-06-15",
    },
}


def test_the_role_signs() -> None:
    answer = asked(iam(), **CALL)
    assert answer["statusCode"] == 200
    assert "assumed-role/r/APPSYNC_ASSUME_ROLE" in answer["body"]


def test_a_signature_for_another_region_is_refused() -> None:
    answer = asked(iam(signingServiceName="lambda", signingRegion="eu-west-1"), **CALL)
    assert answer["statusCode"] == 403


@pytest.mark.parametrize(("config", "role"), [(iam(), False), (iam(signingServiceName=None), True)])
def test_without_a_role_or_a_service(config: dict[str, Any], role: bool) -> None:
    with pytest.raises(SourceError, match="no role or no signingServiceName"):
        asked(config, role, **CALL)


@pytest.mark.parametrize("endpoint", ["", "ftp://example.com", "http://"])
def test_what_is_no_endpoint(endpoint: str) -> None:
    with pytest.raises(SourceError, match="no http"):
        asked({"endpoint": endpoint}, **CALL)
