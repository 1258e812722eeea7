"""SAM's translator is asked once for a template."""

import asyncio

from sandbox.control.cloudformation.template import transform

TEMPLATE = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Chat": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Runtime": "python3.11", "Handler": "app.handler", "CodeUri": "s3://code/key"},
        }
    },
}


def _apply(parameters=None, account="123456789012", template=TEMPLATE):
    return asyncio.run(transform.apply_transforms(template, parameters or {}, "us-east-1", account))


def test_same_template_is_translated_once_and_the_answers_are_separate(monkeypatch):
    monkeypatch.setattr(transform, "_translated", {})
    asked = []
    real = transform._translate
    monkeypatch.setattr(transform, "_translate", lambda *args: asked.append(1) or real(*args))
    first, second = _apply(), _apply()
    assert first == second
    assert len(asked) == 1
    second["Resources"].clear()
    assert _apply() == first


def test_other_parameters_and_another_account_are_other_questions(monkeypatch):
    monkeypatch.setattr(transform, "_translated", {})
    _apply()
    _apply(parameters={"Stage": "one"})
    _apply(account="210987654321")
    assert len(transform._translated) == 3


def test_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(transform, "_translated", {})
    monkeypatch.setattr(transform, "_KEPT", 2)
    for name in ("one", "two", "three"):
        _apply(parameters={"Stage": name})
    assert len(transform._translated) == 2
    assert _apply(parameters={"Stage": "one"})["Resources"]["Chat"]["Type"] == "AWS::Lambda::Function"
