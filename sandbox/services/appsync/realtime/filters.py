"""Which messages a subscription gets: by its arguments, or by the filters that its resolver set.

Source: AppSync developer guide, "Using subscriptions for real-time data", "Defining enhanced subscriptions filters";
a declared variable that is not given counts as null (issues 94 and 348 of aws-appsync-community, open). A filter of
the resolver replaces the arguments: Amplify's schemas have an argument ``filter`` that no payload has. An operator
that AppSync does not know matches nothing (fact 5.12: all or nothing, in silence; which of them is UNSOURCED).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Groups = Sequence[Mapping[str, Any]]


def by_arguments(arguments: Mapping[str, Any], payload: Any) -> bool:
    """Whether each argument equals the payload's member of its name; null asks for a member that is null."""
    if not arguments:
        return True
    if not isinstance(payload, Mapping):
        return False
    return all(_equal(payload.get(name), value) for name, value in arguments.items())


def by_groups(groups: Groups, payload: Any) -> bool:
    """Whether all filters of one group match."""
    return any(all(_matches(one, payload) for one in group.get("filters", ())) for group in groups)


def groups_of(argument: Any) -> Groups | None:
    """The groups in what ``extensions`` was given: ``{"filterGroup": [{"filters": [...]}]}``."""
    if not isinstance(argument, Mapping):
        return None
    given = argument.get("filterGroup")
    found = [given] if isinstance(given, Mapping) else given
    return [group for group in found if isinstance(group, Mapping)] if isinstance(found, list) else None


def _matches(one: Mapping[str, Any], payload: Any) -> bool:
    test = _OPERATORS.get(str(one.get("operator")))
    actual = _member(payload, str(one.get("fieldName", "")))
    if test is None:
        return False
    try:
        return test(actual, one.get("value"))
    except TypeError:  # values that cannot be compared
        return False


def _member(payload: Any, name: str) -> Any:
    """A member by its name, or by names with dots between them."""
    for part in name.split("."):
        payload = payload.get(part) if isinstance(payload, Mapping) else None
    return payload


def _equal(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, bool) != isinstance(wanted, bool):
        return False
    return bool(actual == wanted)


def _contains(actual: Any, wanted: Any) -> bool:
    return isinstance(actual, str | list) and wanted in actual


def _within(actual: Any, wanted: Any) -> bool:
    return any(_equal(actual, one) for one in wanted)


def _known(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A test that a missing value never passes."""
    return lambda actual, wanted: actual is not None and bool(test(actual, wanted))


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _equal,
    "ne": lambda actual, wanted: not _equal(actual, wanted),
    "le": _known(lambda actual, wanted: actual <= wanted),
    "lt": _known(lambda actual, wanted: actual < wanted),
    "ge": _known(lambda actual, wanted: actual >= wanted),
    "gt": _known(lambda actual, wanted: actual > wanted),
    "contains": _contains,
    "notContains": lambda actual, wanted: not _contains(actual, wanted),
    "beginsWith": lambda actual, wanted: isinstance(actual, str) and actual.startswith(wanted),
    "in": _within,
    "notIn": lambda actual, wanted: not _within(actual, wanted),
    "between": _known(lambda actual, wanted: wanted[0] <= actual <= wanted[1]),
    "containsAny": lambda actual, wanted: any(_contains(actual, one) for one in wanted),
}
