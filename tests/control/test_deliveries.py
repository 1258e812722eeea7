"""Deliveries to Lambda functions are refused when they are asked for; the others work."""

from __future__ import annotations

from typing import Any

from tests.control.helpers import refused

ARN = "arn:aws:lambda:us-east-1:000000000000:function:chat"


def test_sns(served: Any) -> None:
    sns = served.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    status, code, message = refused(sns.subscribe, TopicArn=topic, Protocol="lambda", Endpoint=ARN)
    assert (status, code) == (501, "NotImplemented")
    assert message == "The sandbox does not emulate SNS subscriptions of Lambda functions."
    assert sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com")["SubscriptionArn"]


def test_s3(served: Any) -> None:
    s3, sqs = served.client("s3"), served.client("sqs")
    s3.create_bucket(Bucket="models")
    sqs.create_queue(QueueName="q")
    queue = {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q", "Events": ["s3:ObjectCreated:*"]}
    function = {"LambdaFunctionArn": ARN, "Events": ["s3:ObjectCreated:*"]}
    put = s3.put_bucket_notification_configuration
    put(Bucket="models", NotificationConfiguration={"QueueConfigurations": [queue]})
    found = refused(
        put, Bucket="models", NotificationConfiguration={"LambdaFunctionConfigurations": [function]}
    )
    assert found[:2] == (501, "NotImplemented")


def test_logs_and_events(served: Any) -> None:
    logs, events = served.client("logs"), served.client("events")
    logs.create_log_group(logGroupName="g")
    given = {"logGroupName": "g", "filterName": "f", "filterPattern": "", "destinationArn": ARN}
    assert refused(logs.put_subscription_filter, **given)[:2] == (501, "NotImplemented")
    events.put_rule(Name="r", EventPattern='{"source":["a"]}')
    assert refused(events.put_targets, Rule="r", Targets=[{"Id": "1", "Arn": ARN}])[:2] == (
        501,
        "NotImplemented",
    )
    queue = {"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    assert events.put_targets(Rule="r", Targets=[queue])["FailedEntryCount"] == 0
