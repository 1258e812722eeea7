"""The service models that moto reads: where the two are alike, those that our own clients have read already."""

from __future__ import annotations

from functools import cache
from typing import Any

import moto.core.utils
from boto3 import Session
from moto.core.base_backend import AccountSpecificBackend
from moto.core.loaders import Loader, moto_root

from sandbox.aws import models
from sandbox.aws.session import bare_session


class MotoLoader(Loader):
    """moto's loader, once for all models.

    moto adds to some models (S3's, SQS's), botocore to others: these it reads itself.
    """

    def list_available_services(self, type_name: str) -> list[str]:
        """See :class:`sandbox.aws.models.SharedLoader`."""
        return models.loader().list_available_services(type_name)

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> dict[str, Any]:
        """A model as moto wants it."""
        shared = models.loader()
        reader: Any = super()  # which also tells of an unknown service
        if service_name in shared.list_available_services(type_name):
            version = api_version or shared.determine_latest_version(service_name, type_name)
            extras = [one._find_extras(service_name, type_name, version) for one in (self, shared)]
            if not any(True for found in extras for _ in found):
                reader = shared
        model: dict[str, Any] = reader.load_service_model(service_name, type_name, api_version)
        return model


@cache
def loader() -> MotoLoader:
    """The process's loader."""
    return MotoLoader(extra_search_paths=[moto_root])


def new_session(*values: Any, **named: Any) -> Session:
    """A session of boto3 that reads the process's models."""
    return Session(*values, **{"botocore_session": bare_session(), **named})


_shared_session = cache(new_session)


def adopt() -> None:
    """Let moto use them, also where it asks after Regions: for these it reads a service's whole model."""
    utils: Any = moto.core.utils
    utils.create_loader = loader
    backends: Any = AccountSpecificBackend
    backends.get_session = _shared_session
