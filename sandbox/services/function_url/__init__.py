"""Lambda Function URLs. See README.md in this folder."""

from sandbox.services.function_url.service import FunctionUrlService

__all__ = ["FunctionUrlService"]
