"""Host style and path style addresses."""

import pytest

from sandbox.aws.errors import AwsError
from sandbox.front.address import resolve


def scope(path: str, host: str = "localhost:4566", query: bytes = b"") -> dict:
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", host.encode())],
    }


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("LOCALHOST:4566", "localhost"),
        ("abc.execute-api.us-east-1.amazonaws.com", "abc.execute-api.us-east-1.amazonaws.com"),
        ("[::1]:4566", "::1"),
        ("", ""),
    ],
)
def test_host_has_no_port_and_is_lower_case(host, expected):
    assert resolve(scope("/", host), "us-east-1").address.host == expected


@pytest.mark.parametrize(
    ("path", "host", "rest"),
    [
        ("/_aws/execute-api/A1/prod/chat", "a1.execute-api.eu-west-1.amazonaws.com", "/prod/chat"),
        ("/_aws/lambda-url/xyz", "xyz.lambda-url.eu-west-1.on.aws", "/"),
        ("/_aws/lambda-url/xyz/", "xyz.lambda-url.eu-west-1.on.aws", "/"),
        ("/_aws/lambda-url/xyz/a%2Fb//c", "xyz.lambda-url.eu-west-1.on.aws", "/a%2Fb//c"),
    ],
)
def test_path_style_becomes_aws_host(path, host, rest):
    resolved = resolve(scope(path), "eu-west-1")
    assert (resolved.address.host, resolved.address.path, resolved.raw_path) == (host, rest, rest.encode())


@pytest.mark.parametrize("path", ["/_aws/unknown/x", "/_aws/lambda-url/", "/_aws/"])
def test_unknown_path_style_says_what_is_known(path):
    with pytest.raises(AwsError, match="/_aws/lambda-url/<id>/") as raised:
        resolve(scope(path), "us-east-1")
    assert raised.value.status == 404
