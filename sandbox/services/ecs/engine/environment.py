"""What a container finds around it: variables and files. Its image stays as it is."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.context import Sandbox
from sandbox.control.ecs import Container
from sandbox.services.ecs.variables import METADATA
from sandbox.services.processes import surroundings

FOLDER = "/opt/genai-streaming-sandbox"  # in the container: the sandbox's certificate authority


def build(
    sandbox: Sandbox,
    container: Container,
    address: str,
    credentials: Mapping[str, str],
    secrets: Mapping[str, str],
) -> dict[str, str]:
    """All variables that the image does not have itself. ``address``: at which a task reaches the sandbox."""
    region, endpoint = sandbox.settings.region, f"http://{address}:{sandbox.settings.port}"
    metadata = f"{endpoint}{METADATA}{container.runtime_id}"
    certificates = not container.definition.get("readonlyRootFilesystem")
    given = {one["name"]: str(one.get("value", "")) for one in container.definition.get("environment") or []}
    return {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        **surroundings.defaults(sandbox, endpoint, FOLDER if certificates else None),
        **credentials,
        **given,
        **secrets,
        "ECS_CONTAINER_METADATA_URI": metadata.replace("/v4/", "/v3/"),
        "ECS_CONTAINER_METADATA_URI_V4": metadata,
        "ECS_AGENT_URI": metadata.replace("/v4/", "/agent/"),
    }


def files(sandbox: Sandbox) -> dict[str, bytes]:
    """Files by their paths in the container."""
    folder = sandbox.settings.data_dir.absolute()
    found = (folder / "ca.pem", folder / "ca-bundle.pem")
    return {f"{FOLDER}/{file.name}": file.read_bytes() for file in found if file.is_file()}
