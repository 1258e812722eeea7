"""Data sources: what a request handler asks of them, and what the response handler gets."""

from sandbox.services.appsync_sources.base import SourceError, Sources

__all__ = ["SourceError", "Sources"]
