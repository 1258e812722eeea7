"""Queues, their policies and event source mappings in templates; SAM's ``SQS`` event."""

from __future__ import annotations

import json
from typing import Any

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Size: {Type: Number, Default: 5}
Resources:
  Dead: {Type: AWS::SQS::Queue}
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
      Tags: [{Key: team, Value: chat}]
  MaySend:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Jobs]
      PolicyDocument:
        Statement: [{Effect: Allow, Principal: "*", Action: sqs:SendMessage, Resource: !GetAtt Jobs.Arn}]
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      InlineCode: "def handler(event, context): return None"
      Events:
        Jobs:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: !Ref Size
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 4}
            FilterCriteria: {Filters: [{Pattern: '{"body": {"kind": ["chat"]}}'}]}
Outputs:
  Url: {Value: !Ref Jobs}
"""


def test_a_worker_of_a_queue_is_made_changed_and_removed(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(TEMPLATE)
        assert stack["StackStatus"] == "CREATE_COMPLETE", await lab.events()
        (mapping,) = (await lab.aws("lambda", "ListEventSourceMappings"))["EventSourceMappings"]
        assert mapping["UUID"] == await lab.physical("WorkerJobs")
        assert (mapping["BatchSize"], mapping["FunctionResponseTypes"]) == (5, ["ReportBatchItemFailures"])
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": 4}
        url = lab.outputs(stack)["Url"]
        shown = await lab.aws("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
        assert json.loads(shown["Attributes"]["RedrivePolicy"])["maxReceiveCount"] in (3, "3")
        assert json.loads(shown["Attributes"]["Policy"])["Statement"][0]["Action"] == "sqs:SendMessage"
        assert (await lab.aws("sqs", "ListQueueTags", QueueUrl=url))["Tags"]["team"] == "chat"

        parameters = [{"ParameterKey": "Size", "ParameterValue": "1"}]
        await lab.update(
            TEMPLATE.replace("            ScalingConfig: {MaximumConcurrency: 4}\n", ""),
            Parameters=parameters,
        )
        (mapping,) = (await lab.aws("lambda", "ListEventSourceMappings"))["EventSourceMappings"]
        assert mapping["BatchSize"] == 1

        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"
        assert (await lab.aws("lambda", "ListEventSourceMappings"))["EventSourceMappings"] == []
        assert "QueueUrls" not in await lab.aws("sqs", "ListQueues")

    play(body)


def test_a_mapping_that_lambda_refuses_rolls_back_and_says_why(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(TEMPLATE.replace("VisibilityTimeout: 60", "VisibilityTimeout: 2"))
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        reason = await lab.reason("WorkerJobs")
        assert "Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds" in reason

    play(body)
