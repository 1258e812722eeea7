"""Reading the text of an OpenAPI document."""

from __future__ import annotations

from typing import Any

from sandbox.aws import json_text


def load(body: str | bytes) -> Any:
    """The value of a document in JSON or YAML. Raises ``ValueError`` in the reader's words."""
    try:
        return json_text.loads(body)
    except ValueError:
        pass
    import yaml  # a tenth of what starting the sandbox costs, for one operation

    try:
        return yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
