"""Topics, event rules and buckets of moto deliver to our queues."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.control.conftest import served as served

ARN = "arn:aws:sqs:us-east-1:000000000000:q"


def queue_for(served: Any, service: str, source: str) -> str:
    """A queue that lets one service send for one source."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": ARN,
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = served.client("sqs").create_queue(QueueName="q", Attributes={"Policy": policy})
    return str(made["QueueUrl"])


def received(served: Any, url: str) -> dict[str, Any]:
    """The next message, which comes from another thread."""
    (message,) = served.client("sqs").receive_message(
        QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"]
    )["Messages"]
    found: dict[str, Any] = message
    return found


def test_a_topic(served: Any) -> None:
    sns = served.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    url = queue_for(served, "sns", topic)
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ARN)["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="hello")
    assert json.loads(received(served, url)["Body"])["Message"] == "hello"
    sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    attributes = {"kind": {"DataType": "String", "StringValue": "raw"}}
    sns.publish(TopicArn=topic, Message="raw", MessageAttributes=attributes)
    message = received(served, url)
    assert (message["Body"], message["MessageAttributes"]) == ("raw", attributes)


def test_a_rule(served: Any) -> None:
    events = served.client("events")
    url = queue_for(
        served, "events", events.put_rule(Name="r", EventPattern='{"source":["chat"]}')["RuleArn"]
    )
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": ARN}])
    events.put_events(Entries=[{"Source": "chat", "DetailType": "said", "Detail": '{"n":1}'}])
    assert json.loads(received(served, url)["Body"])["detail"] == {"n": 1}


def test_a_bucket(served: Any) -> None:
    s3, url = served.client("s3"), queue_for(served, "s3", "arn:aws:s3:*:*:uploads")
    s3.create_bucket(Bucket="uploads")
    queue = {"QueueArn": ARN, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration={"QueueConfigurations": [queue]}
    )
    s3.put_object(Bucket="uploads", Key="k", Body=b"x")
    assert json.loads(received(served, url)["Body"])["Event"] == "s3:TestEvent"
    assert json.loads(received(served, url)["Body"])["Records"][0]["s3"]["object"]["key"] == "k"


def refusals(served: Any, count: int = 1) -> list[Any]:
    """What the timeline tells of refused messages, once there are so many; it comes from another thread."""
    for _ in range(100):
        found = list(served.sandbox.timeline.select("sqs", "message_refused"))
        if len(found) >= count:
            return found
        time.sleep(0.02)
    return []


@pytest.mark.parametrize("allowed", ["nobody", "another topic", "another service"])
def test_a_queue_whose_policy_does_not_let_a_topic_in_gets_nothing(served: Any, allowed: str) -> None:
    sns, sqs = served.client("sns"), served.client("sqs")
    topic = sns.create_topic(Name="t")["TopicArn"]
    if allowed == "nobody":
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
    else:
        of_another = allowed == "another topic"
        url = queue_for(served, "sns" if of_another else "events", f"{topic}-x" if of_another else topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ARN)
    sns.publish(TopicArn=topic, Message="hello")
    assert "AccessDenied" in refusals(served)[-1].data["error"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_rule_and_a_bucket_need_the_queues_policy_too(served: Any) -> None:
    sqs, s3, events = (served.client(name) for name in ("sqs", "s3", "events"))
    url = queue_for(served, "s3", "arn:aws:s3:*:*:another")
    s3.create_bucket(Bucket="uploads")
    queue = {"QueueArn": ARN, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration={"QueueConfigurations": [queue]}
    )
    s3.put_object(Bucket="uploads", Key="k", Body=b"x")
    assert refusals(served)[-1].data["error"].endswith("s3.amazonaws.com send for arn:aws:s3:::uploads.")
    rule = events.put_rule(Name="r", EventPattern='{"source":["chat"]}')["RuleArn"]
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": ARN}])
    events.put_events(Entries=[{"Source": "chat", "DetailType": "said", "Detail": "{}"}])
    told = [one.data["error"] for one in refusals(served, 3)]
    assert told[-1].endswith(f"events.amazonaws.com send for {rule}.")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_queue_that_is_gone_is_told_on_the_timeline(served: Any) -> None:
    sns, sqs = served.client("sns"), served.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ARN)
    sqs.delete_queue(QueueUrl=url)
    sns.publish(TopicArn=topic, Message="hello")
    assert refusals(served)[-1].data["queue"] == "q"
