"""A cluster, and the Kubernetes client of Python as its users have it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from sandbox.stories.handle import SandboxHandle

ROLE = "arn:aws:iam::000000000000:role/eks"


def get_token(sts: Any, cluster: str) -> str:
    """As ``aws eks get-token`` makes it."""

    def take(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if "ClusterName" in params:
            context["cluster"] = params.pop("ClusterName")

    def inject(request: Any, **_: Any) -> None:
        request.headers["x-k8s-aws-id"] = request.context["cluster"]

    sts.meta.events.register("provide-client-params.sts.GetCallerIdentity", take)
    sts.meta.events.register("before-sign.sts.GetCallerIdentity", inject)
    parameters = {"ClusterName": cluster}
    url = sts.generate_presigned_url("get_caller_identity", Params=parameters, ExpiresIn=60, HttpMethod="GET")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


@dataclass
class Kube:
    """A cluster and the clients of its API."""

    sandbox: SandboxHandle
    name: str
    api: Any

    @property
    def core(self) -> Any:
        return client.CoreV1Api(self.api)

    @property
    def apps(self) -> Any:
        return client.AppsV1Api(self.api)

    @property
    def networking(self) -> Any:
        return client.NetworkingV1Api(self.api)

    def until(self, holds: Callable[[], Any], seconds: int = 120) -> Any:
        """What it gives once it holds; a second of the sandbox's passes between two looks."""
        for _ in range(seconds):
            if found := holds():
                return found
            self.sandbox.advance(1)
        raise AssertionError("it does not come true")


def connect(sandbox: SandboxHandle, folder: Path, name: str = "c", token: str | None = None) -> Any:
    """A client of the API at the cluster's endpoint."""
    described = sandbox.client("eks").describe_cluster(name=name)["cluster"]
    authority = folder / "ca.pem"
    authority.write_bytes(base64.b64decode(described["certificateAuthority"]["data"]))
    configuration = client.Configuration()
    configuration.host = described["endpoint"]
    configuration.ssl_ca_cert = str(authority)
    configuration.proxy = None
    configuration.api_key = {"authorization": f"Bearer {token or get_token(sandbox.client('sts'), name)}"}
    return client.ApiClient(configuration)


@pytest.fixture
def kube(sandbox: SandboxHandle, tmp_path: Path) -> Iterator[Kube]:
    """A cluster ``c``, deleted at the end."""
    vpc = {"subnetIds": ["subnet-1"]}
    sandbox.client("eks").create_cluster(name="c", roleArn=ROLE, resourcesVpcConfig=vpc)
    api = connect(sandbox, tmp_path)
    yield Kube(sandbox, "c", api)
    api.close()


def deployment(name: str, code: str, replicas: int = 1, **container: Any) -> dict[str, Any]:
    """A Deployment whose pods run Python."""
    labels = {"app": name}
    made = {"name": "app", "image": "python:3", "command": ["python3", "-u", "-c", code], **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [made]}},
        },
    }
