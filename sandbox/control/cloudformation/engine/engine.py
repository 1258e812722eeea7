"""The stacks of an account and region, and how operations on them begin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.control.cloudformation.engine.change_set import ChangeSet
from sandbox.control.cloudformation.engine.graph import order, requirements
from sandbox.control.cloudformation.engine.stack import Options, Stack
from sandbox.control.cloudformation.errors import Path_, ResourceError, UnknownTypesError, ValidationError
from sandbox.control.cloudformation.template.build import build
from sandbox.control.cloudformation.template.intrinsics import Scope
from sandbox.control.cloudformation.template.model import ParameterValue, Template
from sandbox.control.cloudformation.template.reader import Document, read
from sandbox.control.cloudformation.template.references import references
from sandbox.control.cloudformation.types import TYPES

if TYPE_CHECKING:
    from sandbox.context import Sandbox

Call = Callable[..., Awaitable[dict[str, Any]]]


class Engine:
    """All stacks. Operations themselves are in :mod:`operations`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.stacks: dict[str, Stack] = {}
        self.change_sets: dict[str, ChangeSet] = {}

    def arn(self, kind: str, name: str) -> str:
        """A new stack or change set ARN."""
        settings = self.sandbox.settings
        return f"arn:aws:cloudformation:{settings.region}:{settings.account}:{kind}/{name}/{self.sandbox.ids.uuid()}"

    def find(self, name: str) -> Stack | None:
        """A stack by its id (also a deleted one) or by the name that it holds."""
        if name in self.stacks:
            return self.stacks[name]
        return next((s for s in self.stacks.values() if s.name == name and s.exists), None)

    def get(self, name: str) -> Stack:
        """The same, or AWS's refusal."""
        stack = self.find(name)
        if stack is None:
            raise ValidationError(f"Stack with id {name} does not exist")
        return stack

    def new_stack(self, name: str, options: Options) -> Stack:
        """A stack without resources, in REVIEW_IN_PROGRESS."""
        stack = Stack(self.arn("stack", name), name, self.sandbox.clock.utcnow(), options)
        self.stacks[stack.id] = stack
        return stack

    def pseudo(self, stack: Stack) -> dict[str, Any]:
        """Pseudo parameters."""
        settings = self.sandbox.settings
        arns = list(stack.options.notification_arns)
        return pseudo_parameters(settings.account, settings.region, stack.name, stack.id, arns)

    async def template(
        self,
        body: str,
        given: Mapping[str, str],
        stack: Stack,
        previous: Mapping[str, ParameterValue] | None = None,
    ) -> Template:
        """Read, transform and check a template. Raises :class:`ValidationError`."""
        try:
            template = await build(
                read(body),
                given,
                known_types=TYPES,
                pseudo=self.pseudo(stack),
                get_ssm=self._ssm,
                previous=previous,
            )
        except UnknownTypesError as e:
            url = self.sandbox.settings.localstack_url
            if url is None:
                raise
            more = f"The sandbox's CloudFormation makes all stacks; LocalStack's, at {url}, is not asked."
            raise ValidationError(f"{e.message}. {more}", e.path) from e
        check(template)
        return template

    async def _ssm(self, name: str) -> str:
        answer = await self.sandbox.control.call("ssm", "GetParameter", Name=name)
        return str(answer["Parameter"]["Value"])

    def exports(self) -> dict[str, tuple[str, Stack]]:
        """Export name -> value and the stack that exports it."""
        return {
            output.export: (output.value, stack)
            for stack in self.living()
            for output in stack.outputs.values()
            if output.export
        }

    def living(self) -> Iterator[Stack]:
        """The stacks that exist, oldest first."""
        return (stack for stack in self.stacks.values() if stack.exists)

    def importers(self, export: str) -> list[Stack]:
        """The stacks that import an export."""
        return [stack for stack in self.living() if export in stack.imports]

    def scope(self, stack: Stack, template: Template) -> Scope:
        """What names mean inside a stack; imports are noted on the stack."""
        pseudo = self.pseudo(stack)

        def resource(name: str) -> Any:
            found = stack.resources.get(name)
            if found is None or name not in template.resources:
                raise ValidationError(
                    f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of "
                    "the template"
                )
            return found

        def attribute(name: str, key: str) -> Any:
            found = resource(name)
            if key not in found.attributes:
                raise ResourceError(f"Attribute '{key}' does not exist")  # the text is UNSOURCED
            return found.attributes[key]

        return Scope(
            {**pseudo, **{name: p.value for name, p in template.parameters.items()}},
            template.mappings,
            template.conditions,
            ref=lambda name: resource(name).physical_id,
            attribute=attribute,
            exports=_Imports({name: value for name, (value, _) in self.exports().items()}, stack),
            language_extensions="AWS::LanguageExtensions" in template.transforms,
        )


def pseudo_parameters(
    account: str, region: str, name: str = "", stack_id: str = "", notification_arns: list[str] | None = None
) -> dict[str, Any]:
    """Values of ``AWS::Region`` and the like."""
    return {
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": name,
        "AWS::StackId": stack_id,
        "AWS::NotificationARNs": notification_arns or [],
    }


async def validate(
    document: Document, given: Mapping[str, str], call: Call, account: str, region: str
) -> None:
    """Read a template as an API call would, without a stack. Raises :class:`ValidationError` with its path."""

    async def get_ssm(name: str) -> str:
        return str((await call("ssm", "GetParameter", Name=name))["Parameter"]["Value"])

    pseudo = pseudo_parameters(account, region)
    check(await build(document, given, known_types=TYPES, pseudo=pseudo, get_ssm=get_ssm))


class _Imports(dict[str, str]):
    """Exports, noting on the stack which are taken."""

    def __init__(self, exports: Mapping[str, str], stack: Stack) -> None:
        super().__init__(exports)
        self._stack = stack

    def __getitem__(self, name: str) -> str:
        self._stack.imports.add(name)
        return super().__getitem__(name)


def check(template: Template) -> None:
    """Circles and attributes that a type does not have."""
    order({name: requirements(spec, template.resources) for name, spec in template.resources.items()})
    for name, spec in template.resources.items():
        _check_attributes(template, spec.properties, ("Resources", name, "Properties"))
    for name, output in template.outputs.items():
        _check_attributes(template, output.value, ("Outputs", name, "Value"))
        _check_attributes(template, output.export, ("Outputs", name, "Export", "Name"))


def _check_attributes(template: Template, value: Any, where: Path_) -> None:
    for target, attribute, path in references(value, where):
        spec = template.resources.get(target)
        type_ = TYPES.get(spec.type) if spec is not None and attribute else None
        if type_ is not None and not type_.has_attribute(str(attribute)):
            raise ValidationError(
                f"Template error: resource {target} does not support attribute type {attribute} in Fn::GetAtt",
                path,
            )
