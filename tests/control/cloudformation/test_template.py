"""Reading templates: forms, functions, parameters, and the line of each mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.engine.engine import check, pseudo_parameters
from sandbox.control.cloudformation.errors import ValidationError
from sandbox.control.cloudformation.template.build import build
from sandbox.control.cloudformation.template.intrinsics import Scope, resolve
from sandbox.control.cloudformation.template.model import Template
from sandbox.control.cloudformation.template.reader import read
from sandbox.control.cloudformation.types import TYPES

STORE = {"/cdk-bootstrap/hnb659fds/version": "21"}


async def _store(name: str) -> str:
    if name not in STORE:
        raise AwsError(400, "ParameterNotFound", "")
    return STORE[name]


def built(text: str, given: Mapping[str, str] | None = None) -> Template:
    pseudo = pseudo_parameters("000000000000", "eu-west-1", "s", "arn:s")

    async def main() -> Template:
        template = await build(read(text), given or {}, known_types=TYPES, pseudo=pseudo, get_ssm=_store)
        check(template)
        return template

    return asyncio.run(main())


def value(function: str, head: str = "", **given: str) -> Any:
    """What a function gives in an output of a template that begins with ``head``."""
    template = built(
        f"{head}\nResources: {{T: {{Type: 'AWS::SNS::Topic'}}}}\nOutputs: {{O: {{Value: {function}}}}}", given
    )
    values = pseudo_parameters("000000000000", "eu-west-1", "s", "arn:s")
    values |= {name: p.value for name, p in template.parameters.items()}
    scope = Scope(
        values, template.mappings, template.conditions, ref=lambda n: f"ref-{n}",
        attribute=lambda n, a: f"{n}/{a}", exports={"e": "exported"},
        language_extensions="AWS::LanguageExtensions" in template.transforms,
    )  # fmt: skip
    return resolve(template.outputs["O"].value, scope)


EXTENDED = "Transform: AWS::LanguageExtensions"
CONDITIONS = """
Conditions: {Good: !Equals [a, a], Bad: !Not [!Condition Good], Both: !And [!Condition Good, !Condition Bad]}"""


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("!Ref T", "ref-T"),
        ("!Ref AWS::Region", "eu-west-1"),
        ("!GetAtt T.TopicArn", "T/TopicArn"),
        ("{'Fn::GetAtt': [T, TopicArn]}", "T/TopicArn"),
        (
            "!Sub '${T}-${T.TopicArn}-${!Literal}-${AWS::AccountId}'",
            "ref-T-T/TopicArn-${Literal}-000000000000",
        ),
        ("!Sub ['${A}.${T}', {A: !Ref 'AWS::StackName'}]", "s.ref-T"),
        ("!Join ['-', [a, !Ref T, 3, true]]", "a-ref-T-3-true"),
        ("!Join ['', [a, !Ref 'AWS::NoValue', b]]", "ab"),
        ("!Select [1, !Split [',', 'a,b,c']]", "b"),
        ("!Base64 text", "dGV4dA=="),
        ("!GetAZs ''", ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ("!Cidr ['10.0.0.0/24', 2, 5]", ["10.0.0.0/27", "10.0.0.32/27"]),
        ("!ImportValue e", "exported"),
        ("2012-10-17", "2012-10-17"),
    ],
)
def test_functions(function: str, expected: Any) -> None:
    assert value(function) == expected


@pytest.mark.parametrize(
    ("head", "function", "expected"),
    [
        (CONDITIONS, "!If [Good, a, b]", "a"),
        (CONDITIONS, "!If [Both, a, b]", "b"),
        ("Mappings: {M: {eu-west-1: {K: v}}}", "!FindInMap [M, !Ref 'AWS::Region', K]", "v"),
        (EXTENDED, "!Length [a, b]", 2),
        (EXTENDED, "!ToJsonString {a: [1, x]}", '{"a":[1,"x"]}'),
        (EXTENDED + "\nMappings: {M: {a: {K: v}}}", "!FindInMap [M, b, K, {DefaultValue: d}]", "d"),
        ("Parameters: {P: {Type: CommaDelimitedList, Default: 'a, b'}}", "!Select [1, !Ref P]", "b"),
        ("Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<String>', Default: "
         "/cdk-bootstrap/hnb659fds/version}}", "!Ref P", "21"),
    ],
)  # fmt: skip
def test_functions_with_sections(head: str, function: str, expected: Any) -> None:
    assert value(function, head) == expected


@pytest.mark.parametrize(
    "function",
    ["!Select [x, [a]]", "!Select a", "!Split [a]", "!FindInMap [M]", "!Cidr [here, 1]", "!GetAtt []"],
)
def test_a_wrong_argument_is_told(function: str) -> None:
    with pytest.raises(ValidationError, match="Template error: "):
        value(function)


def test_json_is_read_as_yaml_is() -> None:
    found = read('{"Resources": {\n\t"A": {\n\t\t"Type": "AWS::SNS::Topic"}}}')
    assert found.value == {"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}
    assert found.line(("Resources", "A", "Type")) == 3


MISTAKES = [
    ("Resources:\n  A: {Type: AWS::SNS::Topic\n  B: x", r"YAML not well-formed. \(line \d, column \d+\)", 0),
    ("[]", "unsupported structure", 0),
    ("Resources: {}", "At least one Resources member must be defined", 0),
    ("Resources:\n  A: {Type: AWS::Foo::Bar}", r"Unrecognized resource types: \[AWS::Foo::Bar\]", 2),
    (
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName: !Ref Missing",
        r"Unresolved resource dependencies \[Missing\] in the Resources block",
        5,
    ),
    (
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\nOutputs:\n  O:\n    Value: !GetAtt B.Arn",
        "instance of Fn::GetAtt references undefined resource B",
        6,
    ),
    (
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\nOutputs:\n  O:\n    Value: !GetAtt A.Colour",
        "does not support attribute type Colour",
        6,
    ),
    (
        "Resources:\n  A: {Type: AWS::SNS::Topic, DependsOn: B}\n  B: {Type: AWS::SNS::Topic, DependsOn: A}",
        r"Circular dependency between resources: \[A, B\]",
        2,
    ),
    (
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Colour: red",
        "Invalid template resource property 'Colour'",
        4,
    ),
    ("Resource:\n  A: {}", r"Invalid template property or properties \[Resource\]", 1),
    (
        "Parameters:\n  P: {Type: String, AllowedValues: [a, b], Default: c}\n"
        "Resources: {A: {Type: 'AWS::SNS::Topic'}}",
        "Parameter 'P' must be one of AllowedValues$",
        2,
    ),
    (
        "Parameters:\n  P: {Type: String}\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
        r"Parameters: \[P\] must have values",
        2,
    ),
    ("Transform: Mine\nResources: {A: {Type: 'AWS::SNS::Topic'}}", "No transform named Mine found", 1),
    (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {Handler: a.b, Colour: red, InlineCode: x, Runtime: python3.12}",
        "Resource with id .F. is invalid. property Colour not defined",
        3,
    ),
    (
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties: {TopicName: !If [Bad, a, b]}",
        "Unresolved condition dependency Bad",
        4,
    ),
    (
        "AWSTemplateFormatVersion: 2010-09-10\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
        "Template format error: unsupported value for AWSTemplateFormatVersion.",
        1,
    ),
    (
        "Resources:\n  A: {Type: AWS::SNS::Topic, DeletionPolicy: Keep}",
        "Template format error: Unrecognized DeletionPolicy Keep for resource A",
        2,
    ),
    (
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties: {TopicName: {'Fn::Ref': B}}",
        r"Template Error: Encountered unsupported function: Fn::Ref Supported functions are: \[Fn::Base64, ",
        4,
    ),
    *(
        (
            f"Conditions:\n  C: {condition}\nResources: {{A: {{Type: 'AWS::SNS::Topic', Condition: C}}}}",
            message,
            0,
        )
        for condition, message in (
            (
                "!And [!Equals [a, a]]",
                "every Fn::And object requires a list of at least 2 and at most 10 boolean",
            ),
            (
                f"!Or [{', '.join(['!Equals [a, a]'] * 11)}]",
                "every Fn::Or object requires a list of at least 2",
            ),
            ("!Not []", "every Fn::Not object requires a list with exactly 1 boolean parameter."),
            (
                "!Join ['', [a]]",
                "Conditions can only be boolean operations on parameters and other conditions",
            ),
        )
    ),
]


@pytest.mark.parametrize(("text", "message", "line"), MISTAKES)
def test_mistakes_are_told_with_their_line(text: str, message: str, line: int) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        built(text)
    if line:
        assert read(text).line(refused.value.path) == line


def test_key_given_twice_is_refused_with_its_place() -> None:
    with pytest.raises(ValidationError, match=r"YAML not well-formed. \(line 3, column 3\)"):
        read("Resources:\n  A: {}\n  A: {}\n")


def test_of_a_parameter_of_the_store_its_name_is_judged() -> None:
    declared = "Type: 'AWS::SSM::Parameter::Value<String>', Default: /cdk-bootstrap/hnb659fds/version"

    def judged(pattern: str) -> Any:
        return value("!Ref P", f"Parameters: {{P: {{{declared}, AllowedPattern: '{pattern}'}}}}")

    assert judged("/cdk.*") == "21"
    with pytest.raises(ValidationError, match=r"Parameter 'P' must match pattern 21$"):
        judged("21")


def test_unwanted_parameters_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"Parameters: \[X\] do not exist in the template"):
        built("Resources: {A: {Type: 'AWS::SNS::Topic'}}", {"X": "1"})


def test_resources_whose_condition_fails_are_left_out() -> None:
    template = built(f"{CONDITIONS}\nResources:\n  A: {{Type: AWS::SNS::Topic, Condition: Good}}\n"
                     "  B: {Type: AWS::SNS::Topic, Condition: Bad}")  # fmt: skip
    assert list(template.resources) == ["A"]


CDK = """
Resources: {CDKMetadata: {Type: AWS::CDK::Metadata, Properties: {Analytics: 'v2:deflate64:x'}}}
Parameters:
  BootstrapVersion: {Type: AWS::SSM::Parameter::Value<String>, Default: /cdk-bootstrap/hnb659fds/version}
Rules:
  CheckBootstrapVersion:
    Assertions:
      - Assert: {Fn::Not: [{Fn::Contains: [[OLD], {Ref: BootstrapVersion}]}]}
        AssertDescription: CDK bootstrap stack version 6 required.
"""


def test_rules_of_the_cdk() -> None:
    assert built(CDK.replace("OLD", "'5'")).parameters["BootstrapVersion"].value == "21"
    with pytest.raises(ValidationError, match="CDK bootstrap stack version 6 required") as refused:
        built(CDK.replace("OLD", "'21'"))
    assert refused.value.path == ("Rules", "CheckBootstrapVersion")


@pytest.mark.parametrize("text", ["A: {B: [1, 2]}\nC: x\n", '{"A": {"B": [1, 2]},\n"C": "x"}'])
def test_a_text_read_again_gives_a_value_of_its_own(text: str):
    first = read(text)
    first.value["A"]["B"].append(3)
    again = read(text)
    assert again.value == {"A": {"B": [1, 2]}, "C": "x"}
    assert (again.line(("A",)), again.line(("C",)), again.line(("A", "B", 1))) == (1, 2, 1)
