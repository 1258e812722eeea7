"""What the deployment tools need of the services around CloudFormation."""

from __future__ import annotations

import json
from typing import Any

BUCKET = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "tools"}},
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Bucket"},
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Action": "s3:*",
                            "Effect": "Deny",
                            "Principal": "*",
                            "Resource": "arn:aws:s3:::tools/*",
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ]
                },
            },
        },
    }
}


def test_bucket_that_wants_tls_takes_objects(play: Any) -> None:
    async def body(lab: Any) -> None:
        assert (await lab.create(json.dumps(BUCKET)))["StackStatus"] == "CREATE_COMPLETE"
        await lab.aws("s3", "PutObject", Bucket="tools", Key="k", Body=b"x")
        assert (await lab.aws("s3", "GetObject", Bucket="tools", Key="k"))["Body"].read() == b"x"

    play(body)


def test_aws_managed_policy_is_attached(play: Any) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "r",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
            "ManagedPolicyArns": [arn],
        },
    }

    async def body(lab: Any) -> None:
        stack = await lab.create(json.dumps({"Resources": {"R": role}}))
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        found = await lab.aws("iam", "ListAttachedRolePolicies", RoleName="r")
        assert [policy["PolicyArn"] for policy in found["AttachedPolicies"]] == [arn]

    play(body)


def test_reset_forgets_the_stacks(play: Any) -> None:
    async def body(lab: Any) -> None:
        await lab.create(json.dumps(BUCKET))
        await lab.sandbox.control.reset()
        assert (await lab.cfn("ListStacks"))["StackSummaries"] == []

    play(body)
