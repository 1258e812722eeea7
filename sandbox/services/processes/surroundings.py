"""What every program of a sandbox finds around it: the ways to AWS and to the model, and whom to trust."""

from __future__ import annotations

from sandbox.context import Sandbox

TEST_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "test",
}
_CA_VARIABLES = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def defaults(sandbox: Sandbox, endpoint: str | None = None, certificates: str | None = "") -> dict[str, str]:
    """Variables that lead to the sandbox; a program's own configuration may replace them.

    ``endpoint``: the sandbox's address as the program reaches it. ``certificates``: the folder with the sandbox's
    authority as the program sees it, ``None`` when it has none; default: the sandbox's own folder.
    """
    endpoint = endpoint or sandbox.endpoint
    values = {
        "AWS_ENDPOINT_URL": endpoint,
        "OPENAI_BASE_URL": sandbox.settings.openai_base_url or f"{endpoint}/_llm/v1",
        "OPENAI_API_KEY": "sandbox",
    }
    folder = sandbox.settings.data_dir.absolute()
    seen = str(folder) if certificates == "" else certificates
    if seen and (folder / "ca.pem").is_file():
        values["NODE_EXTRA_CA_CERTS"] = f"{seen}/ca.pem"  # added to the public ones
    if seen and (folder / "ca-bundle.pem").is_file():
        values.update(dict.fromkeys(_CA_VARIABLES, f"{seen}/ca-bundle.pem"))  # in their place
    return values


def names(sandbox: Sandbox) -> dict[str, object]:
    """AWS's host names and the sandbox's own, which inside a program all lead to the sandbox."""
    return {
        "suffixes": [".amazonaws.com", ".on.aws", ".localhost"],
        "exact": [],
        "host": "127.0.0.1",
        "ports": {"80": sandbox.settings.port, "443": sandbox.settings.port},
    }


async def credentials(sandbox: Sandbox, role: str | None) -> dict[str, str]:
    """Variables with the credentials of a role, when the control plane issues some."""
    issue = getattr(sandbox.control, "role_credentials", None)
    if issue is None or not role:
        return dict(TEST_CREDENTIALS)
    return dict(zip(TEST_CREDENTIALS, await issue(role), strict=True))
