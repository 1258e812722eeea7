"""Service models are read once a process."""

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from sandbox.aws import models
from sandbox.aws.session import bare_session
from sandbox.control import moto_models


@pytest.mark.parametrize("service", ["iam", "lambda", "s3", "secretsmanager", "sqs"])
def test_models_are_those_of_botocore_and_of_moto(service):
    from moto.core.loaders import create_loader

    own = create_loader()  # adopt() changes what moto's utilities call, not this function
    pairs = [(moto_models.loader(), own)]
    if service != "s3":  # whose model botocore's own handlers change, once a client has been used
        pairs.append((models.loader(), Loader()))
    for ours, theirs in pairs:
        assert ours.load_service_model(service, "service-2") == theirs.load_service_model(
            service, "service-2"
        )


def test_sessions_share_what_was_read():
    first, second = bare_session(), bare_session()
    assert first.get_service_data("sqs") is second.get_service_data("sqs")
    assert moto_models.loader().load_service_model("iam", "service-2") is first.get_service_data("iam")


def test_a_session_of_boto3_leaves_the_search_paths_alone():
    import boto3

    before = models.loader().search_paths
    boto3.Session(botocore_session=bare_session(), region_name="us-east-1")
    assert models.loader().search_paths == before


@pytest.mark.parametrize("loader", [models.loader, moto_models.loader])
def test_an_unknown_service_is_told_with_the_known_names(loader):
    with pytest.raises(UnknownServiceError, match=r"Unknown service: 'nothing'.*lambda"):
        loader().load_service_model("nothing", "service-2")


def test_same_services_as_botocore_lists():
    theirs = botocore.session.Session().get_available_services()
    assert set(theirs) <= set(bare_session().get_available_services())
