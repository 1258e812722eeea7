"""Kubernetes' own Python client at the endpoint of a cluster."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, watch

from sandbox.stories.handle import SandboxHandle
from tests.services.eks.conftest import Kube, connect, deployment, get_token

WAIT = "import time; print('up'); time.sleep(100000)"
pytestmark = pytest.mark.sandbox(clock="virtual")


def ready(kube: Kube, name: str, wanted: int) -> bool:
    status = kube.apps.read_namespaced_deployment(name, "default").status
    return (status.ready_replicas, status.updated_replicas, status.replicas) == (wanted, wanted, wanted)


def pods(kube: Kube, **query: Any) -> list[Any]:
    found: list[Any] = kube.core.list_namespaced_pod("default", **query).items
    return found


def test_a_deployment_from_its_creation_to_its_end(kube: Kube) -> None:
    kube.apps.create_namespaced_deployment("default", deployment("chat", WAIT, 2))
    kube.until(lambda: ready(kube, "chat", 2))
    found = pods(kube, label_selector="app=chat")
    assert len({pod.status.pod_ip for pod in found}) == 2
    assert all(pod.status.phase == "Running" for pod in found)
    name = found[0].metadata.name
    assert kube.core.read_namespaced_pod_log(name, "default") == "up\n"
    kube.apps.patch_namespaced_deployment_scale("chat", "default", {"spec": {"replicas": 1}})
    kube.until(lambda: len(pods(kube)) == 1)
    kube.apps.delete_namespaced_deployment("chat", "default")
    kube.until(lambda: pods(kube) == [])
    assert kube.apps.list_namespaced_replica_set("default").items == []
    with pytest.raises(client.ApiException) as refused:
        kube.apps.read_namespaced_deployment("chat", "default")
    assert refused.value.status == 404
    assert json.loads(refused.value.body)["message"] == 'deployments.apps "chat" not found'


def test_a_new_template_rolls_through_without_a_gap(kube: Kube) -> None:
    """A pod is ready 5 s after its start: an old one goes only then."""
    probe = {"tcpSocket": {"port": 8080}, "initialDelaySeconds": 5}
    server = {"command": ["python3", "-m", "http.server", "8080"], "readinessProbe": probe}
    kube.apps.create_namespaced_deployment("default", deployment("chat", "", 2, **server))
    kube.until(lambda: ready(kube, "chat", 2))
    before, events = {pod.metadata.name for pod in pods(kube)}, len(kube.sandbox.timeline())
    container = {"name": "app", "env": [{"name": "VERSION", "value": "2"}]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    kube.apps.patch_namespaced_deployment("chat", "default", patch)
    kube.until(lambda: ready(kube, "chat", 2) and not before & {pod.metadata.name for pod in pods(kube)})
    [pod, _] = pods(kube)
    assert pod.spec.containers[0].command[0] == "python3"  # merged, not replaced
    found = kube.apps.read_namespaced_deployment("chat", "default")
    assert found.metadata.annotations["deployment.kubernetes.io/revision"] == "2"
    later = [e for e in kube.sandbox.timeline(events) if e.source == "ecs"]
    starts = [e.at for e in later if e.name == "task_started"]
    stops = [e.at for e in later if e.name == "task_stopped"]
    assert len(starts) == len(stops) == 2
    assert all(stop - start >= 5 for start, stop in zip(starts, stops, strict=True))


def test_a_watch_tells_what_happens(kube: Kube) -> None:
    kube.apps.create_namespaced_deployment("default", deployment("chat", WAIT))
    seen = []
    for event in watch.Watch().stream(kube.core.list_namespaced_pod, "default", timeout_seconds=60):
        seen.append((event["type"], event["object"].status.phase))
        if event["object"].status.phase == "Running":
            break
    assert seen[-1] == ("MODIFIED", "Running")


def test_configuration_reaches_the_container(kube: Kube) -> None:
    kube.core.create_namespaced_config_map(
        "default", {"metadata": {"name": "settings"}, "data": {"pace": "slow"}}
    )
    key = base64.b64encode(b"hush").decode()
    kube.core.create_namespaced_secret("default", {"metadata": {"name": "keys"}, "data": {"API_KEY": key}})
    code = "import os, json; print(json.dumps({k: os.environ[k] for k in ('PACE', 'API_KEY', 'ME')}))"
    body = {
        "metadata": {"name": "once"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "app",
                    "image": "python:3",
                    "command": ["python3", "-c", code],
                    "envFrom": [{"secretRef": {"name": "keys"}}],
                    "env": [
                        {
                            "name": "PACE",
                            "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "pace"}},
                        },
                        {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    ],
                }
            ],
        },
    }
    kube.core.create_namespaced_pod("default", body)
    kube.until(lambda: pods(kube)[0].status.phase == "Succeeded")
    told = json.loads(kube.core.read_namespaced_pod_log("once", "default"))
    assert told == {"PACE": "slow", "API_KEY": "hush", "ME": "once"}


def test_what_crashes_is_started_again_after_a_delay_that_grows(kube: Kube) -> None:
    code = "import sys, time; time.sleep(1); sys.exit(3)"
    kube.apps.create_namespaced_deployment("default", deployment("chat", code))
    kube.until(lambda: pods(kube) and pods(kube)[0].status.container_statuses[0].restart_count >= 2)
    kube.until(lambda: pods(kube)[0].status.container_statuses[0].state.waiting)
    status = pods(kube)[0].status.container_statuses[0]
    assert status.state.waiting.reason == "CrashLoopBackOff"
    assert status.last_state.terminated.exit_code == 3
    times = [e.at for e in kube.sandbox.timeline() if e.name == "task_started"]
    stops = [e.at for e in kube.sandbox.timeline() if e.name == "task_stopped"]
    assert [round(b - a) for a, b in zip(stops, times[1:], strict=False)][:2] == [10, 20]


def test_an_image_that_there_is_not(kube: Kube) -> None:
    kube.apps.create_namespaced_deployment("default", deployment("chat", WAIT, image="nowhere/app:1"))
    kube.until(lambda: pods(kube) and pods(kube)[0].status.container_statuses[0].state.waiting.message)
    waiting = pods(kube)[0].status.container_statuses[0].state.waiting
    assert waiting.reason == "ImagePullBackOff"
    assert "there is no image nowhere/app:1" in waiting.message


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"replicas": 1, "selector": {"matchLabels": {"app": "other"}}}, 422, "`selector` does not match"),
        ({"paused": True}, 501, "The sandbox does not emulate minReadySeconds and paused of a Deployment."),
    ],
)
def test_what_is_refused(kube: Kube, change: Any, code: int, message: str) -> None:
    body = deployment("chat", WAIT)
    body["spec"] |= change
    with pytest.raises(client.ApiException) as refused:
        kube.apps.create_namespaced_deployment("default", body)
    assert refused.value.status == code
    assert message in json.loads(refused.value.body)["message"]


def test_what_there_is_not_says_so_in_kubernetes_words(kube: Kube) -> None:
    with pytest.raises(client.ApiException) as refused:
        client.BatchV1Api(kube.api).list_namespaced_job("default")
    assert (refused.value.status, json.loads(refused.value.body)["kind"]) == (404, "Status")
    kube.core.create_namespace({"metadata": {"name": "mine"}})
    with pytest.raises(client.ApiException) as refused:
        kube.core.create_namespace({"metadata": {"name": "mine"}})
    assert (refused.value.status, json.loads(refused.value.body)["reason"]) == (409, "AlreadyExists")
    groups = [group.name for group in client.ApisApi(kube.api).get_api_versions().groups]
    assert groups == ["apps", "networking.k8s.io"]


def test_tokens(kube: Kube, sandbox: SandboxHandle, tmp_path: Path) -> None:
    sts = sandbox.client("sts")
    wrong = ["k8s-aws-v1.aGVsbG8", get_token(sts, "another-cluster"), "nonsense"]
    for token in wrong:
        with pytest.raises(client.ApiException) as refused:
            client.CoreV1Api(connect(sandbox, tmp_path, token=token)).list_namespace()
        assert (refused.value.status, json.loads(refused.value.body)["message"]) == (401, "Unauthorized")
    names = kube.core.list_namespace().items
    assert [one.metadata.name for one in names] == ["default", "kube-system"]
