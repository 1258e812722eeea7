"""WebSocket APIs before AWS services: what is then in the queue and the table, and what the client gets of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.fidelity.test_api_rest_services import TRUST
from tests.fidelity.test_api_websocket import client_of, connected, deploy, route_of
from tests.fidelity.test_api_websocket_routes import function_uri, new_api, permit

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

FAILED = "Internal server error"


async def role(world: World, *actions: str) -> str:
    document = json.dumps(TRUST)
    made = await world.aws("iam", "CreateRole", RoleName="gateway", AssumeRolePolicyDocument=document)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await world.aws("iam", "PutRolePolicy", RoleName="gateway", PolicyName="p", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


async def service(world: World, api: str, key: str, uri: str, template: str, role: str, **more: Any) -> None:
    await route_of(
        world,
        api,
        key,
        True,
        IntegrationType="AWS",
        IntegrationMethod="POST",
        IntegrationUri=f"arn:aws:apigateway:us-east-1:{uri}",
        CredentialsArn=role,
        RequestTemplates={"$default": template},
        TemplateSelectionExpression="\\$default",
        **more,
    )


async def said(client: Any, action: str, **message: Any) -> Any:
    await client.send(json.dumps({"action": action, **message}))
    return json.loads(await client.recv())


def test_dynamodb_keeps_and_finds_connections(play: Play) -> None:
    async def main(world: World) -> None:
        await world.aws(
            "dynamodb",
            "CreateTable",
            TableName="chats",
            KeySchema=[
                {"AttributeName": "room", "KeyType": "HASH"},
                {"AttributeName": "who", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("room", "who")],
            BillingMode="PAY_PER_REQUEST",
        )
        arn = await role(world, "dynamodb:PutItem", "dynamodb:Query", "dynamodb:GetItem")
        api = await new_api(world)
        room, who = '"room": {"S": "$input.path(\'$.room\')"}', '"who": {"S": "$context.connectionId"}'
        table = '"TableName": "chats"'
        put = f'{{{table}, "Item": {{{room}, {who}}}}}'
        await service(world, api, "join", "dynamodb:action/PutItem", put, arn)
        get = f'{{{table}, "Key": {{{room}, {who}}}}}'
        await service(world, api, "me", "dynamodb:action/GetItem", get, arn)
        values = '"ExpressionAttributeValues": {":r": {"S": "$input.path(\'$.room\')"}}'
        query = f'{{{table}, "KeyConditionExpression": "room = :r", {values}}}'
        await service(world, api, "who", "dynamodb:action/Query", query, arn)
        await service(world, api, "leave", "dynamodb:action/DeleteItem", get, arn)
        await deploy(world, api)
        async with client_of(world, api) as client:
            assert await said(client, "join", room="red") == {}
            item = {"room": {"S": "red"}, "who": {"S": connected(world)[0]}}
            assert (await said(client, "me", room="red"))["Item"] == item
            found = await said(client, "who", room="red")
            assert (found["Count"], found["Items"]) == (1, [item])
            denied = await said(client, "leave", room="red")  # the role may not: nothing is deleted
            assert denied["__type"] == "AccessDeniedException"
            assert (await said(client, "who", room="red"))["Count"] == 1

    play(main)


def test_sns_and_eventbridge_pass_messages_on(play: Play) -> None:
    async def main(world: World) -> None:
        services = {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}
        statement = {"Effect": "Allow", "Principal": services, "Action": "sqs:SendMessage"}
        policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
        queue = (await world.aws("sqs", "CreateQueue", QueueName="q", Attributes=policy))["QueueUrl"]
        where = {"QueueUrl": queue, "AttributeNames": ["QueueArn"]}
        queue_arn = (await world.aws("sqs", "GetQueueAttributes", **where))["Attributes"]["QueueArn"]
        topic = (await world.aws("sns", "CreateTopic", Name="t"))["TopicArn"]
        await world.aws("sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
        await world.aws("events", "PutRule", Name="r", EventPattern=json.dumps({"source": ["chat"]}))
        await world.aws("events", "PutTargets", Rule="r", Targets=[{"Id": "q", "Arn": queue_arn}])
        arn = await role(world, "sns:Publish", "events:PutEvents")
        api = await new_api(world)
        form = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}
        text = "$util.urlEncode($input.path('$.text'))"
        publish = f"TopicArn=$util.urlEncode('{topic}')&Message={text}"
        await service(world, api, "say", "sns:action/Publish", publish, arn, RequestParameters=form)
        detail = "$util.escapeJavaScript($input.json('$'))"
        entry = f'{{"Entries": [{{"Source": "chat", "DetailType": "said", "Detail": "{detail}"}}]}}'
        await service(world, api, "note", "events:action/PutEvents", entry, arn)
        await deploy(world, api)
        async with client_of(world, api) as client:
            answer = await said(client, "say", text="a & b")
            assert answer["PublishResponse"]["PublishResult"]["MessageId"]
            assert (await said(client, "note", text="hi"))["FailedEntryCount"] == 0
        await world.clock.advance(1)
        bodies = []
        for _ in range(2):
            found = await world.aws("sqs", "ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10)
            bodies += [json.loads(one["Body"]) for one in found.get("Messages", ())]
        assert [body["Message"] for body in bodies if "Message" in body] == ["a & b"]
        assert [body["detail"]["text"] for body in bodies if "detail" in body] == ["hi"]

    play(main)


def test_stepfunctions_start_an_execution(play: Play) -> None:
    async def main(world: World) -> None:
        arn = await role(world, "states:StartExecution")
        definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}})
        made = await world.aws(
            "stepfunctions", "CreateStateMachine", name="m", definition=definition, roleArn=arn
        )
        machine = made["stateMachineArn"]
        api = await new_api(world)
        given = f'{{"stateMachineArn": "{machine}", "input": "$util.escapeJavaScript($input.json(\'$\'))"}}'
        await service(world, api, "begin", "states:action/StartExecution", given, arn)
        await deploy(world, api)
        async with client_of(world, api) as client:
            started = await said(client, "begin", n=1)
        assert started["executionArn"].startswith(machine.replace(":stateMachine:", ":execution:"))
        shown = await world.aws("stepfunctions", "DescribeExecution", executionArn=started["executionArn"])
        assert json.loads(shown["input"]) == {"action": "begin", "n": 1}

    play(main)


def test_a_function_gets_what_the_template_makes_of_the_message(play: Play) -> None:
    source = "def handler(event, context):\n    return {'got': event, 'status': event['want']}"

    async def main(world: World) -> None:
        await world.python("f", source)
        await permit(world, "f")
        api = await new_api(world)
        template = (
            '#set($words = $input.path("$.words")){"want": "$input.path(\'$.want\')", "n": $words.size(),'
            ' "who": "$context.connectionId"}'
        )
        await route_of(
            world,
            api,
            "count",
            True,
            IntegrationType="AWS",
            IntegrationMethod="POST",
            IntegrationUri=function_uri("f"),
            RequestTemplates={"$default": template},
            TemplateSelectionExpression="\\$default",
        )
        route = (await world.aws("apigatewayv2", "GetRoutes", ApiId=api))["Items"][0]
        ids = {"ApiId": api, "IntegrationId": route["Target"].partition("/")[2]}
        made = await world.aws(
            "apigatewayv2",
            "CreateIntegrationResponse",
            **ids,
            IntegrationResponseKey="/5../",
            ResponseTemplates={"$default": "never"},
        )
        await deploy(world, api)
        async with client_of(world, api) as client:
            answer = await said(client, "count", words=["a", "b"], want="x")
            assert answer["got"] == {"want": "x", "n": 2, "who": connected(world)[0]}
            # The response's key and template may be changed; that counts with the next deployment.
            updated = await world.aws(
                "apigatewayv2",
                "UpdateIntegrationResponse",
                **ids,
                IntegrationResponseId=made["IntegrationResponseId"],
                IntegrationResponseKey="$default",
                ResponseTemplates={"$default": "{\"n\": $input.json('$.got.n')}"},
            )
            assert updated["IntegrationResponseKey"] == "$default"
            again = await world.aws("apigatewayv2", "CreateDeployment", ApiId=api)
            stage = {"ApiId": api, "StageName": "prod", "DeploymentId": again["DeploymentId"]}
            await world.aws("apigatewayv2", "UpdateStage", **stage)
            assert await said(client, "count", words=["a"], want="x") == {"n": 1}

    play(main)


def test_without_a_role_the_integration_fails(play: Play) -> None:
    async def main(world: World) -> None:
        api = await new_api(world)
        uri = "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem"
        integration = {"IntegrationType": "AWS", "IntegrationMethod": "POST", "IntegrationUri": uri}
        await route_of(world, api, "join", True, **integration)
        await deploy(world, api)
        async with client_of(world, api) as client:
            assert (await said(client, "join"))["message"] == FAILED

    play(main)
