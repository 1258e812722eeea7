"""The services that are asked of LocalStack when it has them, each with the call that finds that out.

Its health page names services that do not work: DynamoDB is listed where the program behind it could not be
installed. So a service is LocalStack's when it answers a real call.

Not in the table, and so never LocalStack's, are the services whose records our data planes read (Lambda, API Gateway,
Cognito, AppSync, IoT, ECS, load balancers), CloudFormation, whose engine is ours, and EC2: the load balancers and
tasks, which LocalStack lacks, stand in moto's subnets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that reads and needs no parameters, by its wire form.

    ``signing``: the service's name in a credential scope. ``with_``: the service that this one is nothing without.
    ``own_time``: it waits, hides or expires by LocalStack's own clock, the machine's.
    """

    signing: str
    method: str = "POST"
    path: str = "/"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    with_: str | None = None
    own_time: bool = False


def _json(signing: str, target: str, version: str = "1.1", **more: object) -> Probe:
    headers = (("Content-Type", f"application/x-amz-json-{version}"), ("X-Amz-Target", target))
    return Probe(signing, body=json.dumps({}).encode(), headers=headers, **more)  # type: ignore[arg-type]


def _query(signing: str, action: str, version: str, **more: object) -> Probe:
    headers = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)
    body = urlencode({"Action": action, "Version": version}).encode()
    return Probe(signing, body=body, headers=headers, **more)  # type: ignore[arg-type]


def _rest(signing: str, path: str, **more: object) -> Probe:
    return Probe(signing, "GET", path, **more)  # type: ignore[arg-type]


# Source of targets, versions and paths: botocore's service models.
PROBES: dict[str, Probe] = {
    "acm": _json("acm", "CertificateManager.ListCertificates"),
    "cloudwatch": _query("monitoring", "ListDashboards", "2010-08-01"),
    "config": _json("config", "StarlingDoveService.DescribeConfigurationRecorders"),
    "dynamodb": _json("dynamodb", "DynamoDB_20120810.ListTables", "1.0"),
    "dynamodbstreams": _json("dynamodb", "DynamoDBStreams_20120810.ListStreams", "1.0", with_="dynamodb"),
    "events": _json("events", "AWSEvents.ListEventBuses", own_time=True),
    "firehose": _json("firehose", "Firehose_20150804.ListDeliveryStreams"),
    "iam": _query("iam", "ListAccountAliases", "2010-05-08"),
    "kinesis": _json("kinesis", "Kinesis_20131202.ListStreams"),
    "kms": _json("kms", "TrentService.ListKeys"),
    "logs": _json("logs", "Logs_20140328.DescribeLogGroups"),
    "opensearch": _rest("es", "/2021-01-01/domain"),
    "resource-groups": Probe("resource-groups", "POST", "/groups-list"),
    "resourcegroupstaggingapi": _json("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources"),
    "route53": _rest("route53", "/2013-04-01/hostedzone"),
    "s3": _rest("s3", "/"),
    "s3control": _rest("s3", "/v20180820/accesspoint", with_="s3"),
    "scheduler": _rest("scheduler", "/schedules", own_time=True),
    "secretsmanager": _json("secretsmanager", "secretsmanager.ListSecrets"),
    "ses": _query("ses", "ListIdentities", "2010-12-01"),
    "sns": _query("sns", "ListTopics", "2010-03-31", own_time=True),
    "sqs": _json("sqs", "AmazonSQS.ListQueues", "1.0", own_time=True),
    "ssm": _json("ssm", "AmazonSSM.DescribeParameters"),
    "stepfunctions": _json("states", "AWSStepFunctions.ListStateMachines", "1.0", own_time=True),
    "sts": _query("sts", "GetCallerIdentity", "2011-06-15"),
    "transcribe": _json("transcribe", "Transcribe.ListTranscriptionJobs"),
}
