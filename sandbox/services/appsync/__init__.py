"""AppSync GraphQL APIs."""

from sandbox.services.appsync.service import AppSyncService

__all__ = ["AppSyncService"]
