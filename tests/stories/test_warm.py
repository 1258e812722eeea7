"""What is read before the stories part."""

import gc
import subprocess
import sys
from importlib.util import find_spec

from sandbox import collection
from sandbox.stories.warm import _BY_TEXT, _MODULES, services_of

PROGRAM = """
import sys
from sandbox.stories.warm import warm
warm()
assert __import__("threading").active_count() == 1, "a fork must find no threads"
from sandbox.control.calls import _clients
print(sorted(service for service, _ in _clients))
"""


def test_warm_reads_models_and_leaves_no_thread():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['cloudformation', 'iam', 'lambda', 's3']"


def test_what_is_imported_for_a_service_exists():
    assert _MODULES.keys() <= _BY_TEXT.keys()
    assert [name for names in _MODULES.values() for name in names if find_spec(name) is None] == []


def test_settled_objects_are_left_out_of_collections():
    try:
        collection.pause()
        assert not gc.isenabled()
        before = gc.get_freeze_count()
        kept = [[] for _ in range(1000)]
        collection.settle()
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + len(kept)
    finally:
        gc.unfreeze()
        gc.enable()


def test_services_that_several_templates_use_are_read_too(tmp_path):
    types = ["AWS::Serverless::Api", "AWS::ApiGateway::RestApi", "AWS::SQS::Queue", "AWS::IAM::Role"]
    templates = [tmp_path / f"{n}.yaml" for n in range(len(types))]
    for template, type_ in zip(templates, types, strict=True):
        template.write_text(f"Resources:\n  It:\n    Type: {type_}\n")
    assert services_of(templates) == ["apigateway"]
    assert services_of([*templates, templates[2]]) == ["apigateway", "sqs"]
