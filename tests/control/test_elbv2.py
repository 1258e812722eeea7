"""Elastic Load Balancing's API as boto3 sees it: what it takes, what it refuses, what it shows."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run


def asked(questions: Any, *, ec2: bool = True) -> Any:
    """``questions(client, subnets, vpc)`` in a thread, with a real client."""
    import asyncio

    async def main(clock: Clock) -> Any:
        async with open_sandbox(clock) as sandbox:
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}

            def ask() -> Any:
                network = boto3.client("ec2", endpoint_url=sandbox.endpoint, **keys)
                vpc = network.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] if ec2 else "vpc-1"
                subnets = [
                    network.create_subnet(
                        VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{z}"
                    )["Subnet"]["SubnetId"]
                    for n, z in enumerate("aab" if ec2 else "")
                ]
                return questions(boto3.client("elbv2", endpoint_url=sandbox.endpoint, **keys), subnets, vpc)

            with clock.in_flight("test"):
                return await asyncio.to_thread(ask)

    return run(main)


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**params)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def group(elb: Any, name: str = "g", vpc: str = "vpc-1", **more: Any) -> str:
    basics = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip", **more}
    return str(elb.create_target_group(Name=name, **basics)["TargetGroups"][0]["TargetGroupArn"])


def test_a_load_balancer_from_birth_to_death() -> None:
    def questions(elb: Any, subnets: list[str], vpc: str) -> Any:
        made = elb.create_load_balancer(Name="chat", Subnets=subnets[1:], Tags=[{"Key": "a", "Value": "b"}])
        balancer = made["LoadBalancers"][0]
        arn = balancer["LoadBalancerArn"]
        elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn])
        target_group = group(elb, vpc=vpc)
        action = [{"Type": "forward", "TargetGroupArn": target_group}]
        listener = elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=action)
        again = refused(
            elb.create_listener, LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=action
        )
        held = refused(elb.delete_target_group, TargetGroupArn=target_group)
        users = elb.describe_target_groups(Names=["g"])["TargetGroups"][0]["LoadBalancerArns"]
        tags = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
        twice = refused(elb.create_load_balancer, Name="chat", Subnets=subnets[1:])
        elb.delete_load_balancer(LoadBalancerArn=arn)
        elb.delete_target_group(TargetGroupArn=target_group)
        gone = refused(elb.describe_load_balancers, LoadBalancerArns=[arn])
        return balancer, listener["Listeners"][0], again, held, (users, arn), tags, twice, gone

    balancer, listener, again, held, (users, arn), tags, twice, gone = asked(questions)
    assert balancer["DNSName"].startswith("chat-")
    assert balancer["DNSName"].endswith(".us-east-1.elb.amazonaws.com")
    assert [zone["ZoneName"] for zone in balancer["AvailabilityZones"]] == ["us-east-1a", "us-east-1b"]
    assert listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"][0]["Weight"] == 1
    assert again[0] == "DuplicateListener"
    assert held[0] == "ResourceInUse"
    assert users == [arn]
    assert tags == [{"Key": "a", "Value": "b"}]
    assert twice[0] == "DuplicateLoadBalancerName"
    assert gone[0] == "LoadBalancerNotFound"


def test_subnets_must_be_in_two_zones() -> None:
    def questions(elb: Any, subnets: list[str], vpc: str) -> Any:
        return (
            refused(elb.create_load_balancer, Name="x", Subnets=subnets[:1])[0],
            refused(elb.create_load_balancer, Name="x", Subnets=subnets)[0],
            refused(elb.create_load_balancer, Name="x", Subnets=["subnet-0"])[0],
        )

    assert asked(questions) == ("ValidationError", "InvalidConfigurationRequest", "SubnetNotFound")


@pytest.mark.parametrize(
    ("key", "value", "taken"),
    [
        ("deregistration_delay.timeout_seconds", "3600", True),
        ("deregistration_delay.timeout_seconds", "3601", False),
        ("slow_start.duration_seconds", "0", True),
        ("slow_start.duration_seconds", "29", False),
        ("stickiness.lb_cookie.duration_seconds", "604800", True),
        ("stickiness.lb_cookie.duration_seconds", "0", False),
        ("stickiness.app_cookie.cookie_name", "AWSALBX", False),
        ("load_balancing.algorithm.type", "random", False),
        ("no.such.attribute", "1", False),
    ],
)
def test_attributes_are_judged(key: str, value: str, taken: bool) -> None:
    def questions(elb: Any, subnets: list[str], vpc: str) -> Any:
        arn, wanted = group(elb), [{"Key": key, "Value": value}]
        if not taken:
            return refused(elb.modify_target_group_attributes, TargetGroupArn=arn, Attributes=wanted)
        elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=wanted)
        shown = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
        return {one["Key"]: one["Value"] for one in shown}[key]

    found = asked(questions, ec2=False)
    assert found == value if taken else found[0] == "ValidationError"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"HealthCheckTimeoutSeconds": 30}, "must be smaller than the interval"),
        ({"HealthCheckTimeoutSeconds": 6, "HealthCheckIntervalSeconds": 5}, "smaller than the interval '5'"),
        ({"Matcher": {"HttpCode": "200,600"}}, "must be within '200-499'"),
        ({"HealthCheckPath": "health"}, "must begin with a '/'"),
        ({"ProtocolVersion": "HTTP3"}, "must be one of HTTP1, HTTP2, GRPC"),
    ],
)
def test_health_checks_are_judged(params: Any, words: str) -> None:
    def questions(elb: Any, subnets: list[str], vpc: str) -> Any:
        basics = {"Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "TargetType": "ip"}
        return refused(elb.create_target_group, Name="g", **basics, **params)

    assert words in asked(questions, ec2=False)[1]


def test_targets_of_a_group_that_nobody_uses_are_unused() -> None:
    def questions(elb: Any, subnets: list[str], vpc: str) -> Any:
        arn = group(elb)
        elb.register_targets(
            TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": 1}, {"Id": "127.0.0.2"}]
        )
        wrong = refused(elb.register_targets, TargetGroupArn=arn, Targets=[{"Id": "no-ip"}])
        shown = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        other = [{"Id": "127.0.0.9", "Port": 9}]
        asked_for = elb.describe_target_health(TargetGroupArn=arn, Targets=other)["TargetHealthDescriptions"]
        elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": 1}])
        left = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return wrong, shown, asked_for[0]["TargetHealth"], [one["Target"] for one in left]

    wrong, shown, other, left = asked(questions, ec2=False)
    assert wrong[0] == "ValidationError"
    assert [one["Target"]["Port"] for one in shown] == [1, 80]
    assert {one["TargetHealth"]["State"] for one in shown} == {"unused"}
    assert shown[0]["TargetHealth"]["Reason"] == "Target.NotInUse"
    assert other["Reason"] == "Target.NotRegistered"
    assert left == [{"Id": "127.0.0.2", "Port": 80}]


def test_rules_are_judged_and_shown_in_their_order() -> None:
    def questions(elb: Any, subnets: list[str], vpc: str) -> Any:
        arn = elb.create_load_balancer(Name="x", Subnets=subnets[1:])["LoadBalancers"][0]["LoadBalancerArn"]
        fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
        made = elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=fixed)
        listener = made["Listeners"][0]["ListenerArn"]

        def rule(priority: int, *values: str, actions: Any = fixed) -> dict[str, Any]:
            conditions = [{"Field": "path-pattern", "Values": list(values)}]
            return {
                "ListenerArn": listener,
                "Priority": priority,
                "Conditions": conditions,
                "Actions": actions,
            }

        elb.create_rule(**rule(20, "/b"))
        elb.create_rule(**rule(10, "/a"))
        shown = elb.describe_rules(ListenerArn=listener)["Rules"]
        default = shown[-1]["RuleArn"]
        nowhere = [{"Type": "forward", "TargetGroupArn": "arn:x"}]
        loop = [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}]
        oidc = [
            {
                "Type": "authenticate-cognito",
                "AuthenticateCognitoConfig": {
                    "UserPoolArn": "a",
                    "UserPoolClientId": "b",
                    "UserPoolDomain": "c",
                },
            }
        ]
        return [one["Priority"] for one in shown], {
            "taken": refused(elb.create_rule, **rule(10, "/c")),
            "many": refused(elb.create_rule, **rule(11, *(f"/{n}" for n in range(6)))),
            "default": refused(elb.delete_rule, RuleArn=default),
            "loop": refused(elb.create_rule, **rule(12, "/c", actions=loop)),
            "login": refused(elb.create_rule, **rule(13, "/c", actions=oidc)),
            "group": refused(elb.create_rule, **rule(14, "/c", actions=nowhere)),
        }  # fmt: skip

    order, errors = asked(questions)
    assert order == ["10", "20", "default"]
    assert {name: code for name, (code, _) in errors.items()} == {
        "taken": "PriorityInUse",
        "many": "ValidationError",
        "default": "OperationNotPermitted",
        "loop": "InvalidLoadBalancerAction",
        "login": "InvalidLoadBalancerAction",
        "group": "TargetGroupNotFound",
    }
    assert "only on HTTPS listeners" in errors["login"][1]


def test_logins_are_judged() -> None:
    def questions(elb: Any, subnets: list[str], vpc: str) -> Any:
        arn = elb.create_load_balancer(Name="x", Subnets=subnets[1:])["LoadBalancers"][0]["LoadBalancerArn"]
        last = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}, "Order": 2}
        url = "https://idp.example.com"
        config = {
            "Issuer": url, "AuthorizationEndpoint": f"{url}/a", "TokenEndpoint": f"{url}/t",
            "UserInfoEndpoint": f"{url}/u", "ClientId": "me", "ClientSecret": "s",
        }  # fmt: skip

        def listener(*actions: Any, **changes: Any) -> dict[str, Any]:
            login = {"Type": "authenticate-oidc", "AuthenticateOidcConfig": {**config, **changes}, "Order": 1}
            tls = {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": "arn:c"}]}
            return {
                "LoadBalancerArn": arn,
                "Port": 443,
                "DefaultActions": list(actions) or [last, login],
                **tls,
            }

        pool = {
            "UserPoolArn": "arn:aws:cognito-idp:us-east-1:0:userpool/us-east-1_No",
            "UserPoolClientId": "no",
        }
        cognito = {
            "Type": "authenticate-cognito", "Order": 1,
            "AuthenticateCognitoConfig": {**pool, "UserPoolDomain": "no"},
        }  # fmt: skip
        errors = {
            "without the last": refused(elb.create_listener, **listener({**last, "Type": "other"})),
            "no order": refused(elb.create_listener, **listener(cognito, {**last, "Order": 1})),
            "no pool": refused(elb.create_listener, **listener(cognito, last)),
            "no secret": refused(elb.create_listener, **listener(ClientSecret="")),
            "no TLS": refused(elb.create_listener, **listener(TokenEndpoint="http://idp.example.com/t")),
            "too long": refused(elb.create_listener, **listener(SessionTimeout=604_801)),
        }
        made = elb.create_listener(**listener())["Listeners"][0]
        own = {name: value for name, value in config.items() if name != "ClientSecret"}
        again = [{"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": own}, last]
        changed = {"ListenerArn": made["ListenerArn"], "DefaultActions": again}
        errors["forgotten"] = refused(elb.modify_listener, **changed)
        again[0]["AuthenticateOidcConfig"] = {**own, "UseExistingClientSecret": True}  # type: ignore[index]
        elb.modify_listener(**changed)
        return made, errors

    made, errors = asked(questions)
    assert [action["Type"] for action in made["DefaultActions"]] == ["authenticate-oidc", "fixed-response"]
    assert made["DefaultActions"][0]["AuthenticateOidcConfig"]["Scope"] == "openid"
    assert "ClientSecret" not in made["DefaultActions"][0]["AuthenticateOidcConfig"]
    assert {name: code for name, (code, _) in errors.items()} == {
        "without the last": "NotImplemented",
        "no order": "InvalidLoadBalancerAction",
        "no pool": "InvalidLoadBalancerAction",
        "no secret": "ValidationError",
        "no TLS": "ValidationError",
        "too long": "ValidationError",
        "forgotten": "ValidationError",
    }
