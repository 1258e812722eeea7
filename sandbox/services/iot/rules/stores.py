"""Actions that put messages where they are kept or watched (developer guide, "AWS IoT rule actions")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.services.iot.rules.task import ActionError, Task, dumped

_MOST_RECORDS = 500  # of one PutRecordBatch


async def s3(task: Task) -> None:
    """One object a message; the same key again replaces it."""
    acl = {"ACL": task.settings["cannedAcl"]} if task.settings.get("cannedAcl") else {}
    where = {"Bucket": task.value("bucketName"), "Key": task.value("key")}
    await task.call("s3", "PutObject", **where, Body=task.body, **acl)


async def cloudwatch_logs(task: Task) -> None:
    """One event, or in ``batchMode`` those of the message. The stream's name, the rule's, is UNSOURCED."""
    where = {"logGroupName": task.value("logGroupName"), "logStreamName": task.rule.name}
    events = [{"timestamp": task.message.epoch_ms, "message": task.text}]
    if task.settings.get("batchMode"):
        events = _events(task.selected)
    try:
        await task.call("logs", "CreateLogStream", **where)
    except AwsError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise
    await task.call("logs", "PutLogEvents", **where, logEvents=events)


def _events(selected: Any) -> list[dict[str, Any]]:
    given = selected if isinstance(selected, list) else [selected]
    if not all(isinstance(one, dict) and {"timestamp", "message"} <= one.keys() for one in given):
        raise ActionError("batchMode takes a list of objects with timestamp and message")
    return [{"timestamp": one["timestamp"], "message": one["message"]} for one in given]


async def kinesis(task: Task) -> None:
    """One record. Without a partition key it is the message's id (UNSOURCED)."""
    key = task.value("partitionKey") if task.settings.get("partitionKey") else task.message.trace
    stream = task.value("streamName")
    await task.call("kinesis", "PutRecord", StreamName=stream, PartitionKey=key, Data=task.body)


async def firehose(task: Task) -> None:
    """One record, or in ``batchMode`` one for each element of a list."""
    end = str(task.settings.get("separator") or "").encode()
    stream = {"DeliveryStreamName": task.value("deliveryStreamName")}
    if not (task.settings.get("batchMode") and isinstance(task.selected, list)):
        await task.call("firehose", "PutRecord", **stream, Record={"Data": task.body + end})
        return
    if len(task.selected) > _MOST_RECORDS:
        raise ActionError(f"{len(task.selected)} records; {_MOST_RECORDS} are allowed")
    records = [{"Data": dumped(one) + end} for one in task.selected]
    await task.call("firehose", "PutRecordBatch", **stream, Records=records)


async def cloudwatch_metric(task: Task) -> None:
    """One value of a metric, now or at ``metricTimestamp`` (seconds since 1970)."""
    text = task.value("metricTimestamp") if task.settings.get("metricTimestamp") else ""
    try:
        at = float(text) if text else task.message.epoch_ms / 1000
        datum = {
            "MetricName": task.value("metricName"),
            "Value": float(task.value("metricValue")),
            "Unit": task.value("metricUnit"),
            "Timestamp": datetime.fromtimestamp(at, UTC),
        }
    except (ValueError, OverflowError, OSError) as wrong:
        raise ActionError(f"the metric's value or timestamp is no number: {wrong}") from wrong
    namespace = task.value("metricNamespace")
    await task.call("cloudwatch", "PutMetricData", Namespace=namespace, MetricData=[datum])


async def cloudwatch_alarm(task: Task) -> None:
    """Sets an alarm's state."""
    await task.call(
        "cloudwatch",
        "SetAlarmState",
        AlarmName=task.value("alarmName"),
        StateReason=task.value("stateReason"),
        StateValue=task.value("stateValue"),
    )


async def step_functions(task: Task) -> None:
    """Starts an execution, named by its prefix and a UUID."""
    settings = task.broker.sandbox.settings
    machine = (
        f"arn:aws:states:{settings.region}:{settings.account}:stateMachine:{task.value('stateMachineName')}"
    )
    prefix = task.value("executionNamePrefix") if task.settings.get("executionNamePrefix") else ""
    name = f"{prefix}{task.broker.sandbox.ids.uuid()}"
    await task.call("stepfunctions", "StartExecution", stateMachineArn=machine, name=name, input=task.text)
