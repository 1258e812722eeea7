"""EKS: moto keeps clusters, node groups and Fargate profiles; the endpoint of a cluster is a real one, ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.context import Sandbox
from sandbox.control.eks import Clusters, KubernetesCluster
from sandbox.control.message import Response
from sandbox.control.shims.call import Call, Handler

# What a cluster is that says no version of its own; which one AWS takes by default is UNSOURCED.
VERSION = "1.33"


class State:
    """The clusters that have an endpoint."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.records = Clusters()

    def reset(self) -> None:
        """Forget everything."""
        self.records.clear()


def handlers(state: State) -> Mapping[str, Handler]:
    """The operations whose answer of moto's is mended; moto answers the others."""
    operations = _Operations(state)
    return {
        "CreateCluster": operations.create,
        "DescribeCluster": operations.describe,
        "DeleteCluster": operations.delete,
    }


class _Operations:
    def __init__(self, state: State) -> None:
        self._state = state

    async def create(self, call: Call) -> Response:
        """``CreateCluster``. It is active at once."""
        given = json.loads(call.request.body)
        body = json.dumps({"version": VERSION, **given}).encode()
        answer = await call.moto(replace(call.request, body=body))
        if answer.status == 200:
            info = json.loads(answer.body)["cluster"]
            identifier = self._state.sandbox.ids.hex(32)
            self._state.records.by_name[info["name"]] = KubernetesCluster(identifier, info["name"], info)
            self._state.records.changes.tell()
        return self._mended(answer)

    async def describe(self, call: Call) -> Response:
        """``DescribeCluster``."""
        return self._mended(await call.moto())

    async def delete(self, call: Call) -> Response:
        """``DeleteCluster``: what runs in it ends."""
        answer = await call.moto()
        mended = self._mended(answer)
        if answer.status == 200:
            self._state.records.by_name.pop(json.loads(answer.body)["cluster"]["name"], None)
            self._state.records.changes.tell()
        return mended

    def _mended(self, answer: Response) -> Response:
        """With the address of the Kubernetes API, and the authority that its certificate is from."""
        if answer.status != 200:
            return answer
        document: dict[str, Any] = json.loads(answer.body)
        known = self._state.records.by_name.get(document["cluster"]["name"])
        if known is not None:
            settings = self._state.sandbox.settings
            authority = (settings.data_dir / "ca.pem").read_bytes()
            document["cluster"] |= {
                "endpoint": f"https://localhost:{settings.port}/_aws/eks/{known.id}",
                "certificateAuthority": {"data": base64.b64encode(authority).decode()},
            }
        return replace(answer, body=json.dumps(document).encode())
