"""moto's services through unmodified boto3, over a socket."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError


def test_s3_path_style(served: Any) -> None:
    s3 = served.client("s3")
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="a dir/ü+1.txt", Body=b"hello", Metadata={"my_key": "1"})
    found = s3.get_object(Bucket="models", Key="a dir/ü+1.txt")
    assert found["Body"].read() == b"hello"
    assert found["Metadata"] == {"my_key": "1"}
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="models")["Contents"]] == ["a dir/ü+1.txt"]
    assert s3.head_object(Bucket="models", Key="a dir/ü+1.txt")["ContentLength"] == 5


def to_loopback(request: Any, **_: Any) -> None:
    """Send a request to 127.0.0.1 with the Host header of its address."""
    host = urlsplit(request.url).netloc
    request.headers["Host"] = host
    request.url = request.url.replace(host, f"127.0.0.1:{host.rpartition(':')[2]}")


def test_s3_virtual_host_style(served: Any) -> None:
    s3 = served.client(
        "s3",
        endpoint_url=f"http://s3.localhost:{served.port}",
        config=Config(s3={"addressing_style": "virtual"}, retries={"total_max_attempts": 1}),
    )
    s3.meta.events.register("before-send.s3.*", to_loopback)  # not every resolver knows *.localhost
    s3.create_bucket(Bucket="answers")
    s3.put_object(Bucket="answers", Key="x/y.json", Body=b"{}")
    assert s3.get_object(Bucket="answers", Key="x/y.json")["Body"].read() == b"{}"
    assert served.client("s3").get_object(Bucket="answers", Key="x/y.json")["Body"].read() == b"{}"


def test_s3_upload_of_a_file(served: Any, tmp_path: Any) -> None:
    s3 = served.client("s3")
    s3.create_bucket(Bucket="uploads")
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(range(256)) * 40_000)  # larger than boto3's threshold for parts
    s3.upload_file(str(file), "uploads", "k")
    assert s3.get_object(Bucket="uploads", Key="k")["Body"].read() == file.read_bytes()


@pytest.mark.parametrize("signed", [False, True])
def test_s3_upload_in_aws_chunks(served: Any, signed: bool) -> None:
    """As the SDKs send a stream: chunks with their own sizes, signatures and a trailer (S3 API Reference)."""
    s3 = served.client("s3")
    s3.create_bucket(Bucket="uploads")
    signature = ";chunk-signature=" + "0" * 64 if signed else ""
    chunks = [b"hello ", b"world"]
    body = b"".join(f"{len(chunk):x}{signature}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    body += f"0{signature}\r\n".encode() + (b"\r\n" if signed else b"x-amz-checksum-crc32:DUoRhQ==\r\n\r\n")
    mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" if signed else "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.port}/uploads/streamed",
        body,
        {
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/s3/aws4_request, x, y",
            "Content-Encoding": "aws-chunked",
            "Content-Type": "text/plain",
            "x-amz-content-sha256": mode,
            "x-amz-decoded-content-length": "11",
            **({} if signed else {"x-amz-trailer": "x-amz-checksum-crc32"}),
        },
        method="PUT",
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    found = s3.get_object(Bucket="uploads", Key="streamed")
    assert found["Body"].read() == b"hello world"
    assert "aws-chunked" not in found.get("ContentEncoding", "")


def test_s3_presigned_url(served: Any) -> None:
    s3 = served.client("s3")
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="k", Body=b"data")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "models", "Key": "k"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"data"


def test_sqs_by_json(served: Any) -> None:
    sqs = served.client("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    assert url == f"http://127.0.0.1:{served.port}/000000000000/work"
    sqs.send_message(
        QueueUrl=url, MessageBody="a & b", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}}
    )
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == "a & b"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_sqs_by_query(served: Any) -> None:
    def ask(**fields: str) -> str:
        body = "&".join(f"{name}={value}" for name, value in {"Version": "2012-11-05", **fields}.items())
        headers = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/sqs/aws4_request, x, y"
        }
        request = urllib.request.Request(f"http://127.0.0.1:{served.port}/", body.encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return str(answer.read().decode())

    assert "/000000000000/old</QueueUrl>" in ask(Action="CreateQueue", QueueName="old")
    url = f"http://127.0.0.1:{served.port}/000000000000/old"
    ask(Action="SendMessage", QueueUrl=url, MessageBody="hello")
    assert "<Body>hello</Body>" in ask(Action="ReceiveMessage", QueueUrl=url, WaitTimeSeconds="5")


def test_sns_to_sqs(served: Any) -> None:
    sns, sqs = served.client("sns"), served.client("sqs")
    topic = sns.create_topic(Name="events")["TopicArn"]
    assert topic == "arn:aws:sns:us-east-1:000000000000:events"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    queue = sqs.create_queue(QueueName="q", Attributes={"Policy": policy})["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:q")
    sns.publish(TopicArn=topic, Message="hi")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hi"


def test_dynamodb(served: Any) -> None:
    table = served.client("dynamodb")
    table.create_table(
        TableName="connections",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.get_waiter("table_exists").wait(TableName="connections")
    table.put_item(TableName="connections", Item={"id": {"S": "c1"}, "n": {"N": "1"}})
    found = table.get_item(TableName="connections", Key={"id": {"S": "c1"}})["Item"]
    assert found == {"id": {"S": "c1"}, "n": {"N": "1"}}
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        table.get_item(TableName="none", Key={"id": {"S": "c1"}})


def test_logs_ssm_secrets_events(served: Any) -> None:
    logs = served.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/chat")
    logs.create_log_stream(logGroupName="/aws/lambda/chat", logStreamName="s")
    now_ms = int(served.sandbox.clock.epoch() * 1000)
    logs.put_log_events(
        logGroupName="/aws/lambda/chat", logStreamName="s", logEvents=[{"timestamp": now_ms, "message": "m"}]
    )
    events = logs.get_log_events(logGroupName="/aws/lambda/chat", logStreamName="s")["events"]
    assert [event["message"] for event in events] == ["m"]

    ssm = served.client("ssm")
    ssm.put_parameter(Name="/a/key", Value="v", Type="SecureString")
    assert ssm.get_parameter(Name="/a/key", WithDecryption=True)["Parameter"]["Value"] == "v"

    secrets = served.client("secretsmanager")
    arn = secrets.create_secret(Name="openai", SecretString="sk")["ARN"]
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:openai-")
    assert secrets.get_secret_value(SecretId="openai")["SecretString"] == "sk"

    bus = served.client("events")
    bus.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    assert [rule["Name"] for rule in bus.list_rules()["Rules"]] == ["hourly"]


def test_ec2_elbv2_ecs(served: Any) -> None:
    ec2 = served.client("ec2")
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    assert vpc["IsDefault"]
    assert vpc["OwnerId"] == "000000000000"
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    elb = served.client("elbv2")
    (made,) = elb.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"]
    (found,) = elb.describe_load_balancers(Names=["front"])["LoadBalancers"]
    assert made["LoadBalancerArn"] == found["LoadBalancerArn"]
    ecs = served.client("ecs")
    ecs.create_cluster(clusterName="apps")
    assert ecs.list_clusters()["clusterArns"] == ["arn:aws:ecs:us-east-1:000000000000:cluster/apps"]


def test_other_regions_are_apart(served: Any) -> None:
    west = served.client("sqs", region_name="us-west-2")
    west.create_queue(QueueName="there")
    assert "QueueUrls" not in served.client("sqs").list_queues()
    assert len(west.list_queues()["QueueUrls"]) == 1


@pytest.mark.parametrize(
    ("service", "call", "parameters", "named"),
    [
        (
            "bedrock-runtime",
            "converse",
            {"modelId": "m", "messages": []},
            "bedrock-runtime POST /model/m/converse",
        ),
        ("translate", "list_languages", {}, "translate ListLanguages"),
        ("gamelift", "list_builds", {}, "gamelift ListBuilds"),
        ("cloudsearch", "describe_domains", {}, "cloudsearch DescribeDomains"),
        ("apigateway", "get_documentation_parts", {"restApiId": "x"}, "API Gateway GetDocumentationParts"),
        ("lambda", "list_capacity_providers", {}, "lambda ListCapacityProviders"),
    ],
)
def test_unknown_operations_are_named(
    served: Any, service: str, call: str, parameters: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(served.client(service), call)(**parameters)
    error = raised.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert error["Error"]["Code"] == "NotImplemented"
    assert named in error["Error"]["Message"]


def test_a_request_that_names_no_service(served: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"http://127.0.0.1:{served.port}/nothing")
    assert raised.value.code == 501
    assert "nothing in the request names an AWS service" in raised.value.read().decode()
