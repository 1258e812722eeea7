"""What a resource type is. A module in this package that defines a subclass has added a type: nothing else to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.shapes import json_type, to_params

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.cloudformation.engine.stack import Stack

_MARKS = "!*{}[]"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass
class Request:
    """One operation on one resource.

    ``properties``: resolved; ``previous``: the properties before an update; ``physical_id``: set it as soon as
    the thing exists, so that a failure after that is rolled back; ``attributes``: what ``Fn::GetAtt`` gives;
    ``initiated``: call it when the thing exists and will take its time: others see it from then on.
    """

    sandbox: Sandbox
    stack: Stack
    logical_id: str
    type: str
    properties: dict[str, Any]
    physical_id: str = ""
    previous: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    initiated: Callable[[], None] = lambda: None

    def __getitem__(self, name: str) -> Any:
        return self.properties[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A property or the default."""
        return self.properties.get(name, default)

    async def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Call an AWS API."""
        return await self.sandbox.control.call(service, operation, **params)

    async def send(
        self, service: str, operation: str, properties: Mapping[str, Any], /, **more: Any
    ) -> dict[str, Any]:
        """Call an AWS API with properties, turned into what the operation takes (names, scalars, tags)."""
        return await self.call(service, operation, **to_params(service, operation, properties), **more)

    def pick(self, names: str, **renamed: str) -> dict[str, Any]:
        """The given properties that are set; ``renamed``: API name -> property."""
        found = {name: self.properties[name] for name in names.split() if name in self.properties}
        found.update({to: self.properties[name] for to, name in renamed.items() if name in self.properties})
        return found

    def changed(self, *names: str) -> bool:
        """Whether one of these properties differs from before."""
        return any(self.properties.get(name) != self.previous.get(name) for name in names)

    def name(self, limit: int = 64, *, lower: bool = False, suffix: str = "") -> str:
        """A name as CloudFormation makes it: stack, logical id, random; at most ``limit`` characters."""
        tail = "-" + self.sandbox.ids.text(12, _LETTERS) + suffix
        stack, logical = self.stack.name, self.logical_id
        room = limit - len(tail) - 1
        if len(stack) + len(logical) > room:
            stack = stack[: max(room - len(logical), room // 2)]
            logical = logical[: room - len(stack)]
        made = f"{stack}-{logical}{tail}"
        return made.lower() if lower else made

    @property
    def region(self) -> str:
        return self.sandbox.settings.region

    @property
    def account(self) -> str:
        return self.sandbox.settings.account

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def words(text: str) -> tuple[str, ...]:
    """Names, written in one text."""
    return tuple(text.split())


def document(policy: Any) -> str:
    """A policy document as the APIs take it."""
    return policy if isinstance(policy, str) else json.dumps(policy)


def policy_text(policy: Any) -> str:
    """An IAM policy document. SAM's policy templates leave ``Version`` out, which IAM takes; backends do not all."""
    if isinstance(policy, Mapping) and "Version" not in policy:
        policy = {"Version": "2012-10-17", **policy}
    return document(policy)


def tags_changed(request: Request) -> tuple[list[dict[str, str]], list[str]]:
    """Tags to set and keys to take away, from a list of Key and Value."""
    new = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
    old = {tag["Key"]: tag["Value"] for tag in request.previous.get("Tags") or []}
    added = [{"Key": key, "Value": str(value)} for key, value in new.items() if old.get(key) != value]
    return added, [key for key in old if key not in new]


class ResourceType:
    """A type of resource.

    ``type``: its name. ``spec``: its properties' names; ``!`` marks a required one, ``*`` one whose change needs
    a new resource, ``{}`` an object, ``[]`` a list (source: the types' public resource schemas). ``attributes``:
    what ``Fn::GetAtt`` knows; a name that ends in ``.`` allows everything below it. ``iam_name``: for types that
    need CAPABILITY_IAM, the property that makes it CAPABILITY_NAMED_IAM ("" for none).
    """

    type: ClassVar[str]
    spec: ClassVar[str] = ""
    attributes: ClassVar[str] = ""
    iam_name: ClassVar[str | None] = None
    open: ClassVar[bool] = False  # takes any property

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "type" in cls.__dict__:
            TYPES[cls.type] = cls()

    async def create(self, r: Request) -> None:
        """Make the thing; set ``r.physical_id`` and ``r.attributes``. Raises ``AwsError``, ``ResourceError``."""
        raise NotImplementedError

    async def update(self, r: Request) -> None:
        """Change it in place, from ``r.previous`` to ``r.properties``; may renew ``r.attributes``."""
        raise ResourceError(f"The sandbox cannot update a {self.type} in place; give it another logical id.")

    async def delete(self, r: Request) -> None:
        """Remove it. What is gone already is no error (``AwsError`` not found is taken as done)."""
        raise NotImplementedError

    def names(self) -> dict[str, str]:
        """The properties' names, each with its marks."""
        return {name.strip(_MARKS): name[len(name.strip(_MARKS)) :] for name in self.spec.split()}

    def replaces(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
        """The changed properties that need a new resource."""
        fixed = [name for name, marks in self.names().items() if "*" in marks]
        return [name for name in fixed if old.get(name) != new.get(name)]

    def check(self, logical_id: str, properties: Mapping[str, Any]) -> None:
        """Refuse unknown and missing properties in AWS's words. Raises :class:`ResourceError`."""
        if self.open:
            return
        names = self.names()
        wrong = [f"#: extraneous key [{name}] is not permitted" for name in properties if name not in names]
        wrong += [
            f"#: required key [{name}] not found"
            for name, marked in names.items()
            if "!" in marked and name not in properties
        ]
        for name, value in properties.items():
            wanted = {"{}": "JSONObject", "[]": "JSONArray"}.get(names.get(name, "")[-2:])
            if wanted and json_type(value) != wanted:
                wrong.append(f"#/{name}: expected type: {wanted}, found: {json_type(value)}")
        if wrong:
            raise invalid_properties(logical_id, wrong)

    def has_attribute(self, name: str) -> bool:
        """Whether ``Fn::GetAtt`` may ask for it."""
        known = self.attributes.split()
        return self.open or name in known or any(k.endswith(".") and name.startswith(k) for k in known)


TYPES: dict[str, ResourceType] = {}


def invalid_properties(logical_id: str, wrong: list[str]) -> ResourceError:
    """AWS's refusal of properties (seen in public reports of 2024 and 2025)."""
    return ResourceError(
        f"Properties validation failed for resource {logical_id} with message: [{', '.join(wrong)}]"
    )


def is_gone(error: AwsError) -> bool:
    """Whether an error says that the thing does not exist."""
    return error.status == 404 or any(word in error.code for word in ("NotFound", "NoSuch", "NonExistent"))
