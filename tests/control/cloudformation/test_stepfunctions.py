"""State machines of custom resources that wait: the function is asked again until it has what it waits for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationResult

F = "arn:aws:lambda:us-east-1:000000000000:function:"
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 360, "BackoffRate": 1}]
WAITER = {
    "StartAt": "isComplete",
    "States": {
        "isComplete": {
            "Type": "Task",
            "Resource": "${IsComplete}",
            "Retry": RETRY,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "onTimeout"}],
            "End": True,
        },
        "onTimeout": {"Type": "Task", "Resource": f"{F}timeout", "End": True},
    },
}
TEMPLATE = """
Resources:
  Waiter:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      DefinitionString: %s
      DefinitionSubstitutions: {IsComplete: 'arn:aws:lambda:us-east-1:000000000000:function:complete'}
      RoleArn: arn:aws:iam::000000000000:role/waiter
      Tags: [{Key: a, Value: b}]
Outputs: {Name: {Value: !GetAtt Waiter.Name}}
"""


class Later:
    """``complete`` fails so many times and then answers; ``timeout`` gives its event back."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.asked: list[str] = []

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        name = invocation.function.rpartition(":")[2]
        self.asked.append(name)
        if name == "timeout":
            return InvocationResult(200, invocation.payload, None, "1", "r")
        if len(self.asked) <= self.failures:
            failure = json.dumps({"errorType": "Retry", "errorMessage": "not yet"})
            return InvocationResult(200, failure.encode(), "Unhandled", "1", "r")
        return InvocationResult(200, b'{"ready": true}', None, "1", "r")


async def machine(lab: Any, definition: Any) -> str:
    """The state machine of a stack."""
    stack = await lab.create(TEMPLATE % json.dumps(json.dumps(definition)))
    assert stack["StackStatus"] == "CREATE_COMPLETE", await lab.reason("Waiter")
    return str(await lab.physical("Waiter"))


async def finished(lab: Any, arn: str, **given: Any) -> tuple[dict[str, Any], float]:
    """An execution at its end, and how long it took."""
    started = await lab.aws("stepfunctions", "StartExecution", stateMachineArn=arn, input='{"n": 1}', **given)
    while True:
        shown = await lab.aws("stepfunctions", "DescribeExecution", executionArn=started["executionArn"])
        if shown["status"] != "RUNNING":
            return shown, (shown["stopDate"] - shown["startDate"]).total_seconds()
        with lab.sandbox.clock.in_flight("patience"):
            await asyncio.sleep(600)


def test_waiter_asks_until_it_is_complete(play: Any) -> None:
    async def body(lab: Any) -> None:
        function = lab.sandbox.lambda_ = Later(failures=3)
        arn = await machine(lab, WAITER)
        found, seconds = await finished(lab, arn, name="one")
        assert (found["status"], json.loads(found["output"]), found["input"]) == (
            "SUCCEEDED",
            {"ready": True},
            '{"n": 1}',
        )
        assert (function.asked, seconds) == (["complete"] * 4, pytest.approx(30.0))
        for text in ("{}", '{"n": 1}'):  # over, so that the same input is none too
            with pytest.raises(AwsError, match="ExecutionAlreadyExists"):
                await lab.aws("stepfunctions", "StartExecution", stateMachineArn=arn, name="one", input=text)
        tags = await lab.aws("stepfunctions", "ListTagsForResource", resourceArn=arn)
        assert tags["tags"] == [{"key": "a", "value": "b"}]
        await lab.delete()
        assert (await lab.aws("stepfunctions", "ListStateMachines"))["stateMachines"] == []

    play(body)


def test_waiter_gives_up(play: Any) -> None:
    async def body(lab: Any) -> None:
        function = lab.sandbox.lambda_ = Later(failures=1_000)
        found, seconds = await finished(lab, await machine(lab, WAITER))
        assert (found["status"], seconds) == ("SUCCEEDED", pytest.approx(3_600.0))
        assert json.loads(found["output"])["Error"] == "Retry"
        assert function.asked == ["complete"] * 361 + ["timeout"]

    play(body)


def test_execution_fails_without_a_catcher(play: Any) -> None:
    async def body(lab: Any) -> None:
        lab.sandbox.lambda_ = Later(failures=1)
        state = {"Type": "Task", "Resource": f"{F}complete", "End": True}
        wait = {"Type": "Wait", "Seconds": 5, "Next": "ask"}
        definition = {"StartAt": "wait", "States": {"wait": wait, "ask": state}}
        found, seconds = await finished(lab, await machine(lab, definition))
        assert (found["status"], found["error"], seconds) == ("FAILED", "Retry", pytest.approx(5.0))
        assert json.loads(found["cause"])["errorMessage"] == "not yet"

    play(body)


def test_execution_is_stopped(play: Any) -> None:
    async def body(lab: Any) -> None:
        wait = {"Type": "Wait", "Seconds": 50, "End": True}
        arn = await machine(lab, {"StartAt": "wait", "States": {"wait": wait}})
        started = await lab.aws("stepfunctions", "StartExecution", stateMachineArn=arn)
        await lab.aws("stepfunctions", "StopExecution", executionArn=started["executionArn"], cause="enough")
        other = await lab.aws("stepfunctions", "StartExecution", stateMachineArn=arn)
        for status, wanted in (("ABORTED", started), ("RUNNING", other)):
            listed = await lab.aws(
                "stepfunctions", "ListExecutions", stateMachineArn=arn, statusFilter=status
            )
            assert [one["executionArn"] for one in listed["executions"]] == [wanted["executionArn"]]
            assert ("stopDate" in listed["executions"][0]) == (status == "ABORTED")

    play(body)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"Type": "Choice", "Choices": []}, "Choice states"),
        (
            {
                "Type": "Task",
                "Resource": f"{F}f",
                "End": True,
                "Retry": [{**RETRY[0], "JitterStrategy": "FULL"}],
            },
            "jitter",
        ),
        ({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}, "sqs:sendMessage"),
        ({"Type": "Task", "Resource": f"{F}f", "ResultPath": "$.x", "End": True}, "'ResultPath'"),
    ],
)
def test_what_is_not_played_fails_the_stack_by_name(play: Any, state: Any, words: str) -> None:
    async def body(lab: Any) -> None:
        definition = json.dumps(json.dumps({"StartAt": "a", "States": {"a": state}}))
        assert (await lab.create(TEMPLATE % definition))["StackStatus"] == "ROLLBACK_COMPLETE"
        reason = await lab.reason("Waiter")
        assert words in reason
        assert "Status Code: 501" in reason

    play(body)


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("{", "INVALID_JSON_DESCRIPTION"),
        ('{"StartAt": "a"}', "'States' is required"),
        ('{"StartAt": "a", "States": ["a"]}', "'States' is required"),
        ('{"StartAt": "a", "States": {"a": {"Type": "Pass"}}}', "no state None at /States/a/Next"),
        ('{"StartAt": "a", "States": {"a": {"Type": "Wait", "End": true}}}', "'Seconds' should be a number"),
        ('{"StartAt": "a", "States": {"b": {"Type": "Succeed"}}}', "no state 'a'"),
        ('{"StartAt": "a", "States": {"a": {"Type": "Nap"}}}', "Type is not one of"),
    ],
)
def test_definition_that_is_wrong(play: Any, definition: str, words: str) -> None:
    async def body(lab: Any) -> None:
        with pytest.raises(AwsError, match=words) as refused:
            await lab.aws(
                "stepfunctions",
                "CreateStateMachine",
                name="m",
                definition=definition,
                roleArn="arn:aws:iam::0:role/r",
            )
        assert refused.value.code == "InvalidDefinition"

    play(body)


def test_states_that_ask_no_function(play: Any) -> None:
    states = {
        "same": {"Type": "Pass", "Next": "other"},
        "other": {"Type": "Pass", "Result": {"b": 2}, "Next": "end"},
        "end": {"Type": "Succeed"},
        "no": {"Type": "Fail", "Error": "Mine", "Cause": "enough"},
    }

    async def body(lab: Any) -> None:
        found, _ = await finished(lab, await machine(lab, {"StartAt": "same", "States": states}))
        assert (found["status"], found["output"]) == ("SUCCEEDED", '{"b": 2}')
        arn = await machine_besides(lab, {"StartAt": "no", "States": states})
        found, _ = await finished(lab, arn)
        assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Mine", "enough")
        assert "output" not in found

    play(body)


async def machine_besides(lab: Any, definition: Any) -> str:
    """A state machine that no stack has."""
    made = await lab.aws(
        "stepfunctions", "CreateStateMachine", name="besides", definition=json.dumps(definition),
        roleArn="arn:aws:iam::000000000000:role/r",
    )  # fmt: skip
    return str(made["stateMachineArn"])


def test_errors_are_caught_by_their_names(play: Any) -> None:
    def definition(*names: list[str]) -> Any:
        catch = [{"ErrorEquals": one, "Next": f"n{n}"} for n, one in enumerate(names)]
        ask = {"Type": "Task", "Resource": f"{F}complete", "Catch": catch, "End": True}
        caught = {f"n{n}": {"Type": "Pass", "Result": n, "End": True} for n in range(len(names))}
        return {"StartAt": "ask", "States": {"ask": ask, **caught}}

    async def body(lab: Any) -> None:
        lab.sandbox.lambda_ = Later(failures=9)
        arn = await machine_besides(lab, definition(["Other"], ["Other", "Retry"], ["States.ALL"]))
        assert (await finished(lab, arn))[0]["output"] == "1"
        for names, output in ((["States.TaskFailed"], "0"), (["States.Timeout"], None)):
            text = json.dumps(definition(names))
            await lab.aws("stepfunctions", "UpdateStateMachine", stateMachineArn=arn, definition=text)
            assert (await finished(lab, arn))[0].get("output") == output

    play(body)


def test_an_execution_has_its_time_and_its_name_while_it_runs(play: Any) -> None:
    async def body(lab: Any) -> None:
        states = {"wait": {"Type": "Wait", "Seconds": 50, "End": True}}
        arn = await machine_besides(lab, {"StartAt": "wait", "TimeoutSeconds": 20, "States": states})
        given = {"stateMachineArn": arn, "name": "one", "input": '{"n": 1}'}
        started = [await lab.aws("stepfunctions", "StartExecution", **given) for _ in range(2)]
        assert started[0]["executionArn"] == started[1]["executionArn"]  # the same one
        with pytest.raises(AwsError, match="ExecutionAlreadyExists"):
            await lab.aws("stepfunctions", "StartExecution", **{**given, "input": "{}"})
        found, seconds = await finished(lab, arn, name="two")
        assert (found["status"], found["error"], seconds) == (
            "TIMED_OUT",
            "States.Timeout",
            pytest.approx(20.0),
        )

    play(body)


def test_what_there_is_not(play: Any) -> None:
    async def body(lab: Any) -> None:
        missing = "arn:aws:states:us-east-1:000000000000:stateMachine:none"
        with pytest.raises(AwsError, match="ResourceNotFound"):
            await lab.aws("stepfunctions", "ListTagsForResource", resourceArn=missing)
        given = {
            "definition": json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}),
            "roleArn": missing,
        }
        with pytest.raises(AwsError, match="express workflows") as refused:
            await lab.aws("stepfunctions", "CreateStateMachine", name="x", type="EXPRESS", **given)
        assert refused.value.status == 501

    play(body)
