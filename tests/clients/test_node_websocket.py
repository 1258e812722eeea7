"""The AWS SDK for JavaScript v3 pushes to a WebSocket connection, unmodified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sandbox.stories.handle import SandboxHandle

if TYPE_CHECKING:
    from tests.clients.conftest import Run


@pytest.mark.fact("3.18")
def test_the_sdk_pushes_asks_and_ends(sandbox: SandboxHandle, run_node: Run):
    api = sandbox.client("apigatewayv2")
    made = api.create_api(
        Name="push", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    mock = api.create_integration(ApiId=made["ApiId"], IntegrationType="MOCK")
    target = f"integrations/{mock['IntegrationId']}"
    api.create_route(ApiId=made["ApiId"], RouteKey="$default", Target=target)
    api.create_stage(ApiId=made["ApiId"], StageName="prod", AutoDeploy=True)
    address = f"{sandbox.endpoint}/_aws/execute-api/{made['ApiId']}/prod"
    with connect(address.replace("http://", "ws://"), proxy=None) as socket:
        (connection,) = [event.id for event in sandbox.timeline() if event.name == "connected"]
        said = run_node(
            "websocket_connections.mjs",
            sandbox.endpoint,
            address=address,
            connection=connection,
            text="a token ✓",
        )
        assert socket.recv(timeout=10) == "a token ✓"
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000
    assert said[:3] == [{"posted": 200}, {"connected": True, "ip": "127.0.0.1"}, {"ended": 204}]
    assert (said[3]["error"], said[3]["status"]) == ("GoneException", 410)
