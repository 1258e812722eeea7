"""Ingresses: an Application Load Balancer before the pods, by the controller's annotations."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httpx
import pytest

from sandbox.stories.handle import SandboxHandle
from tests.services.eks.conftest import Kube, deployment

pytestmark = pytest.mark.sandbox(clock="virtual")
SERVER = """
import http.server, os, signal, time
signal.signal(15, lambda *_: os._exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        told = os.environ["ME"].encode()
        self.send_response(200 if self.path != "/broken" else 500)
        if self.path.startswith("/stream"):
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for number in range(5):
                self.wfile.write(b"data: %d\\n\\n" % number)
                time.sleep(1)
            self.close_connection = True
            return
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""
ANNOTATIONS = {
    "scheme": "internet-facing",
    "target-type": "ip",
    "healthcheck-path": "/health",
    "healthcheck-interval-seconds": "10",
    "load-balancer-attributes": "idle_timeout.timeout_seconds=120",
    "target-group-attributes": "deregistration_delay.timeout_seconds=5",
}


def ingress(**changed: str) -> dict[str, Any]:
    """An Ingress before the service ``chat``."""
    given = {f"alb.ingress.kubernetes.io/{name}": value for name, value in {**ANNOTATIONS, **changed}.items()}
    backend = {"service": {"name": "chat", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "metadata": {"name": "chat", "annotations": given},
        "spec": {"ingressClassName": "alb", "rules": [{"http": {"paths": [path]}}]},
    }


def serve(kube: Kube, pods: int, **changed: str) -> None:
    """A Deployment, a Service and an Ingress."""
    me = {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    probe = {"httpGet": {"path": "/ready", "port": "web"}, "periodSeconds": 2}
    ports = [{"name": "web", "containerPort": 8080}]
    body = deployment("chat", SERVER, pods, env=[me], ports=ports, readinessProbe=probe)
    kube.apps.create_namespaced_deployment("default", body)
    port = {"port": 80, "targetPort": "web"}
    kube.core.create_namespaced_service(
        "default", {"metadata": {"name": "chat"}, "spec": {"selector": {"app": "chat"}, "ports": [port]}}
    )
    kube.networking.create_namespaced_ingress("default", ingress(**changed))


def host(kube: Kube, pods: int) -> str:
    """The load balancer's name, once there is one and its targets are healthy."""

    def found() -> str | None:
        points = kube.networking.read_namespaced_ingress("chat", "default").status.load_balancer.ingress
        return points[0].hostname if points else None

    name = str(kube.until(found))
    kube.until(lambda: states(kube.sandbox) == ["healthy"] * pods)
    return name


def states(sandbox: SandboxHandle) -> list[str]:
    """How the targets of the one target group are."""
    elbv2 = sandbox.client("elbv2")
    groups = elbv2.describe_target_groups()["TargetGroups"]
    if not groups:
        return []
    health = elbv2.describe_target_health(TargetGroupArn=groups[0]["TargetGroupArn"])
    return [one["TargetHealth"]["State"] for one in health["TargetHealthDescriptions"]]


def test_three_pods_behind_a_load_balancer_stream(kube: Kube) -> None:
    serve(kube, 3)
    name = host(kube, 3)
    with kube.sandbox.http() as web:
        assert len({web.get(f"http://{name}/").text for _ in range(6)}) == 3
        before = len(kube.sandbox.timeline())
        assert web.get(f"http://{name}/stream").text.count("data:") == 5
    writes = [
        e.at
        for e in kube.sandbox.timeline(before)
        if (e.source, e.name) == ("alb", "sent") and e.data["bytes"] == 9
    ]
    told = [(e.at, e.source, e.name, e.data) for e in kube.sandbox.timeline(before) if e.source == "alb"]
    assert [round(b - a, 6) for a, b in pairwise(writes)] == [1.0] * 4, told
    elbv2 = kube.sandbox.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert (balancer["Scheme"], balancer["LoadBalancerName"].startswith("k8s-default-chat-")) == (
        "internet-facing",
        True,
    )
    attributes = elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])[
        "Attributes"
    ]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "120"} in attributes
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"]) == ("/health", 10)


def test_it_goes_with_its_pods_and_with_the_ingress(kube: Kube) -> None:
    serve(kube, 2)
    host(kube, 2)
    kube.apps.patch_namespaced_deployment_scale("chat", "default", {"spec": {"replicas": 1}})
    kube.until(lambda: states(kube.sandbox) == ["healthy"])
    kube.networking.delete_namespaced_ingress("chat", "default")
    elbv2 = kube.sandbox.client("elbv2")
    kube.until(lambda: elbv2.describe_load_balancers()["LoadBalancers"] == [])
    kube.until(lambda: elbv2.describe_target_groups()["TargetGroups"] == [])


def test_a_changed_annotation_counts(kube: Kube) -> None:
    serve(kube, 1)
    name = host(kube, 1)
    changed = {"load-balancer-attributes": "idle_timeout.timeout_seconds=300"}
    kube.networking.patch_namespaced_ingress("chat", "default", ingress(**changed))
    elbv2 = kube.sandbox.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    wanted = {"Key": "idle_timeout.timeout_seconds", "Value": "300"}

    def there() -> bool:
        answer = elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
        return wanted in answer["Attributes"]

    kube.until(there)
    with kube.sandbox.http() as web:
        kube.until(lambda: web.get(f"http://{name}/").status_code == 200)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target-type": "instance"}, "does not emulate instances as targets: there are no nodes"),
        ({"wafv2-acl-arn": "arn"}, "does not emulate the annotation alb.ingress.kubernetes.io/wafv2-acl-arn"),
        ({"listen-ports": '[{"HTTPS": 443}]'}, "does not emulate HTTPS listeners"),
    ],
)
def test_what_cannot_be_followed_is_an_event(kube: Kube, changed: Any, message: str) -> None:
    serve(kube, 0, **changed)

    def warning() -> Any:
        events = kube.core.list_namespaced_event("default").items
        return next((e for e in events if e.type == "Warning"), None)

    found = kube.until(warning)
    assert found.reason == "FailedBuildModel"
    assert message in found.message
    assert found.involved_object.name == "chat"


def test_a_deleted_cluster_takes_all_with_it(kube: Kube) -> None:
    serve(kube, 1)
    name = host(kube, 1)
    kube.sandbox.client("eks").delete_cluster(name="c")
    elbv2 = kube.sandbox.client("elbv2")
    kube.until(lambda: elbv2.describe_load_balancers()["LoadBalancers"] == [])
    kube.until(lambda: kube.sandbox.client("ecs").list_clusters()["clusterArns"] == [])
    with kube.sandbox.http() as web, pytest.raises(httpx.HTTPStatusError):
        web.get(f"http://{name}/").raise_for_status()
