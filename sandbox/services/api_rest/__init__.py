"""API Gateway REST APIs. See README.md in this folder."""

from sandbox.services.api_rest.service import RestApiService

__all__ = ["RestApiService"]
