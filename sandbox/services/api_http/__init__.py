"""API Gateway HTTP APIs."""

from sandbox.services.api_http.service import HttpApiService

__all__ = ["HttpApiService"]
